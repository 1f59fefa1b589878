"""Names that an output may have, and rows as bytes."""

from __future__ import annotations

import gzip
import json

import pytest

from fenlei import TfidfClassifier, save
from fenlei.exceptions import DataError, ModelFolderError
from fenlei.scoring.outputs import check_output, rows_as_bytes

ROWS = [{"label": "好评", "score": 0.25}, {"label": "\ud800", "score": 1.0, "scores": {"\ud800": 1.0}}]


def test_rows_are_lines_of_json():
    assert [json.loads(line) for line in rows_as_bytes(ROWS).splitlines()] == ROWS
    assert "好评".encode() in rows_as_bytes(ROWS[:1])
    assert rows_as_bytes([]) == b""


@pytest.mark.parametrize("label", ["}, {", '"}, {"', "}", "{}, {}", "a, b\n"])
def test_labels_that_look_like_the_end_of_a_row(label):
    rows = [{"label": label, "score": 0.5, "scores": {label: 0.5, "b": 0.5}}, {"labels": [label, "b"], "score": 0.75}]
    for some in (rows, rows[:1], rows * 3):
        assert rows_as_bytes(some).decode() == "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in some)


def test_packed_parts_make_one_file():
    packed = rows_as_bytes(ROWS[:1], packed=True) + rows_as_bytes(ROWS[1:], packed=True)
    assert [json.loads(line) for line in gzip.decompress(packed).splitlines()] == ROWS
    assert packed == rows_as_bytes(ROWS[:1], packed=True) + rows_as_bytes(ROWS[1:], packed=True)


@pytest.mark.parametrize("name", ["a.csv", "a.TSV", "a.xlsx", "a.parquet", "a.csv.gz"])
def test_other_formats_are_refused(tmp_path, name):
    with pytest.raises(DataError, match="jsonl"):
        check_output(str(tmp_path / name))


def test_places_that_cannot_be(tmp_path):
    source = tmp_path / "data.txt"
    source.write_text("好\n", encoding="utf-8")
    for output, message in ((tmp_path, "is a folder"), (tmp_path / "no" / "x.jsonl", "does not exist")):
        with pytest.raises(DataError, match=message):
            check_output(str(output))
    with pytest.raises(DataError, match="is the file that is read"):
        check_output(str(source), str(tmp_path / "." / "data.txt"))
    model = save(TfidfClassifier().fit(["好", "差"], ["a", "b"]), tmp_path / "model")
    with pytest.raises(ModelFolderError, match="stays as it is"):
        check_output(str(model / "x.jsonl"))
    check_output(str(tmp_path / "x.jsonl.gz"), str(source))
