"""What holds for every family that is a network, of the network itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fenlei.families import family_names, find_family

NETWORKS = [name for name in family_names() if hasattr(find_family(name), "network_class")]
LENGTHS = [7, 1, 12, 0, 30]


@pytest.fixture(params=NETWORKS)
def network(request: Any, all_small: Any) -> Any:
    """A small network with weights that are not near zero, ready for prediction."""
    torch.manual_seed(0)
    return _made(request.param, all_small).eval()


def _made(family: str, all_small: Any, **changes: Any) -> Any:
    kind = find_family(family)
    model = kind(**{**all_small[family], **changes})
    config = kind.network_class.config_class(
        vocab_size=40, dim=model.dim, num_labels=3, dropout=model.dropout, embedding_dropout=model.embedding_dropout,
        **model.network_settings(),
    )  # fmt: skip
    network = kind.network_class(config)
    nn.init.normal_(network.head.weight)
    nn.init.normal_(network.embedding.weight)
    return network


def _batch(lengths: list[int], channels: int = 1) -> Tensor:
    random = torch.Generator().manual_seed(1)
    ids = torch.randint(1, 40, (len(lengths), max(1, *lengths), channels), generator=random)
    ids[torch.arange(ids.shape[1]) >= torch.tensor(lengths)[:, None]] = 0
    return ids[..., 0] if channels == 1 else ids


def _close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_text_has_the_same_logits_alone_and_in_any_batch(network: Any, channels: int) -> None:
    if channels > 1 and not network.takes_channels:
        pytest.skip("the family takes one token a place")
    ids = _batch(LENGTHS, channels)
    with torch.no_grad():
        together = network(ids).logits
        padded = network(nn.functional.pad(ids, (0, 20) if channels == 1 else (0, 0, 0, 20))).logits
        alone = [network(ids[i : i + 1, : max(n, 1)]).logits for i, n in enumerate(LENGTHS)]
    _close(padded, together)
    _close(torch.cat(alone), together)
    assert not torch.allclose(together[0], together[1], atol=1e-3)


@pytest.mark.parametrize("lengths", [[7, 1, 12, 0, 70], [2], [0]], ids=["long", "short", "empty"])
def test_every_weight_takes_part_in_every_step(network: Any, lengths: list[int]) -> None:
    """A training on several processes waits for the gradient of every weight."""
    network.train()
    network(_batch(lengths), labels=torch.zeros(len(lengths), dtype=torch.int64)).loss.backward()
    missing = [name for name, p in network.named_parameters() if p.requires_grad and p.grad is None]
    assert not missing


def test_the_gradient_reaches_every_weight(network: Any) -> None:
    network.train()
    network(_batch([70, 33, 12]), labels=torch.tensor([0, 1, 2])).loss.backward()
    still = [name for name, p in network.named_parameters() if not p.grad.any()]
    assert not still


def test_processes_drop_what_one_would(all_small: Any, network: Any) -> None:
    family = network.config.model_type.removeprefix("fenlei-")
    rates = {name: 0.4 for name in find_family(family).parameter_names() if name.endswith("dropout")}
    torch.manual_seed(0)
    dropping = _made(family, all_small, **rates).train()
    ids, keys, batch_key = _batch(LENGTHS), torch.arange(5) * 77, torch.tensor([3])
    whole = dropping(ids, keys=keys, batch_key=batch_key).logits
    for rank in range(2):
        _close(dropping(ids[rank::2], keys=keys[rank::2], batch_key=batch_key).logits, whole[rank::2])
    assert not torch.allclose(dropping(ids, keys=keys + 1, batch_key=batch_key).logits, whole, atol=1e-3)


def test_bfloat16_is_near_and_learns_in_float32(network: Any) -> None:
    ids = _batch(LENGTHS)
    exact = network(ids).logits
    with torch.autocast("cpu", torch.bfloat16):
        rough = network(ids, labels=torch.tensor([0, 1, 2, 0, 1]))
    assert (rough.logits.float() - exact).abs().max() < 0.1 * exact.abs().max()
    rough.loss.backward()
    assert {p.grad.dtype for p in network.parameters() if p.grad is not None} == {torch.float32}


def test_hugging_face_saves_and_loads_it(network: Any, tmp_path: Path) -> None:
    network.save_pretrained(tmp_path)
    loaded = type(network).from_pretrained(tmp_path)
    assert loaded.config.to_dict().keys() == network.config.to_dict().keys()
    for (name, value), other in zip(network.state_dict().items(), loaded.state_dict().values(), strict=True):
        assert torch.equal(value, other), name
    ids = _batch(LENGTHS)
    assert torch.equal(loaded.eval()(ids).logits, network(ids).logits)


def test_hugging_face_trains_it(network: Any, tmp_path: Path) -> None:
    from transformers import Trainer, TrainingArguments

    rows = [{"input_ids": ids, "labels": label} for ids, label in zip(_batch([9] * 6), [0, 1, 2] * 2, strict=True)]
    arguments = TrainingArguments(
        str(tmp_path), max_steps=3, per_device_train_batch_size=6, learning_rate=0.01, report_to="none",
        save_strategy="no", disable_tqdm=True, use_cpu=True, dataloader_pin_memory=False, logging_strategy="no",
    )  # fmt: skip
    trainer = Trainer(network, arguments, train_dataset=rows)
    before = trainer.evaluate(rows)["eval_loss"]
    trainer.train()
    assert trainer.evaluate(rows)["eval_loss"] < before


def test_labels_of_several_classes_have_binary_cross_entropy(network: Any) -> None:
    ids, labels = _batch([3, 4]), torch.tensor([[1, 0, 1], [0, 0, 0]])
    out = network(ids, labels=labels)
    torch.testing.assert_close(out.loss, nn.functional.binary_cross_entropy_with_logits(out.logits, labels.float()))
