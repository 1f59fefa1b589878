"""An output file that grows beside its place, and a journal by which a killed run is gone on with.

While ``answers.jsonl`` is made, its rows are in ``answers.jsonl.partial``; ``answers.jsonl.journal`` says how many of
them are surely on the disk, which texts they answer and by which model. The rows are synced before the journal tells of
them, and the journal is replaced at once, so it is never ahead of the file; what the file has beyond it is cut off when
the run goes on. At the end the partial file is renamed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from fenlei._atomic import sync_folder
from fenlei._strict_json import dump, parse
from fenlei.exceptions import DataError, ModelFolderError
from fenlei.scoring.digest import Digest

try:
    import fcntl
except ImportError:  # Windows has no such locks: two runs into one file are then not told apart
    fcntl = None  # type: ignore[assignment]

_HAS_LOCKS = fcntl is not None
_BLOCK = 1 << 20
_AGAIN = "add --restart (restart=True) to begin anew, or choose another output"


@dataclass(frozen=True)
class Done:
    """How far a run has come.

    Attributes
    ----------
    rows, size : int
        Rows answered, and the bytes they take in the partial file.
    texts, answers : str
        Digests of the texts and of those bytes.
    """

    rows: int
    size: int
    texts: str
    answers: str


class UnfinishedOutput:
    """The partial file and its journal; `open_unfinished` makes it.

    Attributes
    ----------
    found : Done
        What the last run left, or nothing.
    done : Done
        How far this run has come.
    """

    def __init__(self, output: Path, file: BinaryIO, job: Mapping[str, Any], *, wait: float) -> None:
        self._output, self._file, self._job, self._wait = output, file, dict(job), wait
        self._texts, self._answers = Digest(), Digest()
        self._synced = time.monotonic()
        self.found = self.done = Done(0, 0, str(self._texts), str(self._answers))

    def resume(self) -> None:
        """Go to where the last run came, or to the beginning.

        Raises
        ------
        DataError
            When what is there is not what a run of the same job left.
        """
        left = self._read_journal()
        if left is not None:
            self._check_answers(left)
            self.found = self.done = left
        self._file.truncate(self.done.size)
        self._file.seek(self.done.size)

    def skip(self, texts: Iterator[str], source: str) -> Iterator[str]:
        """Read over the texts that are answered, and check that they are the same ones; give the others.

        Raises
        ------
        DataError
        """
        self._texts.add_texts(islice(texts, self.found.rows))
        if str(self._texts) != self.found.texts:
            answered = f"{self.found.rows:,} texts are not those that {_partial(self._output).name} answers"
            raise DataError(f"its first {answered}; {_AGAIN}", source=source)
        return texts

    def append(self, texts: list[str], rows: bytes) -> None:
        """Add the rows that answer the texts; now and then all of them are synced to the disk."""
        if not self.done.size:
            self._sync()  # a partial file with a row in it always has a journal
        self._file.write(rows)
        self._texts.add_texts(texts)
        self._answers.add(rows)
        before = self.done
        self.done = Done(before.rows + len(texts), before.size + len(rows), str(self._texts), str(self._answers))
        if time.monotonic() - self._synced >= self._wait:
            self._sync()

    def keep(self) -> int:
        """Sync what is there, when an error or the user ends the run; give the number of rows."""
        with suppress(OSError):  # a full disk, of which the error tells already
            if self.done.rows and not self._file.closed:
                self._sync()
        return self.done.rows

    def finish(self) -> None:
        """Put the file in its place."""
        self._sync()
        self._file.close()
        _partial(self._output).replace(self._output)
        sync_folder(self._output.parent)
        _journal(self._output).unlink()

    def _sync(self) -> None:
        """Sync the rows, then the journal; rows beyond `done` may be in the file, and the journal is silent of them."""
        self._file.flush()
        os.fsync(self._file.fileno())
        journal = _journal(self._output)
        new = journal.with_name(f"{journal.name}.new")  # always the same, so that a killed run leaves only one
        with new.open("wb") as file:
            file.write(dump({"job": self._job, "done": asdict(self.done)}, indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(journal)
        self._synced = time.monotonic()

    def _read_journal(self) -> Done | None:
        """Read how far a run of the same job came; None when there was none."""
        size = os.fstat(self._file.fileno()).st_size
        try:
            found = parse(_journal(self._output).read_bytes(), _journal(self._output).name)
            job, done = found["job"], Done(**found["done"])
        except FileNotFoundError:
            if size:
                raise self._refusal("was not left by an interrupted run: it has no journal") from None
            return None
        except (ModelFolderError, KeyError, TypeError) as error:
            raise self._refusal("its journal is damaged") from error
        if not size:  # killed before the first row, or the file was taken away
            return None
        for name, value in self._job.items():
            if job.get(name) != value:
                raise self._refusal(f"{done.rows:,} rows were answered with another {name}")
        return done

    def _check_answers(self, done: Done) -> None:
        left = done.size
        while left and (block := self._file.read(min(left, _BLOCK))):
            self._answers.add(block)
            left -= len(block)
        if left:
            raise self._refusal(f"is cut short: {done.size - left:,} of {done.size:,} bytes are there")
        if str(self._answers) != done.answers:
            raise self._refusal("was changed after it was written")

    def _refusal(self, reason: str) -> DataError:
        return DataError(f"{reason}; {_AGAIN}", source=str(_partial(self._output)))


@contextmanager
def open_unfinished(
    output: Path,
    job: Mapping[str, Any],
    *,
    restart: bool = False,
    wait: float = 1.0,
    message: Callable[[str], None] = lambda text: None,
) -> Iterator[UnfinishedOutput]:
    """Begin the output of a job, or find what an interrupted run of it left.

    Parameters
    ----------
    output : Path
        The file that there will be.
    job : mapping of str to JSON values
        What the answers depend on besides the texts: name and value; a run of another job is not gone on with.
    restart : bool, default=False
        Throw away what an interrupted run left.
    wait : float, default=1.0
        Seconds between two syncs, which is what a kill can cost beside the rows at work.
    message : callable
        Told from where a run goes on, and what it leaves when it ends early.

    Raises
    ------
    DataError
        When another run writes the same file, or what is there is not what a run of this job left.
    """
    with _open(_partial(output)) as file:
        _hold(file, output)
        if restart:
            file.truncate(0)
            _journal(output).unlink(missing_ok=True)
        unfinished = UnfinishedOutput(output, file, job, wait=wait)
        try:
            unfinished.resume()
            if rows := unfinished.found.rows:
                message(f"goes on after the {rows:,} rows that an interrupted run left")
            yield unfinished
        except BaseException:  # Ctrl-C too
            if rows := unfinished.keep():
                message(f"{rows:,} rows are kept in {_partial(output)}; the same command goes on after them")
            raise
        finally:
            _remove_empty(output)


def _open(path: Path) -> BinaryIO:
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b")
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror or error}", source=str(path)) from error


def _hold(file: BinaryIO, output: Path) -> None:
    """Keep other runs away from the file; the system lets go when we are killed."""
    if not _HAS_LOCKS:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DataError("another run is writing it; wait for its end", source=str(output)) from error
    except OSError:  # a disk without locks
        return


def _remove_empty(output: Path) -> None:
    """Leave no traces of a run that came to nothing."""
    with suppress(OSError):
        if not _partial(output).stat().st_size:
            _partial(output).unlink()
            _journal(output).unlink(missing_ok=True)


def _partial(output: Path) -> Path:
    return output.with_name(f"{output.name}.partial")


def _journal(output: Path) -> Path:
    return output.with_name(f"{output.name}.journal")
