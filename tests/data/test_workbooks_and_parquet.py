from __future__ import annotations

import datetime
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fenlei.data.formats import parquet, xlsx
from fenlei.data.readers import read, stream
from fenlei.exceptions import DataError, MissingExtraError, SettingError

openpyxl = pytest.importorskip("openpyxl")
pyarrow = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def workbook(tmp_path: Path, *rows: list[Any]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    return tmp_path / "a.xlsx"


def table(tmp_path: Path, **columns: Any) -> Path:
    pq.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    return tmp_path / "a.parquet"


def test_cells_are_written_as_a_person_reads_them(tmp_path: Path) -> None:
    day = datetime.datetime(2024, 5, 1)
    rows = [["很好", 1], ["01", 1.5], [3.0, "NA"], [day, day.replace(hour=8)], [None, True]]
    data = read(workbook(tmp_path, ["评论", "类别"], *rows))
    assert data.texts == ["很好", "01", "3", "2024-05-01", ""]
    assert data.targets == ["1", "1.5", "NA", "2024-05-01 08:00:00", "TRUE"]


def test_empty_rows_are_skipped_and_rows_are_those_of_the_sheet(tmp_path: Path) -> None:
    data = read(workbook(tmp_path, [None, None], ["text", "label"], ["a", "x"], [None, None], ["b", "y"]))
    assert list(data.rows) == [3, 5]


def test_the_first_sheet_is_read_and_labels_can_be_split(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["text", "labels"])
    book.active.append(["a", "x; y"])
    book.create_sheet().append(["other"])
    book.save(tmp_path / "b.xlsx")
    assert read(tmp_path / "b.xlsx", separator=";").targets == [["x", "y"]]
    with pytest.raises(DataError, match="--separator"):
        read(tmp_path / "b.xlsx")


def test_an_empty_label_and_an_empty_sheet(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 2: the label is empty"):
        read(workbook(tmp_path, ["text", "label"], ["a", None]))
    with pytest.raises(DataError, match="the first sheet is empty"):
        read(workbook(tmp_path))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "_LARGEST", 1000)
    with pytest.raises(DataError, match="unpacks to"):
        read(workbook(tmp_path, ["text"], ["a"]))


def test_a_sheet_with_a_row_beyond_all_sheets_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "_LAST_ROW", 3)
    with pytest.raises(DataError, match="more than 3 rows"):
        read(workbook(tmp_path, ["text"], ["a"], ["b"], ["c"]))


def test_damaged_workbooks(tmp_path: Path) -> None:
    good = workbook(tmp_path, ["text"], ["a"]).read_bytes()
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name in parts:
        for content in (b"", b"<broken", parts[name][: len(parts[name]) // 2]):
            with zipfile.ZipFile(tmp_path / "bad.xlsx", "w") as archive:
                for other, original in parts.items():
                    archive.writestr(other, content if other == name else original)
            try:
                read(tmp_path / "bad.xlsx")
            except DataError as error:
                assert error.source == str(tmp_path / "bad.xlsx")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"\xd0\xcf\x11\xe0 old", b"text,label\n"])
def test_what_is_no_workbook(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(DataError, match=r"not an \.xlsx workbook"):
        read(tmp_path / "a.xlsx")


def test_parquet_keeps_types_and_lists(tmp_path: Path) -> None:
    data = read(table(tmp_path, id=[1, 2], text=["很好", ""], label=[0, 1]))
    assert (data.texts, data.targets, list(data.rows)) == (["很好", ""], ["0", "1"], [1, 2])
    assert read(table(tmp_path, text=["a", "b"], labels=[["x", "y"], []])).targets == [["x", "y"], []]
    dictionary = pyarrow.array(["x", "y", "x"]).dictionary_encode()
    assert read(table(tmp_path, text=["a", "b", "c"], label=dictionary)).targets == ["x", "y", "x"]


def test_parquet_comes_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_BATCH", 7)
    file = table(tmp_path, text=[str(i) for i in range(50)], label=["x"] * 50)
    assert [(record.row, record.text) for record in stream(file)] == [(i + 1, str(i)) for i in range(50)]


@pytest.mark.parametrize(
    ("columns", "message", "row"),
    [
        ({"text": [1, 2]}, "the text is of type int", 1),
        ({"text": ["a", None]}, "the text is missing", 2),
        ({"text": ["a", "b"], "label": ["x", None]}, "the label is missing", 2),
        ({"words": ["a"]}, "no text column among 'words'", None),
    ],
)
def test_bad_parquet_rows(tmp_path: Path, columns: dict[str, Any], message: str, row: int | None) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(table(tmp_path, **columns))
    assert caught.value.row == row


def test_damaged_parquet(tmp_path: Path) -> None:
    content = table(tmp_path, text=["a"] * 100, label=["x"] * 100).read_bytes()
    for bad in (b"", b"PAR1", content[:-20], content[:40] + b"\xff" * 40 + content[80:]):
        (tmp_path / "bad.parquet").write_bytes(bad)
        with pytest.raises(DataError, match="not a parquet file, or a damaged one"):
            read(tmp_path / "bad.parquet")


def test_a_missing_package_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = table(tmp_path, text=["a"])
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"fenlei\[parquet\]"):
        read(file)


def test_they_take_no_encoding_and_no_gzip(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="means nothing for a file of format xlsx"):
        read(workbook(tmp_path, ["text"], ["a"]), encoding="utf-8")
    (tmp_path / "a.parquet.gz").write_bytes(b"x")
    with pytest.raises(DataError, match=r"unpack the \.gz first"):
        read(tmp_path / "a.parquet.gz")


def test_the_wrong_suffix_is_seen_by_the_first_bytes(tmp_path: Path) -> None:
    workbook(tmp_path, ["text"], ["a"]).rename(tmp_path / "a.csv")
    with pytest.raises(DataError, match="use format=xlsx"):
        read(tmp_path / "a.csv")
    assert read(tmp_path / "a.csv", format="xlsx").texts == ["a"]
