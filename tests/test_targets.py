from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fenlei.exceptions import DataError, SettingError
from fenlei.targets import class_weights, encode, learn_classes


class TestClasses:
    @pytest.mark.parametrize(
        ("labels", "classes"),
        [
            (["b", "a", "b"], ["a", "b"]),
            (("差", "好"), ["好", "差"]),
            (np.array(["b", "a"]), ["a", "b"]),
            (np.array(["b", "a"], dtype=object), ["a", "b"]),
            ([10, 9, -1], [-1, 9, 10]),
            ([True, False], [False, True]),
            (["10", "9"], ["10", "9"]),
            (["a", ""], ["", "a"]),
            (["\ud800", "\x00a"], ["\x00a", "\ud800"]),
            (list(np.array(["b", "a"])), ["a", "b"]),
            (list(np.array([2, 1])), [1, 2]),
            (list(np.array([True, False])), [False, True]),
        ],
    )
    def test_are_sorted_and_keep_their_type(self, labels: Any, classes: list[Any]) -> None:
        found, multi_label = learn_classes(labels)
        assert (found.tolist(), multi_label) == (classes, False)

    @pytest.mark.parametrize("kind", [list, tuple, set, frozenset])
    def test_of_sets_may_leave_rows_empty(self, kind: Any) -> None:
        found, multi_label = learn_classes([kind(["b", "a"]), kind([]), kind(["c"])])
        assert (found.tolist(), multi_label) == (["a", "b", "c"], True)

    def test_of_sets_may_come_in_an_array(self) -> None:
        rows = np.array([["b", np.str_("a")], ["c"]], dtype=object)
        assert learn_classes(rows)[0].tolist() == ["a", "b", "c"]

    def test_must_not_end_with_nul_which_numpy_drops(self) -> None:
        with pytest.raises(DataError, match="NUL"):
            learn_classes(["a", "a\x00"])

    def test_that_pandas_lacks_are_missing(self) -> None:
        pandas = pytest.importorskip("pandas")
        with pytest.raises(DataError, match="row 2: the label is missing"):
            learn_classes(["a", pandas.NA])

    def test_of_a_series(self) -> None:
        pandas = pytest.importorskip("pandas")
        assert learn_classes(pandas.Series(["b", "a"], index=[5, 2]))[0].tolist() == ["a", "b"]

    @pytest.mark.parametrize("labels", [["a", "a"], [["a"], []], [[], []], []])
    def test_must_be_two(self, labels: Any) -> None:
        with pytest.raises(DataError, match="two classes or more"):
            learn_classes(labels)

    @pytest.mark.parametrize("labels", [["a", None], ["a", float("nan")], [["a"], None], [None, None]])
    def test_must_not_be_missing(self, labels: Any) -> None:
        with pytest.raises(DataError, match=r"^row \d: the label is missing"):
            learn_classes(labels)

    @pytest.mark.parametrize("labels", [["a", 1], [1, True], [0.5, 1.5], [["a"], "b"], [["a", 1]], [b"a", b"b"]])
    def test_must_be_of_one_kind(self, labels: Any) -> None:
        with pytest.raises(DataError):
            learn_classes(labels)

    @pytest.mark.parametrize("labels", ["ab", np.array([["a"], ["b"]]), None, 5, {"a", "b"}, iter(["a", "b"])])
    def test_must_come_as_a_list(self, labels: Any) -> None:
        with pytest.raises((DataError, SettingError)):
            learn_classes(labels)


class TestEncoding:
    classes = np.array(["a", "b", "c"])

    def test_of_labels(self) -> None:
        targets = encode(["c", "a"], self.classes, multi_label=False)
        assert targets.indicator.tolist() == [[False, False, True], [True, False, False]]
        assert targets.indices.tolist() == [2, 0]

    def test_of_sets(self) -> None:
        targets = encode([["c", "a", "a"], []], self.classes, multi_label=True)
        assert targets.indicator.tolist() == [[True, False, True], [False, False, False]]

    def test_of_an_unknown_label_is_refused_by_its_row(self) -> None:
        with pytest.raises(DataError, match=r"^row 2: the label 'd' is not among the 3 known classes"):
            encode(["a", "d"], self.classes, multi_label=False)

    def test_of_sets_where_labels_are_wanted_is_refused_by_its_row(self) -> None:
        with pytest.raises(DataError, match=r"^row 2"):
            encode(["a", ["a", "b"]], self.classes, multi_label=False)


class TestClassWeights:
    classes, counts = np.array(["a", "b"]), np.array([6.0, 2.0])

    @pytest.mark.parametrize(
        ("setting", "weights"),
        [(None, [1, 1]), ("balanced", [8 / 12, 2]), ({"b": 5}, [1, 5]), ({"a": 0.5, "b": 2}, [0.5, 2]), ({}, [1, 1])],
    )
    def test_by_setting(self, setting: Any, weights: list[float]) -> None:
        np.testing.assert_allclose(class_weights(setting, self.classes, self.counts), weights)

    def test_of_a_class_without_rows_are_finite(self) -> None:
        assert np.isfinite(class_weights("balanced", self.classes, np.array([3.0, 0.0]))).all()

    @pytest.mark.parametrize(
        "setting", ["even", 2, [1, 2], {"c": 1}, *({"a": value} for value in (0, -1, "1", float("nan"), float("inf")))]
    )
    def test_out_of_range_are_refused(self, setting: Any) -> None:
        with pytest.raises(SettingError, match="class_weight"):
            class_weights(setting, self.classes, self.counts)
