"""Workers give what one process gives, in order; a lost one is not missed, and none outlives the run."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

import fenlei
from fenlei import TfidfClassifier, load, save
from fenlei._unread import counted
from fenlei.exceptions import DataError, SettingError
from fenlei.persistence import read_digest
from fenlei.scoring import workers
from fenlei.scoring.score import score
from fenlei.scoring.workers import Job, Workers, answered

TEXTS = ["很好", "好看 good", "很差", "难看 bad", "一般", "so so"]
WINDOWS = [[f"{TEXTS[i % 6]} {i}" for i in range(at, at + 20)] for at in range(0, 240, 20)]
WINDOWS[3:3] = [["", " ", "好" * 3000, "a\ud800b", "nul\0", "😀" * 5]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    model = TfidfClassifier().fit(TEXTS, ["好评", "好评", "差评", "差评", "一般", "一般"])
    return save(model, tmp_path_factory.mktemp("models") / "m")


@pytest.fixture
def remembered(monkeypatch):
    """All processes that are begun."""
    begun, popen = [], subprocess.Popen

    def remember(*arguments, **keywords):
        begun.append(popen(*arguments, **keywords))
        return begun[-1]

    monkeypatch.setattr(subprocess, "Popen", remember)
    return begun


def job_of(folder, *, packed=False):
    return Job(str(folder), read_digest(folder), shown=2, packed=packed)


def answers(model, job, count=None):
    with closing(answered(model, job, iter(WINDOWS), count)) as found:
        return list(found)


@pytest.mark.parametrize("packed", [False, True])
def test_the_same_as_one_process_in_order(folder, packed):
    model, job = load(folder), job_of(folder, packed=packed)
    assert answers(model, job, 2) == answers(model, job, 0)
    assert [window for window, _ in answers(model, job, 1)] == WINDOWS


def test_the_answers_are_the_workers(folder):
    """What must fail in this process comes back whole."""
    with closing(answered(None, job_of(folder), iter(WINDOWS), 2)) as found:
        assert list(found) == answers(load(folder), job_of(folder), 0)


def test_by_default_they_begin_behind_the_first_windows(folder, monkeypatch):
    begun, ready = [], Workers.are_ready
    monkeypatch.setattr(workers, "n_threads", lambda: 2)
    monkeypatch.setattr(Workers, "are_ready", lambda self, **_: ready(self, wait_for_them=True))
    send = Workers.send
    monkeypatch.setattr(Workers, "send", lambda self, texts: begun.append(texts) or send(self, texts))
    model, job = load(folder), job_of(folder)
    assert answers(model, job) == answers(model, job, 0)
    assert begun == WINDOWS[8:]


def test_none_begin_where_they_are_of_no_use(folder, monkeypatch):
    model, job = load(folder), job_of(folder)
    expected = answers(model, job, 0)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was begun"))
    monkeypatch.setattr(workers, "n_threads", lambda: 2)
    assert [rows for _, rows in answered(model, job, iter(WINDOWS[:8]))] == [rows for _, rows in expected[:8]]
    monkeypatch.setattr(TfidfClassifier, "scores_on_all_cores", True)
    assert answers(model, job) == expected
    monkeypatch.setattr(TfidfClassifier, "scores_on_all_cores", False)
    monkeypatch.setattr(workers, "n_threads", lambda: 1)
    assert answers(model, job) == expected


def test_networks_have_all_cores_already():
    pytest.importorskip("torch")
    from fenlei.models.folded import FoldedClassifier
    from fenlei.models.textcnn import TextCnnClassifier

    assert TextCnnClassifier.scores_on_all_cores
    assert not FoldedClassifier.scores_on_all_cores


def test_a_lost_worker_is_not_missed(folder, monkeypatch):
    model, job = load(folder), job_of(folder)
    expected = answers(model, job, 0)
    for lost in (slice(0, 1), slice(None)):
        with monkeypatch.context() as patch:
            patch.setattr(Workers, "send", killing(lost, at=5))
            assert answers(model, job, 2) == expected


def killing(lost, at):
    """Send as ever, but end some workers before a window, which they may have begun or not."""
    send = Workers.send

    def send_and_kill(self, texts):
        if self._turn == at:
            for worker in self._workers[lost]:
                worker._process.kill()
        send(self, texts)

    return send_and_kill


def test_without_processes_this_one_does_it(folder, monkeypatch):
    model, job = load(folder), job_of(folder)
    expected = answers(model, job, 0)

    def refuse(*_, **__):
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert answers(model, job, 2) == expected


def test_lost_ones_are_told_of(folder, monkeypatch):
    told = []
    monkeypatch.setattr(Workers, "send", killing(slice(0, 1), at=5))
    list(answered(load(folder), job_of(folder), iter(WINDOWS), 2, message=told.append))
    assert told == ["1 of 2 scoring processes were lost; this one did their work"]


@pytest.mark.parametrize("banner", ["", "hello", "a line that is much longer than any length could be " * 9])
def test_what_is_printed_before_the_greeting_is_none(folder, tmp_path, monkeypatch, banner):
    """Wrappers and start-up files print; taken for a length it would be waited for, or asked of the memory."""
    (tmp_path / "sitecustomize.py").write_text(f"print({banner!r}, flush=True)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert answers(load(folder), job_of(folder), 2) == answers(load(folder), job_of(folder), 0)


def test_another_fenlei_answers_nothing(folder, monkeypatch):
    monkeypatch.setattr(fenlei, "__version__", "9.9")
    with Workers(job_of(folder), 1) as made:
        made.begin()
        assert not made.are_ready(wait_for_them=True)


@pytest.mark.parametrize("program", [None, "", "/nowhere/python"])
def test_a_python_that_cannot_be_begun(folder, monkeypatch, program):
    monkeypatch.setattr(sys, "executable", program)
    assert answers(load(folder), job_of(folder), 2) == answers(load(folder), job_of(folder), 0)


def test_a_frozen_program_is_not_begun_again(folder, monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was begun"))
    assert answers(load(folder), job_of(folder), 2) == answers(load(folder), job_of(folder), 0)


def test_without_threads_the_processes_are_ended(folder, remembered, monkeypatch):
    begin, submit = [], ThreadPoolExecutor.submit

    def refuse_the_second(self, *work):
        begin.append(self)
        if len(begin) == 2:
            raise RuntimeError("can't start new thread")
        return submit(self, *work)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", refuse_the_second)
    assert answers(load(folder), job_of(folder), 3) == answers(load(folder), job_of(folder), 0)
    assert [process.returncode is not None for process in remembered] == [True, True]


def test_a_bad_row_costs_no_more_than_in_one_process(folder, tmp_path):
    source = tmp_path / "in.jsonl"
    good = "".join(json.dumps({"text": f"{TEXTS[i % 6]} {i}"}) + "\n" for i in range(230))
    source.write_text(f"{good}oops\n", encoding="utf-8")
    kept = []
    for count in (0, 2):
        out = tmp_path / f"{count}.jsonl"
        with pytest.raises(DataError, match="row 231"):
            score(folder, source, out, window_rows=20, workers=count)
        kept.append(Path(f"{out}.partial").read_bytes())
    assert kept[0] == kept[1]
    assert len(kept[0].splitlines()) == 220


@pytest.mark.parametrize("count", [-1, 2.5, "2"])
def test_a_number_of_workers(folder, tmp_path, count):
    with pytest.raises(SettingError, match="workers must be"):
        score(folder, tmp_path / "in.txt", tmp_path / "out.jsonl", workers=count)


def test_a_replaced_model_answers_nothing(folder, tmp_path):
    model, job = load(folder), job_of(folder)
    other = save(TfidfClassifier().fit(TEXTS[:4], ["a", "a", "b", "b"]), tmp_path / "other")
    replaced = Job(str(other), job.digest, job.shown, job.packed)
    with Workers(replaced, 2) as made:
        made.begin()
        assert not made.are_ready(wait_for_them=True)
        assert made.n_lost == 2
    assert answers(model, replaced, 2) == answers(model, job, 0)


def test_a_folder_that_is_gone_is_a_lost_worker(folder, tmp_path):
    model, job = load(folder), job_of(folder)
    gone = Job(str(tmp_path / "gone"), job.digest, job.shown, job.packed)
    assert answers(model, gone, 1) == answers(model, job, 0)


def test_what_is_not_read_is_told_by_workers_too(tmp_path):
    pytest.importorskip("torch")
    from fenlei.models.textcnn import TextCnnClassifier

    settings = {"max_length": 4, "filters": 2, "widths": (1,), "dim": 4, "epochs": 1}
    folder = save(TextCnnClassifier(**settings).fit(["很好", "很差"], ["好评", "差评"]), tmp_path / "short")
    told = []
    for count in (0, 1):
        with counted() as unread:
            found = [rows for _, rows in answered(load(folder), job_of(folder), iter(WINDOWS), count)]
        told.append((str(unread), len(b"".join(found).splitlines())))
    assert told[0] == told[1]
    assert told[0][0].startswith("82 of 246 texts are longer")


def test_frames_are_whole_or_not_there():
    file = io.BytesIO()
    workers._write_frame(file, b"")
    workers._write_frame(file, "好".encode())
    data = file.getvalue()
    for end in range(len(data)):
        cut = io.BytesIO(data[:end])
        frames = [workers._read_frame(cut), workers._read_frame(cut)]
        assert frames == [b"" if end >= 8 else None, None]
    whole = io.BytesIO(data)
    assert [workers._read_frame(whole), workers._read_frame(whole)] == [b"", "好".encode()]


def test_an_error_ends_them(folder, tmp_path, remembered):
    def full(rows):
        if rows:
            raise OSError("the disk is full")

    source = tmp_path / "in.txt"
    source.write_text("".join(f"{text}\n" for window in WINDOWS[4:] for text in window), encoding="utf-8")
    with pytest.raises(OSError, match="full"):
        score(folder, source, tmp_path / "out.jsonl", window_rows=20, workers=2, advance=full)
    assert [process.returncode is not None for process in remembered] == [True, True]


_RUN = """
import sys
from fenlei.scoring.score import score
try:
    score(*sys.argv[1:4], window_rows=200, sync_every=0, workers=2, advance=lambda rows: print(rows, flush=True))
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's account of processes")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 0)])
def test_none_outlives_the_run_which_goes_on_later(folder, tmp_path, sent, code):
    source, out, whole = tmp_path / "in.txt", tmp_path / "out.jsonl", tmp_path / "whole.jsonl"
    source.write_text("".join(f"{TEXTS[i % 6]} {i}\n" for i in range(60_000)), encoding="utf-8")
    score(folder, source, whole, workers=0)
    command = [sys.executable, "-c", _RUN, str(folder), str(source), str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.stdout.readline() != "200\n":
            assert process.poll() is None
        children = children_of(process.pid)
        process.send_signal(sent)
        assert process.wait(20) == code
    assert len(children) == 2
    deadline = time.monotonic() + 20
    while any(runs(child) for child in children):
        assert time.monotonic() < deadline, "a worker outlives the run"
        time.sleep(0.05)
    scored = score(folder, source, out, window_rows=200, workers=2)
    assert 0 < scored.resumed < 60_000
    assert out.read_bytes() == whole.read_bytes()
    assert json.loads(out.read_bytes().splitlines()[-1])["label"] in {"好评", "差评", "一般"}


def children_of(pid):
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            facts = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(facts[1]) == pid:
            found.append(int(entry.parent.name))
    return found


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
