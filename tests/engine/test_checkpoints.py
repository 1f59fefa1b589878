"""A checkpoint is whole, or the one before is taken."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fenlei.engine.checkpoints import Checkpoint, read_newest, remove_checkpoints, write_checkpoint
from fenlei.exceptions import ModelFolderError

STATE = {"step": 3, "loss": 0.1 + 0.2, "best": float("inf"), "text": "好"}


def checkpoint(step: int) -> Checkpoint:
    return Checkpoint(STATE | {"step": step}, {"weights": bytes(range(200)), "optimizer": b"\0" * step})


@pytest.fixture
def two(tmp_path):
    for step in (1, 2):
        write_checkpoint(tmp_path, step, checkpoint(step))
    return tmp_path


def test_what_is_written_is_read(tmp_path):
    write_checkpoint(tmp_path / "deep" / "folder", 7, checkpoint(7))
    found, damaged = read_newest(tmp_path / "deep" / "folder")
    assert found == checkpoint(7)
    assert damaged == []


def test_the_newest_two_are_kept_by_number_not_by_name(tmp_path):
    for step in (9, 10, 100, 99):
        write_checkpoint(tmp_path, step, checkpoint(step))
    assert sorted(place.name for place in tmp_path.iterdir()) == ["step-0000000099", "step-0000000100"]
    assert read_newest(tmp_path)[0].state["step"] == 100


def test_none_at_all(tmp_path):
    assert read_newest(tmp_path) == (None, [])
    assert read_newest(tmp_path / "missing") == (None, [])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.data())
def test_any_flipped_byte_or_cut_falls_back_to_the_one_before(two, data):
    newest = two / "step-0000000002"
    name = data.draw(st.sampled_from(sorted(path.name for path in newest.iterdir())))
    place = newest / name
    before = place.read_bytes()
    at = data.draw(st.integers(0, max(0, len(before) - 1)))
    if data.draw(st.booleans()) and before:
        flip = data.draw(st.integers(1, 255))
        place.write_bytes(before[:at] + bytes([before[at] ^ flip]) + before[at + 1 :])
    else:
        place.write_bytes(before[:at])
    try:
        found, damaged = read_newest(two)
        changed = place.read_bytes() != before
        assert found == checkpoint(1 if changed else 2)
        assert len(damaged) == changed
        assert not damaged or "step-0000000002" in damaged[0]
    finally:
        place.write_bytes(before)


@pytest.mark.parametrize("name", ["hashes.json", "state.json", "weights.safetensors"])
def test_a_missing_file_falls_back(two, name):
    (two / "step-0000000002" / name).unlink()
    assert read_newest(two)[0].state["step"] == 1


@pytest.mark.parametrize("content", ["[]", "null", "1", '{"state.json": 3}', "{}", '{"../x": "0"}', "[" * 100_000])
def test_hashes_that_are_something_else_fall_back(two, content):
    (two / "step-0000000002" / "hashes.json").write_text(content)
    assert read_newest(two)[0].state["step"] == 1


def test_all_damaged_is_an_error_that_says_what_to_do(two):
    for place in two.iterdir():
        (place / "state.json").write_bytes(b"")
    with pytest.raises(ModelFolderError, match="no checkpoint is sound; remove the folder"):
        read_newest(two)


def test_files_that_are_no_checkpoints_are_left_alone(two):
    (two / "notes.txt").write_text("mine")
    (two / "step-3").mkdir()
    assert read_newest(two)[0].state["step"] == 2
    remove_checkpoints(two)
    assert sorted(path.name for path in two.iterdir()) == ["notes.txt", "step-3"]


def test_removing_removes_the_folder(two):
    (two / ".step-0000000003.00000000.new").mkdir()
    remove_checkpoints(two)
    assert not two.exists()
    remove_checkpoints(two)


def test_leftovers_of_killed_writers_are_removed_or_put_back(two):
    (two / ".step-0000000003.0123abcd.new").mkdir()
    (two / "step-0000000002").rename(two / ".step-0000000002.0123abcd.old")
    write_checkpoint(two, 4, checkpoint(4))
    assert sorted(path.name for path in two.iterdir()) == ["step-0000000002", "step-0000000004"]


def test_a_full_disk_leaves_the_checkpoints_that_are_there(two, monkeypatch):
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("fenlei._atomic.os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_checkpoint(two, 3, checkpoint(3))
    assert sorted(path.name for path in two.iterdir()) == ["step-0000000001", "step-0000000002"]
    assert read_newest(two) == (checkpoint(2), [])


def run_program(body: str, *arguments: object) -> subprocess.Popen[str]:
    program = textwrap.dedent(body)
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no limit of file sizes on this system")
def test_a_file_that_the_system_cuts_short_is_no_checkpoint(two):
    """The limit of file sizes gives what a full disk gives: a file that ends in the middle, and an error."""
    body = """
        import resource, signal, sys
        from pathlib import Path
        from fenlei.engine.checkpoints import Checkpoint, write_checkpoint
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            write_checkpoint(Path(sys.argv[1]), 3, Checkpoint({}, {"weights": b"x" * 1_000_000}))
        except OSError as error:
            print(type(error).__name__)
    """
    assert run_program(body, two).communicate()[0].strip() == "OSError"
    assert sorted(path.name for path in two.iterdir()) == ["step-0000000001", "step-0000000002"]


def test_a_kill_while_writing_leaves_a_sound_one(tmp_path):
    body = """
        import sys
        from pathlib import Path
        from fenlei.engine.checkpoints import Checkpoint, write_checkpoint
        for step in range(1, 1_000_000):
            tensors = {"weights": bytes([step % 256]) * 300_000}
            write_checkpoint(Path(sys.argv[1]), step, Checkpoint({"step": step}, tensors))
            print(step, flush=True)
    """
    last = 0
    for kill_after in (2, 3, 7):
        writer = run_program(body, tmp_path)
        for _ in range(kill_after):
            last = int(writer.stdout.readline())
        writer.kill()
        writer.communicate()
        found, damaged = read_newest(tmp_path)
        assert found.state["step"] >= min(last, 2)
        assert damaged == []
        assert found.tensors["weights"] == bytes([found.state["step"] % 256]) * 300_000
        remove_checkpoints(tmp_path)
        Path(tmp_path).mkdir(exist_ok=True)
