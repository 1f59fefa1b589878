from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fenlei.data.files import Notes
from fenlei.data.readers import check_source, read, stream
from fenlei.exceptions import DataError, FenleiError, SettingError, UnknownNameError

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
QUIET = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def give_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_an_unknown_suffix_lists_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_text("text,label\na,b\n")
    with pytest.raises(DataError, match=r"unknown suffix '\.dat'; known: \.csv, .*--format"):
        read(tmp_path / "a.dat")
    assert read(tmp_path / "a.dat", format="csv").texts == ["a"]


def test_an_unknown_format_suggests_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'jsonl'"):
        read(tmp_path / "a", format="json")


@pytest.mark.parametrize("reader", [read, stream, check_source])
def test_a_missing_file_is_told_at_once(reader: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.csv: no such file or folder"):
        reader(tmp_path / "missing.csv")


@pytest.mark.parametrize("name", ["a\0b.csv", "x" * 5000 + ".csv", ""])
def test_names_that_no_file_can_have(name: str) -> None:
    with pytest.raises(FenleiError):
        read(name)


def test_a_folder_where_a_file_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder, not a file of format csv"):
        read(tmp_path, format="csv")
    (tmp_path / "a.csv").write_text("text\na\n")
    with pytest.raises(DataError, match="is a file, not a folder"):
        read(tmp_path / "a.csv", format="folder")


def test_wrong_types_of_arguments(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\na\n")
    with pytest.raises(SettingError, match="text must be a string, not int"):
        read(tmp_path / "a.csv", text=0)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="a path is a string"):
        read(b"a.csv")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="must not be empty"):
        read(tmp_path / "a.csv", separator="")


@pytest.mark.parametrize(
    ("content", "texts", "targets"),
    [
        ("很好\n差\n".encode("gbk"), ["很好", "差"], None),
        (b'{"text": "a", "label": "x"}\n', ["a"], ["x"]),
        (b"__label__x a\n", ["a"], ["x"]),
    ],
)
def test_standard_input_by_its_first_line(
    monkeypatch: pytest.MonkeyPatch, content: bytes, texts: list[str], targets: list[str] | None
) -> None:
    give_stdin(monkeypatch, content)
    data = read("-")
    assert (data.texts, data.targets, data.source) == (texts, targets, "standard input")


def test_standard_input_in_a_format_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    give_stdin(monkeypatch, b"text,label\na,\n")
    with pytest.raises(DataError, match="standard input, row 2: the label is empty"):
        read("-", format="csv")
    with pytest.raises(SettingError, match="standard input is not a folder"):
        read("-", format="folder")
    give_stdin(monkeypatch, b"")
    with pytest.raises(DataError, match="standard input: no texts in it"):
        read("-")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a Unix thing")
def test_a_named_pipe_is_read_though_it_can_be_read_only_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes("text\n很好\n".encode("gbk")))
    writer.start()
    assert read(pipe).texts == ["很好"]
    writer.join()


