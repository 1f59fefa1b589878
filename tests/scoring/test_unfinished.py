"""The partial file and its journal, whatever a kill or a hand has made of them."""

from __future__ import annotations

import json
import os
from contextlib import suppress

import pytest

from fenlei.exceptions import DataError
from fenlei.scoring.unfinished import open_unfinished

JOB = {"model": "abc", "classes": 0}
TEXTS = ["好", "", "a\ud800b", "差" * 100]


class Killed(BaseException):
    """Ends a run without a chance to tidy up, as far as a test can."""


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out.jsonl"


def answer(texts):
    return b"".join(json.dumps(len(text)).encode() + b"\n" for text in texts)


def run(output, texts=TEXTS, *, stop=None, step=1, **options):
    """Answer texts, some at a time; raise Killed after `stop` of them."""
    with open_unfinished(output, options.pop("job", JOB), wait=0, **options) as unfinished:
        left = unfinished.skip(iter(texts), "texts.txt")
        while window := [text for _, text in zip(range(step), left, strict=False)]:
            if unfinished.done.rows == stop:
                raise Killed
            unfinished.append(window, answer(window))
        unfinished.finish()
    return unfinished


def interrupted(output, stop=2, **options):
    with pytest.raises(Killed):
        run(output, stop=stop, **options)


def partial(output):
    return output.with_name("out.jsonl.partial")


def journal(output):
    return output.with_name("out.jsonl.journal")


def names(output):
    return sorted(path.name for path in output.parent.iterdir())


@pytest.mark.parametrize("step", [1, 3, 10])
def test_a_whole_run(output, step):
    assert run(output, step=step).done.rows == 4
    assert output.read_bytes() == answer(TEXTS)
    assert names(output) == ["out.jsonl"]


@pytest.mark.parametrize("stop", [0, 1, 2, 3])
@pytest.mark.parametrize("more", [b"", b"half a ro", answer(TEXTS)])
def test_rows_that_the_journal_does_not_tell_of_are_cut_off(output, stop, more):
    interrupted(output, stop=stop)
    if stop:
        with partial(output).open("ab") as file:
            file.write(more)
    done = run(output)
    assert (done.found.rows, done.done.rows) == (stop, 4)
    assert output.read_bytes() == answer(TEXTS)
    assert names(output) == ["out.jsonl"]


def test_nothing_is_left_of_a_run_that_came_to_nothing(output):
    interrupted(output, stop=0)
    assert names(output) == []


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_kill_at_any_call_to_the_disk(output, monkeypatch, call):
    """After n calls all later ones fail, so nothing that would tidy up can."""
    for n in range(12):
        with monkeypatch.context() as patch:
            left = iter(range(n))
            owner, real = (os, os.fsync) if call == "fsync" else (type(output), type(output).replace)

            def count(*arguments, left=left, real=real):
                if next(left, None) is None:
                    raise Killed
                return real(*arguments)

            patch.setattr(owner, call, count)
            with suppress(Killed):
                run(output)
        assert not output.exists() or output.read_bytes() == answer(TEXTS)
        run(output)
        assert output.read_bytes() == answer(TEXTS)
        output.unlink()


def test_the_next_row_may_be_repaired_but_not_an_answered_one(output):
    interrupted(output)
    repaired = [*TEXTS[:2], "new", "rows", "more"]
    with pytest.raises(DataError, match=r"texts.txt: its first 2 texts are not those that out.jsonl.partial answers"):
        run(output, ["other", *TEXTS[1:]])
    with pytest.raises(DataError, match="first 2 texts"):
        run(output, TEXTS[:1])
    run(output, repaired)
    assert output.read_bytes() == answer(repaired)


def test_another_job_is_refused(output):
    interrupted(output)
    with pytest.raises(DataError, match=r"out.jsonl.partial: 2 rows were answered with another model; add --restart"):
        run(output, job={**JOB, "model": "other"})
    with pytest.raises(DataError, match="another classes"):
        run(output, job={**JOB, "classes": 1})
    assert run(output).found.rows == 2


def test_restart_throws_away_what_is_there(output):
    interrupted(output)
    assert run(output, job={"model": "other"}, restart=True).found.rows == 0
    assert output.read_bytes() == answer(TEXTS)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda output: os.truncate(partial(output), 1), r"is cut short: 1 of 4 bytes are there"),
        (lambda output: partial(output).write_bytes(b"1\n9\n"), "was changed after it was written"),
        (lambda output: journal(output).unlink(), "it has no journal"),
        (lambda output: journal(output).write_bytes(b"{"), "its journal is damaged"),
        (lambda output: journal(output).write_bytes(b"[]"), "its journal is damaged"),
        (lambda output: journal(output).write_bytes(b'{"job": {}, "done": {"rows": 1}}'), "its journal is damaged"),
        (lambda output: journal(output).write_bytes(b"\xff\xfe"), "its journal is damaged"),
    ],
)
def test_damage_is_told_and_nothing_is_overwritten(output, damage, message):
    interrupted(output)
    damage(output)
    before = partial(output).read_bytes()
    with pytest.raises(DataError, match=message):
        run(output)
    assert partial(output).read_bytes() == before
    run(output, restart=True)
    assert output.read_bytes() == answer(TEXTS)


def test_a_foreign_file_is_not_overwritten(output):
    partial(output).write_text("mine")
    with pytest.raises(DataError, match="was not left by an interrupted run"):
        run(output)
    assert partial(output).read_text() == "mine"


def test_a_partial_file_that_was_taken_away(output):
    interrupted(output)
    partial(output).unlink()
    assert run(output).found.rows == 0
    assert output.read_bytes() == answer(TEXTS)


def test_two_runs_into_one_file(output):
    with open_unfinished(output, JOB) as unfinished:
        unfinished.append(["a"], b"1\n")
        with pytest.raises(DataError, match=r"out.jsonl: another run is writing it"):
            run(output)
        unfinished.finish()
    assert output.read_bytes() == b"1\n"


def test_what_is_told(output):
    told = []
    interrupted(output, message=told.append)
    run(output, message=told.append)
    assert [line.split(" that ")[0].split(" in ")[0] for line in told] == [
        "2 rows are kept",
        "goes on after the 2 rows",
    ]


def test_a_place_that_cannot_be_written(output):
    partial(output).mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        run(output)
