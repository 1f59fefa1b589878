"""Optimizers and schedules against torch's own."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from fenlei.engine.optimizers import RowwiseAdamW, allow_sparse_gradients, make_optimizer, make_schedule, rate_at
from fenlei.engine.recipe import OPTIMIZERS, SCHEDULES, Recipe
from fenlei.layers.embedding import TokenEmbedding


def gradient(seed: int, rows: list[int], *, sparse: bool) -> torch.Tensor:
    values = torch.randn(len(rows), 4, generator=torch.Generator().manual_seed(seed))
    found = torch.sparse_coo_tensor(torch.tensor([rows]), values, (10, 4), check_invariants=True)
    return found if sparse else found.to_dense()


def run(make, *, sparse: bool, every_row: bool = False) -> torch.Tensor:
    p = torch.nn.Parameter(torch.linspace(-1, 1, 40).view(10, 4).clone())
    optimizer = make(p)
    for step, rows in enumerate([[0, 1], [1, 5, 1], [9], [0, 1, 2, 3]]):
        p.grad = gradient(step, list(range(10)) if every_row else rows, sparse=sparse)
        optimizer.step()
    return p.detach()


def rowwise(p, **settings):
    return RowwiseAdamW([{"params": [p], "rows": True}], lr=0.1, **settings)


def test_without_decay_it_is_sparse_adam():
    theirs = run(lambda p: torch.optim.SparseAdam([p], lr=0.1), sparse=True)
    for sparse in (False, True):
        assert torch.allclose(run(lambda p: rowwise(p, weight_decay=0.0), sparse=sparse), theirs, atol=1e-6)


def test_when_every_row_has_a_gradient_it_is_adamw():
    theirs = run(lambda p: torch.optim.AdamW([p], lr=0.1, weight_decay=0.3), sparse=False, every_row=True)
    for sparse in (False, True):
        ours = run(lambda p: rowwise(p, weight_decay=0.3), sparse=sparse, every_row=True)
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_dense_and_sparse_gradients_end_at_the_same_weights_to_the_bit():
    dense, sparse = (run(lambda p: rowwise(p, weight_decay=0.3), sparse=s) for s in (False, True))
    assert torch.equal(dense, sparse)


def test_a_row_whose_gradient_is_zero_rests_either_way():
    for sparse in (False, True):
        p = torch.nn.Parameter(torch.ones(10, 4))
        p.grad = gradient(0, [1, 2], sparse=sparse) * torch.tensor([0.0])
        rowwise(p, weight_decay=0.5).step()
        assert (p == 1).all()


def test_other_groups_are_plain_adamw():
    p, q = (torch.nn.Parameter(torch.ones(3, 2)) for _ in range(2))
    ours, theirs = (
        RowwiseAdamW([p], lr=0.1, weight_decay=0.2, fused=True),
        torch.optim.AdamW([q], lr=0.1, weight_decay=0.2),
    )
    for _ in range(3):
        p.grad, q.grad = torch.full((3, 2), 0.3), torch.full((3, 2), 0.3)
        ours.step(), theirs.step()
    assert torch.allclose(p, q)


def test_its_state_can_be_put_back():
    p = torch.nn.Parameter(torch.ones(10, 4))
    one = rowwise(p)
    p.grad = gradient(0, [1, 2], sparse=True)
    one.step()
    q = torch.nn.Parameter(p.detach().clone())
    other = rowwise(q)
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    for parameter, optimizer in ((p, one), (q, other)):
        parameter.grad = gradient(1, [2, 3], sparse=True)
        optimizer.step()
    assert torch.equal(p, q)


class Net(torch.nn.Module):
    def __init__(self, rows: int = 1500) -> None:
        super().__init__()
        self.embedding = TokenEmbedding(rows, 2)
        self.head = torch.nn.Linear(2, 3)
        torch.nn.init.normal_(self.embedding.weight)


def test_biases_do_not_decay_and_large_embeddings_learn_by_rows():
    network = Net()
    groups = make_optimizer(network, Recipe(weight_decay=0.1)).param_groups
    place = {id(p): group for group in groups for p in group["params"]}
    assert place[id(network.head.bias)]["weight_decay"] == 0
    assert place[id(network.head.weight)]["weight_decay"] == 0.1
    assert place[id(network.embedding.weight)].get("rows")
    assert not any(group.get("rows") for group in make_optimizer(Net(20), Recipe()).param_groups)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_makes_the_loss_smaller(name):
    torch.manual_seed(1)
    network = Net()
    optimizer = make_optimizer(network, Recipe(optimizer=name, learning_rate=0.01, weight_decay=0.001))
    ids, truth = torch.tensor([[5], [6], [7]]), torch.tensor([0, 1, 2])
    losses = []
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(network.head(network.embedding(ids).rows), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize("allowed", [True, False])
def test_sparse_gradients_of_large_embeddings_where_they_are_taken(allowed, monkeypatch):
    monkeypatch.setattr("fenlei.layers.embedding.SPARSE_FROM", 1000)
    network = Net()
    allow_sparse_gradients(network, allowed)
    network.embedding(torch.tensor([[5]])).rows.sum().backward()
    assert network.embedding.weight.grad.is_sparse is allowed


@pytest.mark.parametrize(("steps", "rise"), [(10, 0.3), (37, 0.3), (100, 0.5), (7, 0.0)])
def test_one_cycle_is_that_of_torch(steps, rise):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2.0, total_steps=steps, pct_start=rise or 0.3)
    for step in range(steps):
        assert rate_at("one-cycle", rise, steps, step) * 2.0 == pytest.approx(theirs.get_last_lr()[0], abs=1e-9), step
        optimizer.step()
        if step < steps - 1:
            theirs.step()


def test_cosine_is_that_of_torch():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    for step in range(20):
        assert rate_at("cosine", 0.0, 20, step) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


@pytest.mark.parametrize(("warmup", "steps"), [(0.1, 40), (0.0, 10), (0.5, 9), (1.0, 8)])
def test_linear_is_that_of_transformers_but_for_a_first_step_that_learns(warmup, steps):
    from transformers import get_linear_schedule_with_warmup

    rising = round(warmup * steps)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    theirs = get_linear_schedule_with_warmup(optimizer, rising, steps)
    for step in range(steps):
        expected = (step + 1) / rising if step < rising else theirs.get_last_lr()[0]
        assert rate_at("linear", warmup, steps, step) == pytest.approx(expected)
        optimizer.step()
        theirs.step()


def test_step_falls_to_a_tenth_after_each_third():
    assert [round(rate_at("step", 0.0, 9, step), 4) for step in range(9)] == [1.0] * 3 + [0.1] * 3 + [0.01] * 3


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 3, 50])
def test_rates_are_shares_at_every_step_and_the_warm_up_rises(schedule, warmup, steps):
    rates = [rate_at(schedule, warmup, steps, step) for step in range(steps + 1)]
    assert all(0 <= rate <= 1 + 1e-12 for rate in rates)
    rising = rates[: round(warmup * steps)]
    assert rising == sorted(rising)
    if steps == 50:
        assert max(rates) == pytest.approx(1, abs=0.01)


def test_the_schedule_sets_the_rate_of_the_optimizer():
    recipe = replace(Recipe(), schedule="linear", warmup=0.0, learning_rate=0.4)
    optimizer = make_optimizer(Net(), recipe)
    schedule = make_schedule(optimizer, recipe, 4)
    rates = []
    for _ in range(4):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([0.4, 0.3, 0.2, 0.1])


class Rated(torch.nn.Module):
    """Says the rate of each weight, and leaves one out."""

    def __init__(self) -> None:
        super().__init__()
        self.low, self.high, self.fixed = (torch.nn.Linear(2, 2) for _ in range(3))
        self.fixed.requires_grad_(False)

    def rate_of(self, name: str) -> float:
        return 0.5 if name.startswith("low.") else 3.0


def test_a_network_says_the_rates_of_its_weights():
    network, recipe = Rated(), Recipe(learning_rate=0.1, weight_decay=0.2, schedule="linear", warmup=0.0)
    optimizer = make_optimizer(network, recipe)
    place = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    found = {name: place.get(id(p)) for name, p in network.named_parameters()}
    rates = {name: group and round(group["lr"], 6) for name, group in found.items()}
    assert rates == {
        "low.weight": 0.05, "low.bias": 0.05, "high.weight": 0.3, "high.bias": 0.3, "fixed.weight": None,
        "fixed.bias": None,
    }  # fmt: skip
    assert [found[name]["weight_decay"] for name in ("low.weight", "low.bias", "high.weight")] == [0.2, 0, 0.2]
    schedule = make_schedule(optimizer, recipe, 4)
    optimizer.step()
    schedule.step()
    assert {name: round(found[name]["lr"], 6) for name in ("low.bias", "high.bias")} == {
        "low.bias": 0.0375, "high.bias": 0.225
    }  # fmt: skip


@pytest.mark.parametrize("padding", [None, 3])
def test_sparse_gradients_of_torchs_embedding_end_at_the_same_weights(padding, monkeypatch):
    monkeypatch.setattr("fenlei.engine.optimizers.SPARSE_FROM", 1000)
    weights = []
    for allowed in (True, False):
        torch.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.Embedding(1500, 4, padding_idx=padding), torch.nn.Linear(4, 3))
        small = torch.nn.Embedding(20, 4)
        network.small = small
        optimizer = make_optimizer(network, Recipe(learning_rate=0.05, weight_decay=0.1))
        allow_sparse_gradients(network, allowed)
        for ids in ([[5, 6, 5], [3, 1499, 5]], [[7, 3, 3], [1499, 0, 8]], [[5, 5, 5], [7, 8, 9]]):
            logits = network[1](network[0](torch.tensor(ids))).mean(1) + small(torch.tensor([1, 2]))[:, :3]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(logits, torch.tensor([0, 2])).backward()
            assert network[0].weight.grad.is_sparse is allowed
            assert not small.weight.grad.is_sparse
            optimizer.step()
        weights.append([p.detach().clone() for p in network.parameters()])
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(*weights, strict=True))
    torch.manual_seed(0)
    begun = torch.nn.Embedding(1500, 4, padding_idx=padding).weight
    moved = (weights[0][0] != begun).any(1).nonzero()[:, 0].tolist()
    assert moved == sorted({5, 6, 3, 1499, 7, 0, 8, 9} - {padding})
