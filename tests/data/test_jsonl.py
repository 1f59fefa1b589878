from __future__ import annotations

from pathlib import Path

import pytest

from fenlei.data.readers import read, stream
from fenlei.exceptions import DataError


def jsonl(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "a.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return file


def test_labels_of_several_types(tmp_path: Path) -> None:
    file = jsonl(tmp_path, '{"text": "a", "label": "01"}', '{"text": "b", "label": 1}', '{"text": "c", "label": 1.0}')
    assert read(file).targets == ["01", "1", "1"]


def test_lists_are_multi_label_and_single_labels_beside_them_become_lists(tmp_path: Path) -> None:
    file = jsonl(
        tmp_path,
        '{"text": "a", "labels": "x"}',
        "",
        '{"text": "b", "labels": ["y", "x", "y"]}',
        '{"text": "", "labels": []}',
    )
    data = read(file)
    assert data.targets == [["x"], ["y", "x"], []]
    assert list(data.rows) == [1, 3, 4]
    assert [record.target for record in stream(file)] == ["x", ["y", "x"], []]


def test_lone_surrogates_and_nul_are_kept(tmp_path: Path) -> None:
    assert read(jsonl(tmp_path, r'{"text": "\ud800 \u0000", "label": "\udfff"}')).texts == ["\ud800 \0"]


def test_the_last_of_two_equal_keys_counts(tmp_path: Path) -> None:
    assert read(jsonl(tmp_path, '{"text": "a", "text": "b"}')).texts == ["b"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": 5, "label": "a"}', "the text is of type int"),
        ('{"text": null, "label": "a"}', "the text is missing"),
        ('{"label": "a"}', "no key 'text'"),
        ('{"text": "a"}', "the label is missing"),
        ('{"text": "a", "label": null}', "the label is missing"),
        ('{"text": "a", "label": ""}', "the label is empty"),
        ('{"text": "a", "label": 0.5}', "is a fraction"),
        ('{"text": "a", "label": NaN}', "is a fraction"),
        ('{"text": "a", "label": {"x": 1}}', "the label is of type dict"),
        ('{"text": "a", "label": ["x", null]}', "the label is missing"),
        ("[1, 2]", "one JSON object, not a list"),
        ('"text"', "one JSON object, not a str"),
        ("{", "not valid JSON: Expecting property name"),
        ('{"text": "a"} {"text": "b"}', "not valid JSON: Extra data"),
        ("[" * 100_000, "nested too deep"),
        ('{"text": "a", "label": ' + "9" * 5000 + "}", "too many digits"),
        ('{"text": "a", "label": 1e400}', "is a fraction"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(jsonl(tmp_path, '{"text": "fine", "label": "a"}', line))
    assert caught.value.row == 2


def test_a_label_that_comes_late_is_not_lost(tmp_path: Path) -> None:
    file = jsonl(tmp_path, '{"text": "a"}', '{"text": "b", "label": "x"}')
    with pytest.raises(DataError, match="row 2: has a label"):
        read(file)
    assert read(file, label="").texts == ["a", "b"]


def test_columns_named_by_the_user(tmp_path: Path) -> None:
    data = read(
        jsonl(tmp_path, '{"title": "a", "text": "b", "topic": "c|d"}'),
        text="title",
        label="topic",
        separator="|",
    )
    assert (data.texts, data.targets) == (["a"], [["c", "d"]])
    with pytest.raises(DataError, match=r"no column 'topics' \(--label\); the columns are"):
        read(jsonl(tmp_path, '{"text": "b", "topic": "c"}'), label="topics")
