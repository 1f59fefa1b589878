"""Two passes that must agree, moved token vectors, and averaged weights: each does what its formula says."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy
from torch import nn

from fenlei.engine import trainer
from fenlei.engine.optimizers import embedding_weights
from fenlei.engine.regularizers import WeightAverage, adversarial, disagreement, touched_rows


def test_disagreement_is_the_mean_of_both_divergences():
    logits, others = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(1)).unbind()
    p, q = softmax(logits.numpy(), 1), softmax(others.numpy(), 1)
    expected = (entropy(p, q, axis=1) + entropy(q, p, axis=1)) / 2
    found = disagreement(logits, others, multi_label=False)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    yes = [1 / (1 + np.exp(-each.numpy())) for each in (logits, others)]
    p, q = (np.stack([each, 1 - each], -1) for each in yes)
    expected = ((entropy(p, q, axis=2) + entropy(q, p, axis=2)) / 2).sum(1)
    np.testing.assert_allclose(disagreement(logits, others, multi_label=True), expected, atol=1e-5)


def test_without_dropout_two_passes_are_one(tiny):
    plain = {"dropout": 0.0, "embedding_dropout": 0.0}
    one, first = tiny.train(network=tiny.make_network(**plain), recipe={"epochs": 2})
    two, second = tiny.train(network=tiny.make_network(**plain), recipe={"epochs": 2, "r_drop": 3.0})
    assert [e["loss"] for e in first.history] == pytest.approx([e["loss"] for e in second.history], abs=1e-6)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_passes_with_other_dropout_agree_more_where_disagreement_is_in_the_loss(tiny):
    apart = {}
    for weight in (0.0, 50.0):
        network, _ = tiny.train(recipe={"epochs": 20, "r_drop": weight}, valid=False)
        network.train()
        batch = tiny.make_examples(40, seed=2).batch(np.arange(40))["input_ids"]
        with torch.no_grad():
            passes = [network(batch, keys=torch.arange(40) + n, batch_key=torch.tensor([n])).logits for n in (1, 99)]
        apart[weight] = disagreement(*passes, multi_label=False).mean().item()
    assert apart[50.0] < 0.7 * apart[0.0]


@pytest.mark.parametrize("sparse", [False, True])
def test_embeddings_move_along_their_gradient_and_come_back(sparse):
    embedding = nn.Embedding(6, 3, sparse=sparse)
    before = embedding.weight.detach().clone()
    direction = torch.tensor([[1.0, 2.0, 2.0], [0.0, 0.0, 4.0]])
    (embedding(torch.tensor([1, 4])) * direction).sum().backward()
    with adversarial([embedding.weight], [None], 0.5):
        moved = (embedding.weight - before).detach()
    assert torch.equal(embedding.weight, before)
    expected = torch.zeros(6, 3)
    expected[[1, 4]] = direction * 0.5 / 5.0
    assert torch.allclose(moved, expected)


@pytest.mark.parametrize("sparse", [False, True])
def test_they_move_along_the_gradient_of_their_own_batch(sparse):
    embedding = nn.Embedding(6, 3, sparse=sparse)
    weights = embedding.weight.detach().clone()
    (embedding(torch.tensor([0, 1])) * 100.0).sum().backward()
    earlier = embedding.weight.grad.clone()
    (embedding(torch.tensor([1])) * torch.tensor([0.0, 3.0, 4.0])).sum().backward()
    with adversarial([embedding.weight], [earlier], 0.5):
        moved = (embedding.weight - weights).detach()
    expected = torch.zeros(6, 3)
    expected[1] = torch.tensor([0.0, 0.3, 0.4])
    assert torch.allclose(moved, expected, atol=1e-5)


def test_they_come_back_after_an_error_and_do_not_move_without_a_gradient():
    embedding = nn.Embedding(3, 2)
    before = embedding.weight.detach().clone()
    with adversarial([embedding.weight], [None], 0.5):
        assert torch.equal(embedding.weight, before)
    embedding(torch.tensor([1])).sum().backward()
    with pytest.raises(KeyError), adversarial([embedding.weight], [None], 0.5):
        raise KeyError
    assert torch.equal(embedding.weight, before)


def test_the_second_pass_has_its_say_and_is_not_counted_in_the_loss(tiny):
    one, plain = tiny.train(recipe={"epochs": 1, "batch_size": 75})
    two, moved = tiny.train(recipe={"epochs": 1, "batch_size": 75, "adversarial": 1.0})
    assert moved.history[0]["loss"] == plain.history[0]["loss"]
    assert tiny.weights_of(one) != tiny.weights_of(two)


def test_token_vectors_that_do_not_learn_cost_no_second_pass(tiny):
    network = tiny.make_network()
    for weight in embedding_weights(network):
        weight.requires_grad_(False)
    still, _ = tiny.train(recipe={"epochs": 1, "adversarial": 1.0}, network=deepcopy(network))
    plain, _ = tiny.train(recipe={"epochs": 1}, network=network)
    assert tiny.weights_of(still) == tiny.weights_of(plain)


def test_each_of_the_batches_that_add_up_has_a_direction_of_its_own(tiny, monkeypatch):
    earlier = []

    def noted(weights, before, size):
        earlier.extend(before)
        return adversarial(weights, before, size)

    monkeypatch.setattr(trainer, "adversarial", noted)
    tiny.train(recipe={"epochs": 1, "batch_size": 25, "accumulate": 3, "adversarial": 1.0})
    assert [gradient is None for gradient in earlier] == [True, False, False]
    assert len(touched_rows(earlier[1])[0]) < len(touched_rows(earlier[2])[0])


def test_an_average_follows_the_weights_as_its_formula_says():
    layer = nn.Linear(2, 1)
    average = WeightAverage(layer, 0.9)
    expected = layer.weight.detach().clone()
    for step in range(1, 5):
        with torch.no_grad():
            layer.weight += step
        average.update(layer)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * layer.weight.detach()
    last = layer.weight.detach().clone()
    with average.applied(layer):
        assert torch.allclose(layer.weight, expected)
    assert torch.equal(layer.weight, last)
    with average.applied(layer):
        assert torch.allclose(layer.weight, expected)


def test_the_average_is_what_is_measured_and_kept(tiny):
    plain, usual = tiny.train(recipe={"epochs": 3, "learning_rate": 0.05})
    averaged, outcome = tiny.train(recipe={"epochs": 3, "learning_rate": 0.05, "average": 0.95})
    assert [e["loss"] for e in outcome.history] == [e["loss"] for e in usual.history], "the training is the same"
    distance = [(p - q).abs().max().item() for p, q in zip(plain.parameters(), averaged.parameters(), strict=True)]
    assert max(distance) > 1e-3
    batch = tiny.make_examples(40, seed=2).batch(np.arange(40))
    targets, weights = batch.pop("targets"), batch.pop("weights")
    with torch.no_grad():
        losses = nn.functional.cross_entropy(averaged(**batch).logits, targets, reduction="none")
    measured = outcome.history[outcome.best_epoch - 1]["valid_loss"]
    assert measured == pytest.approx(((losses * weights).sum() / weights.sum()).item(), abs=1e-5)
    apart = [abs(a["valid_loss"] - b["valid_loss"]) for a, b in zip(outcome.history, usual.history, strict=True)]
    assert max(apart) > 1e-3
