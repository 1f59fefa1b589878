from __future__ import annotations

from pathlib import Path

import pytest

from fenlei.data.readers import read, stream
from fenlei.exceptions import DataError, SettingError


def lines(tmp_path: Path, content: str, name: str = "a.txt", encoding: str = "utf-8") -> Path:
    file = tmp_path / name
    file.write_bytes(content.encode(encoding))
    return file


def test_a_text_file_is_one_unlabelled_text_a_line(tmp_path: Path) -> None:
    data = read(lines(tmp_path, "很好\r\n\r\n a\u2028b\x0c \nlast", encoding="gb18030"))
    assert data.texts == ["很好", "", " a\u2028b\x0c ", "last"]
    assert (data.targets, list(data.rows), data.encoding) == (None, [1, 2, 3, 4], "gb18030")


@pytest.mark.parametrize("name", ["a.txt", "a.ft", "a.fasttext"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gbk"])
def test_fasttext_files(tmp_path: Path, name: str, encoding: str) -> None:
    data = read(lines(tmp_path, "\n__label__好评 很 好\n\n  __label__差评\t太差 了\n", name, encoding))
    assert (data.texts, data.targets) == (["很 好", "太差 了"], ["好评", "差评"])
    assert list(data.rows) == [2, 4]


def test_several_labels_make_every_row_a_list_when_read_whole(tmp_path: Path) -> None:
    file = lines(tmp_path, "__label__a one\n__label__b __label__a __label__b two\n__label__c __label__c three\n")
    assert read(file).targets == [["a"], ["b", "a"], ["c"]]
    assert [record.target for record in stream(file)] == ["a", ["b", "a"], "c"]


def test_a_separator_makes_every_row_a_list(tmp_path: Path) -> None:
    assert read(lines(tmp_path, "__label__a|b one\n__label__c two\n"), separator="|").targets == [
        ["a", "b"],
        ["c"],
    ]


def test_labels_can_be_ignored_and_texts_can_be_empty(tmp_path: Path) -> None:
    data = read(lines(tmp_path, "__label__a one\n__label__b\n"), label="")
    assert (data.texts, data.targets) == (["one", ""], None)


@pytest.mark.parametrize(("line", "message"), [("no label", "no __label__ at the start"), ("__label__ x", "is empty")])
def test_a_bad_fasttext_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(lines(tmp_path, f"__label__a one\n{line}\n"))
    assert caught.value.row == 2


def test_a_file_of_other_lines_is_no_fasttext_but_can_be_declared_plain(tmp_path: Path) -> None:
    assert read(lines(tmp_path, "a __label__b\n")).targets is None
    assert read(lines(tmp_path, "__label__b a\n"), format="txt").texts == ["__label__b a"]


@pytest.mark.parametrize("options", [{"text": "text"}, {"label": "x"}, {"separator": "|"}, {"delimiter": ","}])
def test_plain_text_has_no_columns(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(SettingError, match="means nothing for a file of format txt"):
        read(lines(tmp_path, "a\n"), **options)
