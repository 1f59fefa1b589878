"""What the base of all classifiers does, seen on the smallest family there can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from fenlei import base
from fenlei.base import TextClassifier, check_weights
from fenlei.exceptions import DataError, NotFittedError, SettingError


class Shares(TextClassifier):
    """Gives every text the weighted shares of the labels in training."""

    family = "shares"

    def _fit(self, texts: list[str], targets: Any, weights: Any, held: Any, run: Any) -> None:
        self.seen = texts
        self.shares = np.average(targets.indicator, axis=0, weights=weights)

    def _scores(self, texts: list[str]) -> Any:
        return np.repeat(self.shares[None], len(texts), axis=0)

    def to_files(self) -> dict[str, bytes]:
        return {}

    def from_files(self, files: Mapping[str, bytes]) -> None:
        pass


TEXTS, LABELS = ["a", "b", "c", "d"], ["x", "y", "y", "y"]


def test_the_likeliest_class_is_predicted() -> None:
    model = Shares().fit(TEXTS, LABELS)
    assert model.predict_proba(["new"]).tolist() == [[0.25, 0.75]]
    assert model.predict(["new", ""]).tolist() == ["y", "y"]


def test_labels_of_half_and_more_are_predicted() -> None:
    model = Shares().fit(TEXTS, [["x", "y"], ["x"], ["y", "z"], []])
    assert model.predict_proba(["new"]).tolist() == [[0.5, 0.5, 0.25]]
    assert model.predict(["new"]) == [["x", "y"]]


def test_weights_reach_the_family() -> None:
    assert Shares().fit(TEXTS, LABELS, [3, 1, 1, 1]).predict_proba(["new"]).tolist() == [[0.5, 0.5]]


def test_texts_are_scored_in_batches_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    model, sizes = Shares().fit(TEXTS, LABELS), []
    scores = model._scores
    monkeypatch.setattr(model, "_scores", lambda texts: sizes.append(len(texts)) or scores(texts), raising=False)
    monkeypatch.setattr(base, "_BATCH", 3)
    assert model.predict_proba(["t"] * 7).shape == (7, 2)
    assert sizes == [3, 3, 1]


class TestScore:
    def test_is_the_share_of_right_labels(self) -> None:
        model = Shares().fit(TEXTS, LABELS)
        assert model.score(TEXTS, LABELS) == 0.75
        assert model.score(TEXTS, np.array(LABELS)) == 0.75
        assert model.score(TEXTS, LABELS, sample_weight=[3, 1, 1, 1]) == 0.5

    def test_of_sets_counts_whole_sets_in_any_order(self) -> None:
        model = Shares().fit(TEXTS, [["x", "y"], ["x"], ["y"], ["z"]])
        assert model.predict(["t"]) == [["x", "y"]]
        assert model.score(TEXTS, [["y", "x"], ("x", "y"), ["x"], []]) == 0.5

    def test_needs_as_many_labels_as_texts(self) -> None:
        model = Shares().fit(TEXTS, LABELS)
        with pytest.raises(DataError, match="4 texts but 2 labels"):
            model.score(TEXTS, ["x", "y"])

    def test_of_no_text_is_refused(self) -> None:
        with pytest.raises(DataError):
            Shares().fit(TEXTS, LABELS).score([], [])


def test_a_failed_fit_leaves_an_unfitted_model_unfitted() -> None:
    model = Shares()
    with pytest.raises(DataError):
        model.fit(TEXTS, LABELS[:2])
    with pytest.raises(NotFittedError):
        model.predict(["a"])


def test_a_fit_that_fails_half_way_leaves_no_half_model(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Shares().fit(TEXTS, LABELS)
    monkeypatch.setattr(Shares, "_fit", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.fit(TEXTS, LABELS)
    with pytest.raises(NotFittedError):
        model.predict(["a"])


def test_the_base_itself_cannot_be_used() -> None:
    with pytest.raises(TypeError, match="abstract"):
        TextClassifier()  # type: ignore[abstract]


class TestWeights:
    def test_are_ones_unless_given(self) -> None:
        assert check_weights(None, 3).tolist() == [1, 1, 1]
        assert check_weights([1, 0, 2], 3).tolist() == [1, 0, 2]

    @pytest.mark.parametrize(
        "weights", [[1, 2], [[1, 2, 3]], 1, [1, 2, -1], [0, 0, 0], [1, 2, float("inf")], [1, 2, float("nan")]]
    )
    def test_out_of_range_are_refused(self, weights: Any) -> None:
        with pytest.raises(SettingError, match="sample_weight"):
            check_weights(weights, 3)

    @pytest.mark.parametrize("weights", [["a", "b", "c"], [None, 1, 2], [[1], [1, 2], [3]]])
    def test_that_are_no_numbers_are_refused(self, weights: Any) -> None:
        with pytest.raises(SettingError, match="sample_weight"):
            check_weights(weights, 3)
