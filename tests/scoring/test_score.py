"""Files of any size are labelled whole, in order, in flat memory, also by runs that are killed."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fenlei import TfidfClassifier, load, save
from fenlei.exceptions import DataError, ModelFolderError
from fenlei.scoring.score import score

TEXTS = ["很好", "好看 good", "很差", "难看 bad", "一般", "so so"]
ODD = ["", " ", "好" * 3000, "a\ud800b", "nul\0", "😀" * 5]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    model = TfidfClassifier().fit(TEXTS, ["好评", "好评", "差评", "差评", "一般", "一般"])
    return save(model, tmp_path_factory.mktemp("models") / "m")


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return save(TfidfClassifier().fit(TEXTS[:4], ["a", "a", "b", "b"]), tmp_path_factory.mktemp("models") / "other")


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """A model that reads four tokens of a text."""
    pytest.importorskip("torch")
    from fenlei.models.textcnn import TextCnnClassifier

    settings = {"max_length": 4, "filters": 2, "widths": (1,), "dim": 4, "epochs": 1}
    model = TextCnnClassifier(**settings).fit(["很好", "很差"], ["好评", "差评"])
    return save(model, tmp_path_factory.mktemp("models") / "short")


def write_jsonl(path, texts):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


def rows(path):
    data = path.read_bytes()
    return [json.loads(line) for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()]


def test_what_is_no_file_is_refused_and_left_alone(folder, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    source = write_jsonl(tmp_path / "in.jsonl", TEXTS)
    with pytest.raises(DataError, match="use fenlei predict"):
        score(folder, source, pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "in.jsonl"}


def test_a_link_is_followed(folder, tmp_path):
    source, link = write_jsonl(tmp_path / "in.jsonl", TEXTS), tmp_path / "link.jsonl"
    (tmp_path / "out").mkdir()
    link.symlink_to(tmp_path / "out" / "real.jsonl")
    assert score(folder, source, link).rows == len(TEXTS)
    assert link.is_symlink()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["real.jsonl"]
    assert len(rows(tmp_path / "out" / "real.jsonl")) == len(TEXTS)


def test_the_same_as_predict_in_order(folder, tmp_path):
    texts = [*(f"{TEXTS[i % 6]} {i}" * (1 + i % 7) for i in range(1000)), *ODD]
    source = write_jsonl(tmp_path / "in.jsonl", texts)
    counted = []
    scored = score(folder, source, tmp_path / "out.jsonl", shown=None, window_rows=64, advance=counted.append)
    model = load(folder)
    expected = model.predict_proba(texts)
    found = rows(tmp_path / "out.jsonl")
    assert (scored.rows, scored.resumed, sum(counted)) == (1006, 0, 1006)
    assert [row["label"] for row in found] == model.predict(texts).tolist()
    for row, scores in zip(found, expected, strict=True):
        assert row["scores"] == pytest.approx(dict(zip(model.classes_.tolist(), scores, strict=True)), abs=1e-9)
        assert row["score"] == max(row["scores"].values())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


@pytest.mark.parametrize("name", ["in.csv", "in.csv.gz", "in.txt", "in.parquet", "in.jsonl"])
def test_every_format(folder, tmp_path, name):
    path = tmp_path / name
    texts = [f"{TEXTS[i % 6]} {i}" for i in range(300)]
    if name.endswith("parquet"):
        pyarrow = pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table({"text": texts}), path)
    elif name.endswith("jsonl"):
        write_jsonl(path, texts)
    else:
        lines = ("" if ".txt" in name else "text\n") + "".join(f"{text}\n" for text in texts)
        path.write_bytes(gzip.compress(lines.encode()) if name.endswith("gz") else lines.encode())
    score(folder, path, tmp_path / "out.jsonl.gz", window_rows=100)
    assert [row["label"] for row in rows(tmp_path / "out.jsonl.gz")] == load(folder).predict(texts).tolist()


def test_a_bad_row_keeps_those_before_it_and_a_repaired_file_goes_on(folder, other, tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    texts = [f"{TEXTS[i % 6]} {i}" for i in range(100)]
    lines = write_jsonl(source, texts).read_text().splitlines()
    told = []
    source.write_text("\n".join([*lines[:70], '{"text": 5}', *lines[71:]]))
    with pytest.raises(DataError, match=r"in.jsonl, row 71: the text is of type int"):
        score(folder, source, out, window_rows=20, message=told.append)
    assert told == [f"60 rows are kept in {out}.partial; the same command goes on after them"]
    with pytest.raises(DataError, match="60 rows were answered with another model"):
        score(other, source, out)
    with pytest.raises(DataError, match="60 rows were answered with another choice of classes"):
        score(folder, source, out, shown=2)
    source.write_text("\n".join(lines))
    scored = score(folder, source, out, window_rows=20)
    assert (scored.rows, scored.resumed) == (100, 60)
    assert [row["label"] for row in rows(out)] == load(folder).predict(texts).tolist()


def test_texts_that_are_read_in_part_are_told_of_once(short, folder, tmp_path):
    texts = ["很好", "很好很好很", "", "很差很差很差很"] * 25
    source, told = write_jsonl(tmp_path / "in.jsonl", texts), []
    score(short, source, tmp_path / "out.jsonl", window_rows=16, message=told.append)
    assert told == ["50 of 100 texts are longer than max_length=4: 100 tokens at their ends are not read"]
    told.clear()
    score(folder, source, tmp_path / "other.jsonl", message=told.append)
    score(short, write_jsonl(source, texts[::2]), tmp_path / "short.jsonl", message=told.append)
    assert told == []


def test_a_changed_input_must_begin_anew(folder, tmp_path):
    source, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("很好\n" * 30 + "差\0".replace("\0", "\ufffd") + "\n", encoding="utf-8")
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "很好"}\n' * 30 + "{\n", encoding="utf-8")
    with pytest.raises(DataError, match="row 31"):
        score(folder, bad, out, window_rows=10)
    source.write_text("很差\n" * 40, encoding="utf-8")
    with pytest.raises(DataError, match=r"in.txt: its first 30 texts are not those"):
        score(folder, source, out)
    assert score(folder, source, out, restart=True).resumed == 0
    assert {row["label"] for row in rows(out)} == {"差评"}


def test_an_older_output_stays_until_the_new_one_is_whole(folder, tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"text": "很好"}\n' * 30 + "{\n", encoding="utf-8")
    out.write_text("old")
    with pytest.raises(DataError):
        score(folder, source, out, window_rows=10)
    assert out.read_text() == "old"


def test_mistakes_are_told_before_the_model_is_loaded(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        score("no model", tmp_path / "in.txt", tmp_path / "out.jsonl")
    (tmp_path / "in.txt").write_text("a\n")
    with pytest.raises(DataError, match="jsonl"):
        score("no model", tmp_path / "in.txt", tmp_path / "out.csv")
    with pytest.raises(ModelFolderError, match="no such model"):
        score("no model", tmp_path / "in.txt", tmp_path / "out.jsonl")


_RUN = """
import sys
from fenlei.scoring.score import score
score(*sys.argv[1:4], window_rows=200, sync_every=0)
"""


def test_killed_at_random_moments(folder, tmp_path):
    source, out, whole = tmp_path / "in.txt", tmp_path / "out.jsonl", tmp_path / "whole.jsonl"
    texts = [f"{TEXTS[i % 6]} {i}" for i in range(40_000)]
    source.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    score(folder, source, whole, window_rows=200, sync_every=1e9)
    command = [sys.executable, "-c", _RUN, str(folder), str(source), str(out)]
    kept = [kill_after(command, random.uniform(0, 0.2), out) for _ in range(3)]
    assert kept == sorted(kept)
    assert kept[0] > 0, "no kill met a run at work"
    scored = score(folder, source, out, window_rows=200)
    assert scored.resumed == kept[-1]
    assert out.read_bytes() == whole.read_bytes()
    assert len(rows(out)) == 40_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.jsonl", "whole.jsonl"]


def kill_after(command, seconds, out):
    """Kill a run so long after its journal tells of more rows than before; give the rows it has kept."""
    before = kept_rows(out)
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 30
    while kept_rows(out) == before and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(seconds)
    process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    assert process.wait() != 0, "the run ended before it could be killed"
    return kept_rows(out)


def kept_rows(out):
    journal = Path(f"{out}.journal")
    return json.loads(journal.read_bytes())["done"]["rows"] if journal.exists() else 0


_TOLD_RUN = """
import sys
from fenlei.scoring.score import score
try:
    score(*sys.argv[1:4], advance=lambda rows: print("reads", flush=True))
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_an_interrupt_ends_the_wait_for_standard_input(folder, tmp_path):
    command = [sys.executable, "-c", _TOLD_RUN, str(folder), "-", str(tmp_path / "out.jsonl")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdin.write("很好\n")
        process.stdin.flush()
        assert process.stdout.readline() == "reads\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(10) == 0
        finally:
            process.kill()
        assert process.stdout.read() == "interrupted\n"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's account of a process's memory")
def test_memory_does_not_grow_with_the_file(folder, tmp_path):
    code = _RUN.replace("window_rows=200, sync_every=0", "window_rows=4096") + (
        "import pathlib\nlines = pathlib.Path('/proc/self/status').read_text().splitlines()\n"
        "print(next(line.split()[1] for line in lines if line.startswith('VmHWM')))"
    )
    peaks = []
    for count in (20_000, 120_000):
        data = tmp_path / f"{count}.txt"
        data.write_text("".join(f"很好 {number}\n" for number in range(count)), encoding="utf-8")
        command = [sys.executable, "-c", code, str(folder), str(data), str(tmp_path / "out.jsonl")]
        peaks.append(int(subprocess.run(command, capture_output=True, check=True).stdout))
    assert len(rows(tmp_path / "out.jsonl")) == 120_000
    assert peaks[1] < peaks[0] * 1.1


def test_scoring_with_a_linear_model_needs_no_torch(folder, tmp_path):
    (tmp_path / "in.txt").write_text("很好\n", encoding="utf-8")
    code = f"{_RUN}\nprint(*sys.modules)"
    command = [sys.executable, "-c", code, str(folder), str(tmp_path / "in.txt"), str(tmp_path / "out.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not {"torch", "sklearn", "rich", "pandas"} & set(done.stdout.split())
