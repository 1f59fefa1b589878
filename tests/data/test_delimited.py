from __future__ import annotations

import csv
from pathlib import Path

import pytest

from fenlei.data.readers import read
from fenlei.exceptions import DataError, SettingError


def write(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def csv_file(tmp_path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    return write(tmp_path / "a.csv", content, encoding)


def test_values_are_never_converted(tmp_path: Path) -> None:
    data = read(csv_file(tmp_path, "text,label\nNA,01\nNone,1.0\n, x \nnull,NA\n"))
    assert data.texts == ["NA", "None", "", "null"]
    assert data.targets == ["01", "1.0", " x ", "NA"]


def test_rows_are_those_of_a_spreadsheet(tmp_path: Path) -> None:
    data = read(csv_file(tmp_path, '\ntext,label\r\n"two\nlines",a\n\nafter blank,b\n'))
    assert list(zip(data.rows, data.texts, strict=True)) == [(3, "two\nlines"), (5, "after blank")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    data = read(csv_file(tmp_path, "评论,标签\n很好，喜欢,好评\n", encoding))
    assert (data.texts, data.targets) == (["很好，喜欢"], ["好评"])
    assert data.encoding == {"gbk": "gb18030"}.get(encoding, encoding)


def test_an_unbalanced_quote_names_the_row_where_it_opened(tmp_path: Path) -> None:
    content = 'text,label\nfine,a\n"two\nlines",a\n"never closed,b\n' + "more,c\n" * 1000
    with pytest.raises(DataError, match=r"row 4: a quote .* never closes.*starts in line 5") as caught:
        read(csv_file(tmp_path, content))
    assert caught.value.row == 4


def test_text_after_a_closing_quote(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 2: text follows a closing quote"):
        read(csv_file(tmp_path, 'text,label\n"a"b,c\n'))


def test_a_wrong_number_of_fields(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 3: 3 fields where the header has 2"):
        read(csv_file(tmp_path, "text,label\na,b\na,b,c\n"))
    with pytest.raises(DataError, match="row 2: 1 fields where the header has 2"):
        read(csv_file(tmp_path, "text,label\na\n"))


def test_fields_may_be_longer_than_the_csv_modules_own_limit(tmp_path: Path) -> None:
    csv.field_size_limit(131072)
    long = "长" * 200_000
    assert read(csv_file(tmp_path, f"text,label\n{long},a\n")).texts == [long]


def test_another_delimiter_is_given_never_guessed(tmp_path: Path) -> None:
    file = csv_file(tmp_path, "text;label\na,b;c\n")
    with pytest.raises(DataError, match=r"contains ';': is that the delimiter \(--delimiter\)"):
        read(file)
    assert read(file, delimiter=";").texts == ["a,b"]
    with pytest.raises(DataError, match="contains a tab"):
        read(csv_file(tmp_path, "text\tlabel\na\tb\n"))


@pytest.mark.parametrize("delimiter", ["", ";;", "\n", '"'])
def test_bad_delimiters(tmp_path: Path, delimiter: str) -> None:
    with pytest.raises(SettingError, match="delimiter must be one character"):
        read(csv_file(tmp_path, "text\na\n"), delimiter=delimiter)


def test_a_missing_header_is_suspected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does the file have a header row"):
        read(csv_file(tmp_path, "很好\n差\n"))


def test_an_empty_label_is_an_error_with_the_way_out(tmp_path: Path) -> None:
    file = csv_file(tmp_path, "text,label\na,b\nc,\n")
    with pytest.raises(DataError, match="row 3: the label is empty"):
        read(file)
    assert read(file, label="").targets is None


def test_unlabelled_files(tmp_path: Path) -> None:
    data = read(csv_file(tmp_path, "id,text\n1,a\n2,b\n"))
    assert (data.texts, data.targets, data.multi_label) == (["a", "b"], None, False)


def test_several_labels_with_a_separator(tmp_path: Path) -> None:
    file = csv_file(tmp_path, "text,labels\na,x|y| x\nb,\n")
    assert read(file, separator="|").targets == [["x", "y"], []]
    with pytest.raises(DataError, match="--separator"):
        read(file)


def test_a_labels_column_named_by_the_user_is_one_label_a_row(tmp_path: Path) -> None:
    assert read(csv_file(tmp_path, "text,labels\na,x y\n"), label="labels").targets == ["x y"]


def test_nul_and_odd_characters(tmp_path: Path) -> None:
    data = read(csv_file(tmp_path, "text,label\na\0b,\0\n\x1b😀\u2028x,y\n"))
    assert data.texts == ["a\0b", "\x1b😀\u2028x"]


def test_tsv_has_no_quoting(tmp_path: Path) -> None:
    file = write(tmp_path / "a.tsv", 'label\ttext_a\tid\r\n1\t他说"好\t7\r\n\r\n0\t"x"\t8\r\n')
    data = read(file, text="text_a")
    assert data.texts == ['他说"好', '"x"']
    assert (data.targets, list(data.rows)) == (["1", "0"], [2, 4])


def test_a_quoted_tsv_is_a_csv_with_tabs(tmp_path: Path) -> None:
    file = write(tmp_path / "a.tsv", 'text\tlabel\n"a\tb"\tc\n')
    with pytest.raises(DataError, match="3 fields where the header has 2"):
        read(file)
    assert read(file, format="csv", delimiter="\t").texts == ["a\tb"]


@pytest.mark.parametrize(("content", "message"), [("", "is empty"), ("\n\n", "is empty"), ("text,label\n", "no texts")])
def test_empty_files(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(csv_file(tmp_path, content))
