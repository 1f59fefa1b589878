"""Losses against their formulas, text by text in plain Python."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from fenlei.engine.losses import Loss

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.0, 0.0, 0.0], [-3.0, 4.0, 1.0]])
CLASSES = torch.tensor([0, 2, 0])
SETS = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
WEIGHTS = [0.5, 1.0, 3.0]


def softmax(row: list[float]) -> list[float]:
    powers = [math.exp(value) for value in row]
    return [power / sum(powers) for power in powers]


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("focal", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_single_label(smoothing, focal, weights):
    loss = Loss(False, smoothing, focal, None if weights is None else torch.tensor(weights))
    for found, row, k in zip(loss(LOGITS, CLASSES).tolist(), LOGITS.tolist(), CLASSES.tolist(), strict=True):
        p = softmax(row)
        aim = [smoothing / 3 + (1 - smoothing) * (j == k) for j in range(3)]
        expected = -sum(a * math.log(q) for a, q in zip(aim, p, strict=True)) * (1 - p[k]) ** focal
        assert found == pytest.approx(expected * (1 if weights is None else weights[k]), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("focal", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_multi_label(smoothing, focal, weights):
    loss = Loss(True, smoothing, focal, None if weights is None else torch.tensor(weights))
    for found, row, truth in zip(loss(LOGITS, SETS).tolist(), LOGITS.tolist(), SETS.tolist(), strict=True):
        expected = 0.0
        for j, (z, y) in enumerate(zip(row, truth, strict=True)):
            p = 1 / (1 + math.exp(-z))
            aim = y * (1 - smoothing) + smoothing / 2
            each = -(aim * math.log(p) + (1 - aim) * math.log(1 - p)) * (1 - p if y else p) ** focal
            expected += each * (1 if weights is None or not y else weights[j])
        assert found == pytest.approx(expected, rel=1e-5)


def test_class_weights_as_torch_has_them():
    weights = torch.tensor(WEIGHTS)
    ours = Loss(False, class_weights=weights)(LOGITS, CLASSES)
    assert torch.allclose(ours, functional.cross_entropy(LOGITS, CLASSES, weight=weights, reduction="none"))


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("focal", [0.5, 2.0])
def test_a_text_that_is_wholly_sure_has_a_gradient_that_is_a_number(multi_label, focal):
    logits = torch.tensor([[200.0, -200.0, -200.0]], requires_grad=True)
    targets = torch.tensor([[1.0, 0.0, 0.0]]) if multi_label else torch.tensor([0])
    Loss(multi_label, focal=focal)(logits, targets).sum().backward()
    assert torch.isfinite(logits.grad).all()


def test_right_answers():
    assert Loss(False).right(LOGITS, CLASSES).tolist() == [1, 0, 0]
    assert Loss(True).right(LOGITS, SETS).tolist() == pytest.approx([1, 1, 2 / 3])


SHARES = torch.tensor([[0.7, 0.2, 0.1], [0.0, 0.0, 1.0], [0.25, 0.5, 0.25]])


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_probabilities_as_targets(temperature, weights):
    loss = Loss(False, class_weights=None if weights is None else torch.tensor(weights), temperature=temperature)
    for found, row, aim in zip(loss(LOGITS, SHARES).tolist(), LOGITS.tolist(), SHARES.tolist(), strict=True):
        p = softmax([z / temperature for z in row])
        expected = -sum(a * math.log(q) for a, q in zip(aim, p, strict=True)) * temperature**2
        share = 1 if weights is None else sum(a * w for a, w in zip(aim, weights, strict=True))
        assert found == pytest.approx(expected * share, rel=1e-5)


def test_probabilities_of_labels_side_by_side():
    found = Loss(True, temperature=2.0)(LOGITS, SHARES)
    p = torch.sigmoid(LOGITS / 2)
    expected = -4 * (SHARES * p.log() + (1 - SHARES) * (1 - p).log()).sum(1)
    torch.testing.assert_close(found, expected)


def test_right_is_the_likeliest_class():
    assert Loss(False).right(LOGITS, SHARES).tolist() == [1.0, 0.0, 1.0]
    one_hot = functional.one_hot(CLASSES).float()
    loss = Loss(False, smoothing=0.1)
    torch.testing.assert_close(loss(LOGITS, one_hot), loss(LOGITS, CLASSES))
    torch.testing.assert_close(loss.right(LOGITS, one_hot), loss.right(LOGITS, CLASSES))