def test_gzip_whole_truncated_and_false(tmp_path: Path) -> None:
    content = gzip.compress(("text,label\n" + "".join(f"很好 {i},a\n" for i in range(5000))).encode("gbk"))
    (tmp_path / "a.csv.gz").write_bytes(content)
    assert len(read(tmp_path / "a.csv.gz")) == 5000
    for bad in (
        content[: len(content) // 2],
        b"text,label\na,b\n",
        content[:50] + b"\0" * 50 + content[100:],
    ):
        (tmp_path / "a.csv.gz").write_bytes(bad)
        with pytest.raises(DataError, match="not a gzip file, or a damaged or truncated one"):
            read(tmp_path / "a.csv.gz")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("text\na\n")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"a\.csv: cannot be read: Permission denied"):
        read(tmp_path / "a.csv")


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fenlei.data.files.LONGEST_FIELD", 1000)
    for name in ("a.jsonl", "a.txt", "a.tsv"):
        (tmp_path / name).write_text("text\n" + "x" * 2000)
        with pytest.raises(DataError, match=r"longer than 1,000 characters|not valid JSON"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("a.txt", "好\n", ["好"]),
        ("a.txt", '{"评论": "好"}\n', ["好"]),
        ("a.txt", "__label__x 好\n", ["好"]),
        ("a.jsonl", '{"评论": "好"}\n', ["好"]),
        ("a.csv", "x;评论\n1;好\n", ["好"]),
    ],
)
def test_of_what_is_said_of_several_files_each_takes_its_own(
    name: str, content: str, texts: list[str], tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    records = stream(tmp_path / name, text="评论", label="", separator="|", delimiter=";", strict=False)
    assert [(record.text, record.target) for record in records] == [(text, None) for text in texts]
    if not name.endswith("csv"):
        with pytest.raises(SettingError, match="means nothing for a file of format"):
            list(stream(tmp_path / name, text="评论", label="", separator="|", delimiter=";"))


def test_what_is_wrong_in_itself_is_refused_though_others_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("好\n", encoding="utf-8")
    with pytest.raises(SettingError, match="encoding"):
        list(stream(tmp_path / "a.txt", text="x", encoding="utf-99", strict=False))


def test_what_a_stream_finds_out_is_noted_and_told_once(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes(("這個產品的質量非常好\n服務態度太差了\n" * 5).encode("big5"))
    told: list[str] = []
    notes = Notes(message=told.append)
    for _ in range(2):
        records = stream(tmp_path / "b.txt", notes=notes)
        next(records)
        assert "--encoding big5" in told[0]
        assert len(list(records)) == 9
    assert told == list(notes.warnings) == list(read(tmp_path / "b.txt").warnings)
    assert list(notes.encodings) == ["gb18030"]


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_streaming_keeps_the_memory_flat(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"big.{suffix}"
    row = {"text": "这家酒店的位置很好" * 50, "label": "positive"}
    line = json.dumps(row, ensure_ascii=False) if suffix == "jsonl" else f"{row['text']},{row['label']}"
    with file.open("w", encoding="utf-8") as out:
        out.write("" if suffix == "jsonl" else "text,label\n")
        out.writelines(f"{line}\n" for _ in range(25_000))  # 34 MB
    tracemalloc.start()
    try:
        assert sum(1 for _ in stream(file)) == 25_000
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_reading_loads_no_heavy_library(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\na,b\n")
    code = f"""
import sys
from fenlei.data.readers import read
read({str(tmp_path / "a.csv")!r})
heavy = {{"numpy", "scipy", "sklearn", "pyarrow", "openpyxl", "datasets", "rich", "numba"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def write_csv(path: Path, rows: list[tuple[str, str]], encoding: str) -> None:
    with path.open("w", encoding=encoding, newline="") as out:
        csv.writer(out).writerows([("text", "label"), *rows])


def write_tsv(path: Path, rows: list[tuple[str, str]], encoding: str) -> None:
    lines = ["text\tlabel", *("\t".join(row) for row in rows)]
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))


def write_jsonl(path: Path, rows: list[tuple[str, str]], encoding: str) -> None:
    lines = (json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in rows)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))


def write_gzip(path: Path, rows: list[tuple[str, str]], encoding: str) -> None:
    write_jsonl(path, rows, encoding)
    path.write_bytes(gzip.compress(path.read_bytes()))


def write_xlsx(path: Path, rows: list[tuple[str, str]], _: str) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in [("text", "label"), *rows]:
        book.active.append([openpyxl.cell.WriteOnlyCell(book.active, value) for value in row])
    for row in book.active.iter_rows():
        for cell in row:
            cell.data_type = "s"  # not a formula, whatever it starts with
    book.save(path)


def write_parquet(path: Path, rows: list[tuple[str, str]], _: str) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"text": [r[0] for r in rows], "label": [r[1] for r in rows]}), path)


COMMON = st.sampled_from(list("的一是不了人我在有他这为之大来以个中上们，。！？很好差“”\"',;|=-_ abcXYZ019"))
ODD = st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff")
PRINTED = st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"], exclude_characters="\ufeff")
LINE = st.text(COMMON | PRINTED, max_size=20)
WRITERS = [
    ("a.csv", write_csv, st.text(COMMON | ODD, max_size=20)),
    ("a.tsv", write_tsv, LINE),
    ("a.jsonl", write_jsonl, st.text(COMMON | ODD, max_size=20)),
    ("a.jsonl.gz", write_gzip, st.text(COMMON | ODD, max_size=20)),
    ("a.xlsx", write_xlsx, LINE),
    ("a.parquet", write_parquet, st.text(COMMON | ODD, max_size=20)),
]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize(("name", "write", "text"), WRITERS, ids=[writer[0] for writer in WRITERS])
@QUIET
@given(st.data())
def test_what_was_written_is_read_back(
    tmp_path: Path,
    name: str,
    write: Callable[[Path, list[tuple[str, str]], str], None],
    text: st.SearchStrategy[str],
    encoding: str,
    data: st.DataObject,
) -> None:
    label = text.filter(lambda value: bool(value.strip()))
    rows = data.draw(st.lists(st.tuples(text, label), min_size=1, max_size=5))
    write(tmp_path / name, rows, encoding)
    # A few random characters of GB18030 can be valid UTF-8, so the encoding is named.
    binary = name in {"a.xlsx", "a.parquet"}
    found = read(tmp_path / name) if binary else read(tmp_path / name, encoding=encoding)
    assert found.texts == [row[0] for row in rows]
    assert found.targets == [row[1] for row in rows]


SUFFIXES = ["csv", "tsv", "jsonl", "txt", "ft", "xlsx", "parquet", "csv.gz", "jsonl.gz"]
HEADS = [
    b"",
    b"text,label\n",
    b"text\tlabel\n",
    b'{"text": "',
    b'{"text": "a", "label": ',
    b"__label__",
    b"PK\x03\x04",
    b"PAR1",
]


@pytest.mark.parametrize("suffix", SUFFIXES)
@QUIET
@given(head=st.sampled_from(HEADS), content=st.binary(max_size=80), packed=st.booleans())
def test_any_bytes_give_a_result_or_a_typed_error(
    tmp_path: Path, suffix: str, head: bytes, content: bytes, packed: bool
) -> None:
    whole = head + content
    file = tmp_path / f"a.{suffix}"
    file.write_bytes(gzip.compress(whole) if packed and suffix.endswith("gz") else whole)
    try:
        data = read(file)
    except FenleiError as error:
        assert "\n" not in str(error)
        return
    assert len(data.texts) == len(data.rows) > 0


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not beside the repository")
@pytest.mark.parametrize(
    ("name", "count", "labels"),
    [
        ("thucnews/test.jsonl", 10_000, 10),
        ("goemotions_multilabel/dev.jsonl", 5426, 28),
        ("trec/train.jsonl", 5452, 6),
    ],
)
def test_real_sets(name: str, count: int, labels: int) -> None:
    data = read(SHARED / name)
    assert len(data) == count
    targets = data.targets or []
    assert len({label for target in targets for label in ([target] if isinstance(target, str) else target)}) == labels
