"""Files that a page sends are read as rows."""

from __future__ import annotations

import asyncio
import io
import threading
import zipfile

import openpyxl
import pytest

from fenlei.serve.errors import ServeError
from fenlei.serve.table import read_table

ROWS = [["很好，\n真的", "5"], ["差", ""]]


def workbook():
    book = openpyxl.Workbook()
    for row in (["评论", "星"], ROWS[0], ["差"]):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "encoding"),
    [
        ("a.csv", '评论,星\r\n"很好，\n真的",5\r\n差,\r\n'.encode("gb18030"), "gb18030"),
        ("A.CSV", '\ufeff评论,星\n"很好，\n真的",5\n\n差,\n'.encode(), "utf-8-sig"),
        ("a.jsonl", '{"评论": "很好，\\n真的", "星": 5}\n{"评论": "差", "星": null}\n'.encode(), "utf-8"),
        ("a.xlsx", workbook(), ""),
    ],
    ids=["csv", "CSV", "jsonl", "xlsx"],  # bytes of a workbook hold the second it was made in
)
def test_formats(name, data, encoding):
    assert read_table(data, name, None) == {
        "columns": ["评论", "星"], "text": "评论", "rows": ROWS, "encoding": encoding,
    }  # fmt: skip


def test_tsv_and_a_column_by_name():
    found = read_table(b'a\tb\n"x"\ty\n', "x.tsv", "b")
    assert (found["text"], found["rows"]) == ("b", [['"x"', "y"]])


def test_each_key_of_any_object_is_a_column():
    found = read_table(b'{"text": "a"}\n\n{"text": "b", "note": "x"}\n{"n": 1, "text": "c"}\n', "x.jsonl", None)
    assert found["columns"] == ["text", "note", "n"]
    assert found["rows"] == [["a", "", ""], ["b", "x", ""], ["c", "", "1"]]


def test_the_client_chooses_when_no_name_tells_the_column():
    assert read_table(b"a,b\nx,y\n", "x.csv", None)["text"] is None
    assert read_table(b"content,review\nx,y\n", "x.csv", None)["text"] is None
    with pytest.raises(ServeError, match="no column 'c'"):
        read_table(b"a,b\nx,y\n", "x.csv", "c")


def bomb():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 60_000_000)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "status", "told"),
    [
        ("a.pdf", b"", 415, "must end in"),
        ("", b"", 415, "must end in"),
        ("a.csv", b"", 422, "empty"),
        ("a.csv", b"text,a\nx\n", 422, "row 2"),
        ("a.csv", b'text\n"x', 422, "quote"),
        ("a.csv", b"PK\x03\x04", 422, "zip"),
        ("a.csv", b"text\n" + b"x\n" * 50_001, 422, "50,000"),
        ("a.xlsx", b"text", 422, "workbook"),
        ("a.xlsx", bomb(), 422, "unpacks"),
        ("a.jsonl", b"[" * 100_000, 422, "row 1"),
        ("a.jsonl", b"".join(b'{"%d": 1}\n' % i for i in range(20_000)), 422, "5,000,000 cells"),
        ("a.jsonl", b"{}\n", 422, "empty"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_files_that_are_refused(name, data, status, told):
    with pytest.raises(ServeError) as refused:
        read_table(data, name, None)
    assert refused.value.status == status
    assert told in refused.value.message


def test_over_http(serving, toys, run):
    async def work():
        async with serving(toys.ToyClassifier()) as one:
            found = await one.client.post("/v1/table?name=a.csv&text=b", content=b"a,b\n1,2\n")
            assert found.json() == {"columns": ["a", "b"], "text": "b", "rows": [["1", "2"]], "encoding": "utf-8"}
            assert (await one.client.post("/v1/table", content=b"a")).json()["error"]["code"] == "missing_field"
            assert (await one.client.post("/v1/table?name=a.csv", content=b"\x00\xff")).status_code == 422

    run(work())


def test_what_is_refused_is_counted(serving, toys, run, monkeypatch):
    begun, may_end = threading.Event(), threading.Event()

    def read_slowly(*file):
        begun.set()
        return may_end.wait(10)

    monkeypatch.setattr("fenlei.serve.routes.table.read_table", read_slowly)

    async def work():
        async with serving(toys.ToyClassifier()) as one:

            def send(n):
                return [asyncio.create_task(one.client.post("/v1/table?name=a.csv", content=b"a")) for _ in range(n)]

            asked = send(1)
            while not begun.is_set():
                await asyncio.sleep(0.01)
            asked += send(11)
            while sum(answer.done() for answer in asked) < 3:  # eight wait
                await asyncio.sleep(0.01)
            assert 'fenlei_refused_requests_total{reason="table"} 3.0' in (await one.get("/metrics")).text
            may_end.set()
            assert sorted([(await answer).status_code for answer in asked]) == [200] * 9 + [429] * 3

    run(work())
