"""Labels of one set in the form of those of another."""

from __future__ import annotations

import pytest

from fenlei.data.dataset import Dataset
from fenlei.data.label_kind import with_label_kind
from fenlei.exceptions import DataError

ONES = Dataset(["好", "差"], ["good", "bad"], [2, 3], "ones.csv", warnings=("first",))
LISTS = Dataset(["好", "差"], [["good"], ["bad"]], [2, 3], "lists.jsonl")


@pytest.mark.parametrize("data", [ONES, LISTS, Dataset(["好"], None, [1], "x"), Dataset([], [], [], "x")])
def test_what_fits_stays(data):
    assert with_label_kind(data, multi_label=data.multi_label) is data
    if not data.targets:
        assert with_label_kind(data, multi_label=True) is data


def test_single_labels_become_lists_and_that_is_told():
    found = with_label_kind(ONES, multi_label=True)
    assert found.targets == [["good"], ["bad"]]
    first, told = found.warnings
    assert first == "first" and told.startswith("ones.csv: each text has one label") and "--separator" in told
    assert (found.texts, found.rows) == (ONES.texts, ONES.rows)


def test_lists_of_one_become_single_labels():
    assert with_label_kind(LISTS, multi_label=False).targets == ["good", "bad"]


@pytest.mark.parametrize(("labels", "many"), [(["good", "bad"], "2"), ([], "no")])
def test_other_lists_are_refused_with_their_row(labels, many):
    data = Dataset(["好", "一般"], [["good"], labels], [2, 9], "lists.jsonl")
    with pytest.raises(DataError, match=rf"^lists\.jsonl, row 9: the text has {many} labels"):
        with_label_kind(data, multi_label=False)
