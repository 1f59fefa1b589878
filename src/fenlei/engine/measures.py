"""How good a network is on texts it does not learn from."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import PreTrainedModel

from fenlei.engine.batches import Examples, in_length_order
from fenlei.engine.losses import Loss


@torch.no_grad()
def evaluate_network(
    network: PreTrainedModel, examples: Examples, loss: Loss, *, batch_size: int, bf16: bool = False
) -> dict[str, float]:
    """Measure ``valid_loss`` and ``valid_accuracy`` (of multi-label: the share of right yes-or-no answers).

    Both are means by the weights that the batches of the examples give. Where the network's output has ``extra_right``,
    of whatever it learns beside, ``valid_extra_accuracy`` is its mean.
    """
    was_training = network.training
    network.train(False)
    sums = torch.zeros(3, dtype=torch.float64)
    extra: list[Tensor] = []
    for order in in_length_order(examples, batch_size):
        batch = {name: value.to(network.device) for name, value in examples.batch(order).items()}
        targets, weights = batch.pop("targets"), batch.pop("weights")
        with torch.autocast(network.device.type, torch.bfloat16, enabled=bf16):
            output = network(**batch)
        logits = output.logits.float()
        if (right := getattr(output, "extra_right", None)) is not None:
            extra.append(right.double().cpu())
        losses = loss(logits, targets)
        each = torch.stack([losses, loss.right(logits, targets), torch.ones_like(losses)])
        sums += (each * weights).sum(1, dtype=torch.float64).cpu()
    network.train(was_training)
    valid_loss, valid_accuracy = (sums[:2] / (float(sums[2]) or 1.0)).tolist()
    found = {"valid_loss": valid_loss, "valid_accuracy": valid_accuracy}
    return found | {"valid_extra_accuracy": float(torch.cat(extra).mean())} if extra else found
