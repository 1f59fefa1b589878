"""``fewshot``: the loss and the draws by hand, and an encoder that learns to tell texts apart."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from fenlei.encoders.windows import Windows
from fenlei.engine.batches import LengthBatches
from fenlei.engine.recipe import Run
from fenlei.exceptions import SettingError
from fenlei.features.sequences import Sequences
from fenlei.models._contrastive import ContrastiveLoss, Draws, alike
from fenlei.models.fewshot import FewshotClassifier
from fenlei.models.probe import ProbeClassifier
from fenlei.targets import Targets

SETTINGS = {"steps": 20, "batch_size": 6, "learning_rate": 0.003, "precision": "float32"}


def draws_of(indicator: Any, n_draws: int, weights: Any = None, *, multi_label: bool = False) -> Draws:
    """Draws of texts of one token each, which tells its number."""
    indicator = np.array(indicator, bool)
    n = len(indicator)
    windows = Windows(Sequences.of([[i + 1] for i in range(n)]), np.arange(n + 1))
    return Draws.of(windows, 0, Targets(indicator, multi_label), np.ones(n) if weights is None else weights, n_draws)


def drawn(draws: Draws, batch_size: int = 4, epoch: int = 0) -> list[tuple[int, int]]:
    """All pairs of an epoch, as the engine asks for them."""
    batches = LengthBatches(draws, batch_size, seed=5)
    batches.set_epoch(epoch)
    ids = [draws.batch(batch.order, batch.keys)["input_ids"][:, 0] - 1 for batch in batches]
    return [pair for one in ids for pair in zip(*one.view(2, -1).tolist(), strict=True)]


class TestLoss:
    def test_equals_the_papers_formula(self) -> None:
        random = torch.Generator().manual_seed(0)
        vectors = torch.nn.functional.normalize(torch.randn(6, 4, generator=random), dim=1)
        classes, tau = [0, 1, 0, 2, 1, 0], 0.3
        found = ContrastiveLoss(multi_label=False)(_logits(vectors, tau), alike(torch.eye(3)[classes]))
        for i in range(6):
            others = [a for a in range(6) if a != i]
            whole = sum(math.exp(float(vectors[i] @ vectors[a]) / tau) for a in others)
            alikes = [p for p in others if classes[p] == classes[i]]
            logs = [math.log(math.exp(float(vectors[i] @ vectors[p]) / tau) / whole) for p in alikes]
            assert float(found[i]) == pytest.approx(-sum(logs) / max(1, len(alikes)), abs=1e-5)

    def test_of_several_labels_texts_are_as_alike_as_their_sets_overlap(self) -> None:
        sets = torch.tensor([[1.0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]])
        expected = torch.tensor([
            [0, 1 / 3, 2 / 3, 0, 0, 0], [1 / 2, 0, 1 / 2, 0, 0, 0], [2 / 3, 1 / 3, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 0],
        ])  # fmt: skip
        torch.testing.assert_close(alike(sets), expected)

    def test_a_text_is_right_when_its_nearest_shares_a_label(self) -> None:
        vectors = torch.tensor([[1.0, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]])
        loss = ContrastiveLoss(multi_label=False)
        assert loss.right(_logits(vectors, 1.0), alike(torch.eye(2)[[0, 0, 1, 1]])).tolist() == [1, 1, 1, 1]
        assert loss.right(_logits(vectors, 1.0), alike(torch.eye(2)[[0, 1, 0, 1]])).tolist() == [0, 0, 0, 0]


def _logits(vectors: torch.Tensor, tau: float) -> torch.Tensor:
    return (vectors @ vectors.T / tau).fill_diagonal_(-1e4)


class TestDraws:
    def test_pairs_are_of_two_texts_of_a_class_and_classes_come_equally_often(self) -> None:
        classes = [0] * 7 + [1] * 3
        pairs = drawn(draws_of(np.eye(2)[classes], 40))
        assert all(classes[a] == classes[b] and a != b for a, b in pairs)
        assert sum(classes[a] for a, _ in pairs) == 20
        assert {a for a, _ in pairs} == set(range(10))

    def test_the_second_text_is_another_in_each_epoch_and_the_same_for_a_seed(self) -> None:
        draws = draws_of(np.eye(2)[[0] * 9 + [1] * 9], 40)
        assert drawn(draws) == drawn(draws)
        assert set(drawn(draws)) != set(drawn(draws, epoch=1))

    def test_batches_mix_the_classes(self) -> None:
        draws = draws_of(np.eye(2)[[0] * 50 + [1] * 50], 640)
        mixed = [len({order % 2 for order in batch.order}) == 2 for batch in LengthBatches(draws, 16, seed=1)]
        assert np.mean(mixed) > 0.95

    def test_the_only_text_of_a_class_is_its_own_pair(self) -> None:
        pairs = drawn(draws_of(np.eye(2)[[0, 0, 1]], 20))
        assert (2, 2) in pairs
        assert not {(0, 0), (1, 1)} & set(pairs)

    def test_heavier_texts_come_more_often(self) -> None:
        draws = draws_of(np.eye(2)[[0] * 4 + [1] * 4], 400, weights=np.array([5.0, 1, 1, 1, 1, 1, 1, 1]))
        firsts = np.bincount(draws.firsts, minlength=8)
        assert firsts.tolist() == [125, 25, 25, 25, 50, 50, 50, 50]
        seconds = np.bincount([b for _, b in drawn(draws)], minlength=8)
        assert seconds[0] > 40 > max(seconds[1:4]) / 2

    def test_of_many_texts_those_that_are_drawn_lie_far_apart(self) -> None:
        firsts = np.sort(draws_of(np.eye(2)[np.arange(2000) % 2], 20).firsts)
        assert all(100 <= b - a <= 300 for a, b in pairwise(firsts[::2]))

    def test_of_several_labels_each_is_drawn_and_so_are_texts_without_any(self) -> None:
        sets = [[1, 1], [1, 0], [0, 1], [0, 0], [0, 0]]
        pairs = drawn(draws_of(sets, 60, multi_label=True))
        assert set(pairs) <= {(0, 1), (1, 0), (0, 2), (2, 0), (3, 4), (4, 3)}
        assert sum(a > 2 for a, _ in pairs) == 20

    def test_other_texts_have_another_fingerprint(self) -> None:
        one, other = (draws_of(np.eye(2)[classes], 8) for classes in ([0, 0, 1, 1], [0, 1, 0, 1]))
        assert one.fingerprint() != other.fingerprint()
        assert one.fingerprint() == draws_of(np.eye(2)[[0, 0, 1, 1]], 8).fingerprint()


class TestClassifier:
    def test_texts_of_a_class_come_together(self, tiny_encoder: Any, topics: Any) -> None:
        spreads = []
        for model in (ProbeClassifier(encoder=str(tiny_encoder)), _small(tiny_encoder)):
            model.fit(topics.texts, topics.labels)
            vectors = model._encode(model._windows(model.prepare(topics.texts)))
            same = np.array(topics.labels)[:, None] == np.array(topics.labels)
            cosines = vectors @ vectors.T
            spreads.append(cosines[same].mean() - cosines[~same].mean())
        assert spreads[1] > 0.5 > spreads[0]

    def test_draws_are_bounded_whatever_the_texts(self) -> None:
        steps = [FewshotClassifier()._steps(n) for n in (16, 128, 100_000)]
        assert steps == [40, 64, 200]
        assert FewshotClassifier(steps=7)._steps(100_000) == 7

    def test_a_resumed_training_ends_at_the_same_model(self, tiny_encoder: Any, topics: Any, tmp_path: Any) -> None:
        whole = _small(tiny_encoder).fit(topics.texts, topics.labels)

        class StopError(Exception):
            pass

        def stop(progress: Any) -> None:
            if progress.step == 11:
                raise StopError

        model = _small(tiny_encoder)
        with pytest.raises(StopError):
            model.fit(topics.texts, topics.labels, run=Run(tmp_path, every_seconds=0, progress=stop))
        steps: list[int] = []
        run = Run(tmp_path, resume=True, progress=lambda progress: steps.append(progress.step))
        model.fit(topics.texts, topics.labels, run=run)
        assert 1 < steps[0] <= 12
        assert model.predict_proba(topics.texts).tobytes() == whole.predict_proba(topics.texts).tobytes()

    def test_one_of_another_temperature_is_not_gone_on_with(
        self, tiny_encoder: Any, topics: Any, tmp_path: Any
    ) -> None:
        _small(tiny_encoder, steps=2).fit(topics.texts, topics.labels, run=Run(tmp_path, every_seconds=0))
        model = _small(tiny_encoder, steps=2, temperature=0.7)
        with pytest.raises(SettingError, match="of another training"):
            model.fit(topics.texts, topics.labels, run=Run(tmp_path, resume=True))

    def test_several_processes_are_refused(self, tiny_encoder: Any, topics: Any, monkeypatch: Any) -> None:
        monkeypatch.setenv("WORLD_SIZE", "2")
        with pytest.raises(SettingError, match="fewshot runs in one process"):
            _small(tiny_encoder).fit(topics.texts, topics.labels)

    def test_bfloat16_comes_to_about_the_same(self, tiny_encoder: Any, topics: Any) -> None:
        exact, rough = (
            _small(tiny_encoder, precision=precision, steps=5).fit(topics.texts, topics.labels)
            for precision in ("float32", "bfloat16")
        )
        np.testing.assert_allclose(rough.predict_proba(topics.texts), exact.predict_proba(topics.texts), atol=0.1)

    def test_a_decoder_and_texts_in_windows(self, tiny_decoder: Any, chinese: Any) -> None:
        model = _small(tiny_decoder, pooling="last", long_text="windows", max_length=8, steps=40)
        model.fit(chinese.texts, chinese.labels)
        assert model.score(chinese.texts, chinese.labels) == 1.0
        assert np.isfinite(model.predict_proba(["", "好" * 500])).all()

    def test_history_tells_of_the_training(self, tiny_encoder: Any, chinese: Any) -> None:
        model = _small(tiny_encoder).fit(chinese.texts, chinese.labels)
        assert len(model.history_) == 1
        assert 0 < model.history_[0]["accuracy"] <= 1

    @pytest.mark.parametrize(
        "wrong",
        [
            {"steps": 0}, {"batch_size": 1}, {"temperature": 0}, {"learning_rate": 0}, {"warmup": 2}, {"C": None},
            {"weight_decay": -1}, {"precision": "half"}, {"pooling": "attention"},
        ],
        ids=str,
    )  # fmt: skip
    def test_settings_out_of_range_are_refused_before_any_work(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(SettingError, match=next(iter(wrong))):
            FewshotClassifier(**wrong).check_settings()

    def test_it_trains_on_the_device(self) -> None:
        assert [FewshotClassifier(device=name)._recipe().device for name in ("auto", "cpu")] == ["auto", "cpu"]


def _small(encoder: Any, **changed: Any) -> FewshotClassifier:
    return FewshotClassifier(encoder=str(encoder), **{**SETTINGS, **changed})
