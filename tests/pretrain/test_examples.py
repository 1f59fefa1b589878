"""Words are hidden whole, in the shares that BERT has, and the same ones for the same keys."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fenlei.engine.batches import LengthBatches
from fenlei.engine.losses import Loss
from fenlei.engine.measures import evaluate_network
from fenlei.pretrain._masking import hide
from fenlei.pretrain.corpus import Counts, PackedCorpus, write_corpus
from fenlei.pretrain.examples import PackedExamples, Task, Visits
from fenlei.pretrain.learning import split_rows
from fenlei.pretrain.networks import PlacedLanguageModel, new_network
from fenlei.pretrain.settings import PretrainSettings

MASK, FILLERS = 4, np.arange(50, 60, dtype=np.int32)


def hidden(ids, starts, keys, share=0.15):
    """Hide words; ids below 5 are special."""
    ids, starts = np.asarray(ids, np.int32), np.asarray(starts, bool)
    fixed = np.arange(100) < 5
    out, places = np.empty(ids.shape, np.int64), np.empty(ids.size, np.int64)
    n = hide(ids, starts, fixed, FILLERS, np.asarray(keys, np.uint64), share, MASK, out, places)
    return out, places[:n]


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=60), st.integers(0, 2**60))
def test_words_are_hidden_whole_and_as_many_as_wanted(tokens, key):
    ids, starts = ([token[i] for token in tokens] for i in (0, 1))
    out, places = hidden([ids], [starts], [key])
    words, inside = [], False
    for i, (token, begins) in enumerate(tokens):
        if token < 5:
            inside = False
            continue
        if begins or not inside:
            words.append([])
            inside = True
        words[-1].append(i)
    chosen = [word for word in words if word[0] in places]
    assert sorted(i for word in chosen for i in word) == places.tolist()
    assert len(chosen) == (max(1, int(0.15 * len(words) + 0.5)) if words else 0)
    untouched = np.setdiff1d(np.arange(len(ids)), places)
    assert (out[0, untouched] == np.array(ids)[untouched]).all()


def test_of_the_hidden_tokens_8_in_10_are_masks_and_1_in_10_is_another():
    n, length = 2000, 100
    ids = np.full((n, length), 7)
    out, places = hidden(ids, np.ones(ids.shape), np.arange(n) * 2**31)
    assert len(places) == n * 15
    found = out.ravel()[places]
    masks, same = (found == MASK).mean(), (found == 7).mean()
    others = found[(found != MASK) & (found != 7)]
    three_deviations = 3 * np.sqrt(0.8 * 0.2 / len(found))
    assert masks == pytest.approx(0.8, abs=three_deviations)
    assert same == pytest.approx(0.1, abs=three_deviations)
    assert np.bincount(others, minlength=60)[50:].min() > 0.8 * len(others) / 10
    per_place = np.bincount(places % length, minlength=length) / n
    assert np.abs(per_place - 0.15).max() < 5 * np.sqrt(0.15 * 0.85 / n)


def test_a_sequence_depends_on_its_own_key_alone():
    ids, starts = np.full((3, 40), 9), np.ones((3, 40))
    whole, places = hidden(ids, starts, [5, 6, 5])
    single, first = hidden(ids[:1], starts[:1], [5])
    assert (whole[0] == single[0]).all() and (whole[2] == single[0]).all()
    assert (whole[1] != single[0]).any()
    assert places[: len(first)].tolist() == first.tolist()


def test_a_sequence_of_special_tokens_hides_nothing():
    out, places = hidden([[2, 3, 0, 0], [2, 9, 3, 0]], np.ones((2, 4)), [1, 2])
    assert places.tolist() == [5]
    assert out[0].tolist() == [2, 3, 0, 0]


@pytest.fixture(scope="module")
def corpus(tokenizer, corpus_texts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    return write_corpus(
        [corpus_texts], tokenizer, folder, length=24, whole_words=True, digest="d", progress=lambda what: None
    )


def examples(corpus, tokenizer, **how):
    return PackedExamples(corpus, Visits(np.arange(len(corpus))), Task.of(tokenizer, **{"is_masked": True} | how))


def test_targets_are_what_was_hidden(corpus, tokenizer):
    order, keys = np.arange(6), np.arange(6) + 99
    batch = examples(corpus, tokenizer).batch(order, keys)
    original = torch.from_numpy(corpus.select(order).ids.astype(np.int64)).ravel()
    changed = (batch["input_ids"].ravel() != original).nonzero().ravel()
    assert set(changed.tolist()) <= set(batch["places"].tolist())
    assert (original[batch["places"]] == batch["targets"]).all()
    assert not {2, 3, 0} & set(batch["targets"].tolist())
    assert set(batch) == {"input_ids", "places", "targets", "weights"}


def test_the_weights_of_a_sequence_add_up_to_its_own_and_in_measuring_every_target_counts_the_same(corpus, tokenizer):
    order = np.arange(len(corpus))
    for task in ({}, {"is_masked": False}):
        assert examples(corpus, tokenizer, **task).batch(order)["weights"].unique().tolist() == [1]
        batch = examples(corpus, tokenizer, **task).batch(order, order)
        sums = np.bincount(batch["places"] // 24, weights=batch["weights"], minlength=len(order))
        assert sums == pytest.approx(np.ones(len(order)))


def test_figures_are_means_over_the_hidden_tokens(corpus, tokenizer):
    settings = PretrainSettings.of({"layers": 1, "hidden": 16, "heads": 2, "length": 24}).resolved()
    network, made = PlacedLanguageModel(new_network(settings, tokenizer)).eval(), examples(corpus, tokenizer)
    found = evaluate_network(network, made, Loss(multi_label=False), batch_size=3)
    batch = made.batch(np.arange(len(corpus)))
    each = np.bincount(batch["places"] // 24)
    assert each.min() < each.max()
    with torch.no_grad():
        logits = network(input_ids=batch["input_ids"], places=batch["places"]).logits
    expected = torch.nn.functional.cross_entropy(logits, batch["targets"])
    assert found["valid_loss"] == pytest.approx(float(expected), rel=1e-5)
    assert found["valid_accuracy"] == pytest.approx(float((logits.argmax(1) == batch["targets"]).float().mean()))


def test_without_keys_the_same_words_are_hidden_each_time_and_in_any_batch(corpus, tokenizer):
    made = examples(corpus, tokenizer)
    whole, single = made.batch(np.arange(5)), made.batch(np.array([3]))
    assert (whole["input_ids"][3] == single["input_ids"][0]).all()
    assert (made.batch(np.arange(5), np.arange(5))["input_ids"] != whole["input_ids"]).any()
    chosen = PackedExamples(corpus, Visits(np.array([3])), made.task).batch(np.array([0]))
    assert (chosen["input_ids"] == single["input_ids"]).all()


def test_padding_is_told_and_never_a_target(corpus, tokenizer):
    last = np.array([0, len(corpus) - 1])
    for task in ({}, {"is_masked": False}, {"next_sentence": True}):
        batch = examples(corpus, tokenizer, **task).batch(last)
        assert batch["attention_mask"].sum(1).tolist()[0] == 24
        inside = batch["attention_mask"].ravel()[batch["places"]]
        assert inside.all()
    assert batch["attention_mask"].shape == (2, 24)


def test_each_next_token_is_a_target(corpus, tokenizer):
    batch = examples(corpus, tokenizer, is_masked=False).batch(np.arange(3), np.arange(3))
    ids = corpus.select(np.arange(3)).ids
    assert batch["targets"].tolist() == ids[:, 1:].ravel().tolist()
    assert batch["places"].tolist() == [row * 24 + i for row in range(3) for i in range(23)]


def test_half_of_the_second_halves_are_of_other_sequences(corpus, tokenizer):
    made = examples(corpus, tokenizer, next_sentence=True)
    n = len(corpus) - 1
    order = np.tile(np.arange(n), 10)
    batch = made.batch(order, np.arange(len(order)) * 2**31)
    assert 0.4 < batch["follows"].float().mean() < 0.6
    assert (batch["input_ids"][:, 12] == 3).all()
    assert batch["token_type_ids"][0].tolist() == [0] * 13 + [1] * 11
    shown = batch["input_ids"].clone().ravel()
    shown[batch["places"]] = batch["targets"]
    same = (shown.view(-1, 24)[:, 13:].numpy() == corpus.select(order).ids[:, 13:]).all(1)
    assert same[batch["follows"].numpy() == 1].all()
    assert same[batch["follows"].numpy() == 0].mean() < 0.2


def test_the_fingerprint_tells_corpora_and_tasks_apart(corpus, tokenizer):
    made = examples(corpus, tokenizer)
    others = [
        examples(corpus, tokenizer, is_masked=False),
        examples(corpus, tokenizer, next_sentence=True),
        PackedExamples(corpus, Visits(np.arange(3)), made.task),
    ]
    assert len({one.fingerprint() for one in [made, *others]}) == 4
    assert made.fingerprint() == examples(corpus, tokenizer).fingerprint()


@given(st.integers(1, 30), st.integers(0, 100))
def test_all_sequences_are_seen_equally_often(n_rows, n):
    rows = np.arange(n_rows) + 7
    found = Visits(rows, n, seed=2)[np.arange(n)]
    counts = np.bincount(found, minlength=n_rows + 7)[7:]
    assert counts.sum() == n
    assert counts.max() - counts.min() <= 1
    rest = np.random.default_rng(2).permutation(rows)[: n % n_rows]
    assert found.tolist() == [*np.tile(rows, n // n_rows), *rest]


@given(st.lists(st.integers(0, 30), min_size=2, max_size=12, unique=True), st.integers(0, 2**60))
def test_another_sequence_is_never_the_own_one_and_each_other_may_be_it(rows, seed):
    rows = np.sort(np.array(rows, np.int32))
    drawn = np.random.default_rng(seed).integers(2**62, size=(400,)).astype(np.uint64)
    for row in rows:
        others = Visits(rows).others(np.full(400, row, np.int64), drawn)
        assert set(others.tolist()) <= {*rows.tolist()} - {row}
        assert len(rows) > 6 or set(others.tolist()) == {*rows.tolist()} - {row}


def test_of_a_single_sequence_the_halves_always_belong_together(corpus, tokenizer):
    made = PackedExamples(corpus, Visits(np.array([2])), Task.of(tokenizer, is_masked=True, next_sentence=True))
    assert made.batch(np.zeros(20, np.int64), np.arange(20) * 2**31)["follows"].tolist() == [1] * 20


def test_of_two_sequences_what_does_not_follow_is_of_the_other(corpus, tokenizer):
    made = PackedExamples(corpus, Visits(np.array([1, 2])), Task.of(tokenizer, is_masked=True, next_sentence=True))
    order = np.tile([0, 1], 20)
    batch = made.batch(order, np.arange(40) * 2**31)
    shown = batch["input_ids"].clone().ravel()
    shown[batch["places"]] = batch["targets"]
    halves = torch.from_numpy(corpus.select(np.array([1, 2])).ids[:, 13:].astype(np.int64))
    expected = halves[torch.from_numpy(order) ^ (1 - batch["follows"])]
    assert 0 < batch["follows"].sum() < 40
    assert (shown.view(-1, 24)[:, 13:] == expected).all()


def test_the_order_of_a_large_corpus_takes_8_bytes_a_visit_and_4_a_sequence(tokenizer):
    n, passes, length = 200_000, 3, 24
    ids, words = np.zeros((1, length), np.uint16), np.zeros((1, length // 8), np.uint8)
    counts = Counts(1, 1, 1, n, 0)
    corpus = PackedCorpus(np.broadcast_to(ids, (n, length)), np.broadcast_to(words, (n, 3)), length, counts, "d")
    settings, task = PretrainSettings(batch_size=32), Task.of(tokenizer, is_masked=True)
    PackedExamples(corpus, Visits(np.arange(2)), task).batch(np.arange(2))  # compiles the loop, which takes memory
    tracemalloc.start()
    try:
        parts = split_rows(corpus, settings)
        visits = Visits(parts.train, passes * len(parts.train))
        data = PackedExamples(corpus, visits, task)
        batches = iter(LengthBatches(data, 32, seed=1))
        for _ in range(5):
            data.__getitems__(next(batches))
        data.fingerprint()
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    least = (8 * passes + 4) * n
    assert least < held < 1.1 * least
    assert peak < 1.1 * least + 8 * n
