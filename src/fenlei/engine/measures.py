"""How good a network is on texts it does not learn from."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

from fenlei.engine.batches import Examples, in_length_order
from fenlei.engine.losses import Loss


@torch.no_grad()
def evaluate_network(
    network: PreTrainedModel, examples: Examples, loss: Loss, *, batch_size: int, bf16: bool = False
) -> dict[str, float]:
    """Measure ``valid_loss`` and ``valid_accuracy`` (of multi-label: the share of right yes-or-no answers).

    Both are means by the weights that the batches of the examples give.
    """
    was_training = network.training
    network.train(False)
    sums = torch.zeros(3, dtype=torch.float64)
    for order in in_length_order(examples, batch_size):
        batch = {name: value.to(network.device) for name, value in examples.batch(order).items()}
        targets, weights = batch.pop("targets"), batch.pop("weights")
        with torch.autocast(network.device.type, torch.bfloat16, enabled=bf16):
            logits = network(**batch).logits.float()
        losses = loss(logits, targets)
        each = torch.stack([losses, loss.right(logits, targets), torch.ones_like(losses)])
        sums += (each * weights).sum(1, dtype=torch.float64).cpu()
    network.train(was_training)
    valid_loss, valid_accuracy = (sums[:2] / (float(sums[2]) or 1.0)).tolist()
    return {"valid_loss": valid_loss, "valid_accuracy": valid_accuracy}
