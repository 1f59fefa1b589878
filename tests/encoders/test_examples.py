"""Batches of windows and of kept states, against a plain loop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fenlei.encoders.examples import StateExamples, WindowExamples
from fenlei.encoders.windows import cut_windows
from fenlei.features.sequences import Sequences

ROWS = [[11, 12, 13, 14, 15, 16, 17], [21], [], [41, 42, 43], [51] * 12]
ORDERS = [[0, 1, 2, 3, 4], [4, 0], [2], [1, 3], [3, 3, 1], [2, 2]]
PAD = 99


def windows(how="windows", special=True):
    prefix, suffix = ([1], [2]) if special else ([], [])
    return cut_windows(Sequences.of(ROWS), 5, prefix=prefix, suffix=suffix, how=how, overlap=1)


def window_examples(how="windows", *, special=True, targets=None):
    targets = np.array([0, 1, 2, 1, 0]) if targets is None else targets
    return WindowExamples(windows(how, special), targets, np.array([1, 2, 0.5, 0, 3], np.float32), PAD)


def state_examples(how="windows", *, special=True, layers=2):
    made = window_examples(how, special=special)
    random = torch.Generator().manual_seed(1)
    states = torch.randn(len(made.windows.ids.ids), layers, 3, generator=random).bfloat16()
    raw = states.view(torch.uint16).numpy()
    kept = StateExamples(raw, made.windows.ids.bounds, made.windows.bounds, made.targets, made.weights)
    return kept, states


def windows_of(made, order):
    """Numbers of the windows of some texts, and how many each has."""
    by_text = [list(range(made.bounds[i], made.bounds[i + 1])) for i in order]
    return [w for ws in by_text for w in ws], [len(ws) for ws in by_text]


def check_windows(batch, counts):
    """The windows of the texts are numbered one after the other, where any text has several."""
    if max(counts, default=1) == 1:
        assert "windows" not in batch
        return
    ends = np.cumsum(counts)
    for row, count, end in zip(batch["windows"].tolist(), counts, ends.tolist(), strict=True):
        assert row == [*range(end - count, end)] + [-1] * (max(counts) - count)


@pytest.mark.parametrize("how", ["head", "windows"])
@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_windows_side_by_side(how, special, order):
    made = window_examples(how, special=special)
    numbers, counts = windows_of(made.windows, order)
    rows = [made.windows.ids[w].tolist() for w in numbers]
    longest = max(1, *map(len, rows))
    batch = made.batch(np.array(order))
    assert batch["input_ids"].tolist() == [row + [PAD] * (longest - len(row)) for row in rows]
    assert batch["attention_mask"].tolist() == [[1] * len(row) + [0] * (longest - len(row)) for row in rows]
    assert {batch[name].dtype for name in ("input_ids", "attention_mask", "targets")} == {torch.int64}
    assert batch["targets"].tolist() == [made.targets[i] for i in order]
    assert batch["weights"].tolist() == [made.weights[i] for i in order]
    assert batch["weights"].dtype == torch.float32
    check_windows(batch, counts)


@pytest.mark.parametrize("how", ["head", "windows"])
@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_states_side_by_side(how, special, order):
    made, states = state_examples(how, special=special)
    numbers, counts = windows_of(made, order)
    batch = made.batch(np.array(order))
    lengths = [int(made.offsets[w + 1] - made.offsets[w]) for w in numbers]
    assert batch["states"].shape == (len(numbers), max(1, *lengths), 2, 3)
    assert batch["states"].dtype == torch.bfloat16
    for row, window, n in zip(batch["states"], numbers, lengths, strict=True):
        assert torch.equal(row[:n], states[made.offsets[window] : made.offsets[window + 1]])
        assert not row[n:].any()
    assert batch["attention_mask"].sum(1).tolist() == lengths
    assert batch["targets"].tolist() == [made.targets[i] for i in order]
    assert batch["weights"].tolist() == [made.weights[i] for i in order]
    check_windows(batch, counts)


@pytest.mark.parametrize("how", ["head", "windows"])
def test_both_say_the_same_of_each_text(how):
    ids, (states, _) = window_examples(how), state_examples(how)
    assert states.lengths.tolist() == ids.lengths.tolist()
    assert len(states) == len(ids) == 5
    for order in map(np.array, ORDERS):
        ours, theirs = ids.batch(order), states.batch(order)
        assert ours.keys() - {"input_ids"} == theirs.keys() - {"states"}
        assert all(torch.equal(ours[name], theirs[name]) for name in ours.keys() - {"input_ids"})


def test_texts_are_chosen_by_number_or_by_true_and_false():
    whole = window_examples()
    chosen = np.array([True, False, False, True, True])
    for part in (whole.select(chosen), whole.select(np.flatnonzero(chosen))):
        assert part.lengths.tolist() == whole.lengths[chosen].tolist()
        assert part.targets.tolist() == [0, 1, 0]
        assert part.weights.tolist() == [1, 0, 3]
        expected, found = whole.batch(np.array([4, 3])), part.batch(np.array([2, 1]))
        assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_multi_label_targets_come_as_they_are():
    targets = np.eye(5, 3, dtype=np.float32)
    batch = window_examples(targets=targets).batch(np.array([2, 4]))
    assert batch["targets"].dtype == torch.float32
    assert batch["targets"].tolist() == [[0, 0, 1], [0, 0, 0]]


def test_a_fingerprint_tells_data_apart():
    ids, (states, _) = window_examples(), state_examples()
    other_ids = ids.windows.ids.ids.copy()
    other_ids[1] += 1
    other_bounds = ids.windows.bounds.copy()
    other_bounds[1] -= 1
    other_states = states.states.copy()
    other_states[0, 0, 0] ^= 1
    changed = [
        ids,
        replace(ids, windows=replace(ids.windows, ids=Sequences(other_ids, ids.windows.ids.bounds))),
        replace(ids, windows=replace(ids.windows, bounds=other_bounds)),
        replace(ids, targets=ids.targets[::-1].copy() + 1),
        replace(ids, weights=ids.weights * 2),
        states,
        replace(states, states=other_states),
        replace(states, bounds=other_bounds),
        replace(states, targets=states.targets + 1),
        replace(states, weights=states.weights * 2),
    ]
    assert len({one.fingerprint() for one in changed}) == len(changed)
    assert window_examples().fingerprint() == ids.fingerprint()
    assert state_examples()[0].fingerprint() == states.fingerprint()
