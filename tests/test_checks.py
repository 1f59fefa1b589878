from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fenlei._checks import check_texts
from fenlei.exceptions import DataError, FenleiError, SettingError


@pytest.mark.parametrize(
    "texts",
    [
        ["好", "b"],
        ("好", "b"),
        np.array(["好", "b"]),
        np.array(["好", "b"], dtype=object),
        [np.str_("好"), "b"],
    ],
)
def test_sequences_of_texts_become_plain_lists(texts: Any) -> None:
    checked = check_texts(texts)
    assert checked == ["好", "b"]
    assert {type(text) for text in checked} == {str}
    assert checked is not texts


def test_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    assert check_texts(pandas.Series(["好", "b"], index=[7, 3])) == ["好", "b"]
    with pytest.raises(DataError, match=r"row 2: expected a text, got .*; drop or fill missing texts first"):
        check_texts(pandas.Series(["好", None]))
    with pytest.raises(SettingError, match="one-dimensional"):
        check_texts(pandas.DataFrame({"text": ["好"]}))


@pytest.mark.parametrize(
    "texts", ["好", b"b", {"a", "b"}, {"a": 1}, iter(["a"]), None, 5, np.array([["a", "b"]]), np.array("a")]
)
def test_what_is_no_list_of_texts_is_refused(texts: Any) -> None:
    with pytest.raises(SettingError):
        check_texts(texts)


@pytest.mark.parametrize("item", [None, float("nan"), 5, b"b", ["b"], np.array([1, 2])])
def test_an_element_that_is_no_text_is_named_by_its_row(item: Any) -> None:
    with pytest.raises(FenleiError, match=r"^row 3: expected a text, got") as error:
        check_texts(["a", "b", item])
    assert isinstance(error.value, ValueError)
    assert error.value.row == 3  # type: ignore[attr-defined]


def test_empty() -> None:
    assert check_texts([]) == []


def test_one_column_is_a_list_of_texts():
    assert check_texts(np.array([["a"], ["好"]])) == ["a", "好"]
