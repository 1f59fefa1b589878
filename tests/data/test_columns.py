from __future__ import annotations

import pytest

from fenlei.data.columns import Columns, find_columns, label_among
from fenlei.exceptions import DataError


def find(*names: str, text: str | None = None, label: str | None = None) -> Columns:
    return find_columns(names, text=text, label=label, source="a.csv")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["label", "text"], ("text", "label")),
        (["TEXT", " Labels "], ("TEXT", " Labels ")),
        (["文本", "标签"], ("文本", "标签")),
        (["id", "review", "class"], ("review", "class")),
        (["text", "content", "label", "category"], ("text", "label")),  # the first rank wins
        (["text"], ("text", None)),
        (["text", "labelled_by"], ("text", None)),  # exact names only
    ],
)
def test_columns_are_found_by_name(names: list[str], expected: tuple[str, str | None]) -> None:
    assert find(*names) == expected


def test_the_users_names_are_exact_and_come_first() -> None:
    assert find("text", "title", "label", "topic", text="title", label="topic") == ("title", "topic")
    with pytest.raises(DataError, match=r"no column 'Title' \(--text\); the columns are 'text', 'title'"):
        find("text", "title", text="Title")


def test_an_empty_label_name_means_no_labels() -> None:
    assert find("text", "label", label="") == ("text", None)


def test_a_missing_text_column_lists_the_columns_and_the_flags() -> None:
    with pytest.raises(DataError, match=r"a\.csv: no text column among 'id', 'words'; .*--text .*--label"):
        find("id", "words")


@pytest.mark.parametrize("names", [("content", "review"), ("text", "Text"), ("text", "label", "labels")])
def test_two_candidates_are_an_error(names: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="2 columns may be the"):
        find(*names)


def test_a_long_header_is_shortened_in_the_message() -> None:
    with pytest.raises(DataError, match=r"and 80 more"):
        find(*(f"column{i}" for i in range(100)))


def test_label_among_knows_the_same_names() -> None:
    assert label_among(["id", "类别"]) == "类别"
    assert label_among(["id"]) is None
