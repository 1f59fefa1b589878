from __future__ import annotations

import pytest

from fenlei.data.values import as_target, as_text
from fenlei.exceptions import DataError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("NA", "NA"),
        ("None", "None"),
        ("01", "01"),
        (" a ", " a "),
        (1, "1"),
        (-3, "-3"),
        (2.0, "2"),
        (True, "true"),
    ],
)
def test_single_labels(value: object, expected: str) -> None:
    assert as_target(value, separator=None, source="s", row=1) == expected


@pytest.mark.parametrize("value", [0.5, float("nan"), float("inf"), {}, b"x", pytest.param(10**5000, id="huge")])
def test_what_is_no_label_is_refused_with_the_row(value: object) -> None:
    with pytest.raises(DataError, match=r"s, row 7: the label .*(is a fraction|is of type|is a number)") as caught:
        as_target(value, separator=None, source="s", row=7)
    assert caught.value.row == 7


@pytest.mark.parametrize("value", ["", "  ", None, ["a", ""], [None], [["a"]]])
def test_empty_and_missing_labels_are_refused(value: object) -> None:
    with pytest.raises(DataError, match="row 1: the label is"):
        as_target(value, separator=None, source="s", row=1)


@pytest.mark.parametrize(
    ("value", "separator", "expected"),
    [
        ([], None, []),
        (["b", "a", "b"], None, ["b", "a"]),
        (("a", 1), "|", ["a", "1"]),
        (" a |b||a", "|", ["a", "b"]),
        ("", "|", []),
        (12, "|", ["12"]),
    ],
)
def test_lists_of_labels(value: object, separator: str | None, expected: list[str]) -> None:
    assert as_target(value, separator=separator, source="s", row=1) == expected


def test_texts_are_strings_even_empty_ones() -> None:
    assert as_text("", source="s", row=1) == ""
    assert as_text("\ud800", source="s", row=1) == "\ud800"
    with pytest.raises(DataError, match="s, row 3: the text is of type int"):
        as_text(5, source="s", row=3)
    with pytest.raises(DataError, match="the text is missing"):
        as_text(None, source="s", row=3)
