"""Score a file of any size: read, label and write it window by window, and go on where a killed run was."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import fenlei
from fenlei._unread import counted
from fenlei.data.files import Notes, is_packed
from fenlei.data.readers import stream
from fenlei.exceptions import DataError, SettingError
from fenlei.persistence import FilePath, load_with_digest
from fenlei.scoring.outputs import check_output
from fenlei.scoring.unfinished import open_unfinished
from fenlei.scoring.windows import WINDOW_ROWS, windows
from fenlei.scoring.workers import Job, answered


@dataclass(frozen=True)
class Scored:
    """What `score` has done.

    Attributes
    ----------
    output : str
        The file.
    rows : int
        Rows in it.
    resumed : int
        How many of them an earlier run had answered.
    seconds : float
        Time that this run took, from the first row read to the file in its place.
    """

    output: str
    rows: int
    resumed: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON values, with ``rows_per_second`` of this run."""
        fresh = self.rows - self.resumed
        return asdict(self) | {"rows_per_second": fresh / self.seconds if self.seconds else 0.0}


def score(
    model: FilePath,
    source: FilePath,
    output: FilePath,
    *,
    shown: int | None = 0,
    restart: bool = False,
    workers: int | None = None,
    window_rows: int = WINDOW_ROWS,
    sync_every: float = 1.0,
    advance: Callable[[int], None] = lambda rows: None,
    message: Callable[[str], None] = lambda text: None,
    **columns: Any,
) -> Scored:
    r"""Label every text of a file into a jsonl file, a row for each, in the same order.

    Killed at any moment and called again, it goes on behind the rows that are on the disk.

    Parameters
    ----------
    model : str or path
        Folder of the model.
    source : str or path
        What `fenlei.data.readers.stream` takes; labels in it are ignored.
    output : str or path
        ``*.jsonl``, or ``*.jsonl.gz`` to compress it. It takes its place when it is whole; where a symbolic link
        leads, if it is one.
    shown : int or None, default=0
        How many of the likeliest classes a row tells in ``scores``; None for all.
    restart : bool, default=False
        Throw away what an interrupted run left, and begin anew.
    workers : int or None, default=None
        Processes that score, beside the one that reads and writes; 0 scores in that one. None begins one a core, at
        most 4, behind the first 8 windows, for models that leave cores idle in one process: linear ones and folded.
    window_rows : int, default=16_384
        Texts that are sorted by length and scored together; long ones make smaller windows.
    sync_every : float, default=1.0
        Seconds after which the rows are synced to the disk, at the end of a window.
    advance : callable
        Told how many rows are answered: first those of an earlier run, then each window's.
    message : callable
        Told what the user should know of an interrupted run, of the encoding of the file, of texts that the model reads
        only in part, and of processes that were lost.
    **columns
        ``text``, ``encoding``, ``format`` and ``delimiter`` of `fenlei.data.readers.stream`.

    Returns
    -------
    Scored

    Raises
    ------
    DataError
        When a row cannot be read, with its number, the rows before it being kept; when `output` cannot be written; when
        model, input or options are not those that the interrupted run had.
    ModelFolderError
        When the model cannot be loaded.
    SettingError
        When `workers` is no number of processes.

    Examples
    --------
    >>> import tempfile
    >>> from fenlei import TfidfClassifier, save
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "texts.txt").write_text("很好看\n太差\n", encoding="utf-8")
    >>> model = TfidfClassifier().fit(["很好", "好看", "很差", "难看"], ["good", "good", "bad", "bad"])
    >>> score(save(model, folder / "model"), folder / "texts.txt", folder / "answers.jsonl").rows
    2
    >>> print((folder / "answers.jsonl").read_text(encoding="utf-8"))  # doctest: +ELLIPSIS
    {"label": "good", "score": 0...}
    {"label": "bad", "score": 0...}
    <BLANKLINE>
    """
    name = os.fspath(output)
    check_output(name, os.fspath(source))
    if workers is not None and (not isinstance(workers, int) or workers < 0):
        raise SettingError(f"workers must be None or a whole number from 0 on; got {workers!r}")
    path = _resumable(name)
    texts = (record.text for record in stream(source, label="", notes=Notes(message=message), **columns))
    classifier, digest = load_with_digest(model)
    n_shown = len(classifier.classes_) if shown is None else shown
    task = Job(os.fspath(model), digest, n_shown, is_packed(name))
    facts = {"model": digest, "version of fenlei": fenlei.__version__, "choice of classes": n_shown}
    start = time.perf_counter()
    opened = open_unfinished(path, facts, restart=restart, wait=sync_every, message=message)
    with opened as unfinished, counted() as unread:
        advance(unfinished.found.rows)
        parts = _read_ahead(windows(unfinished.skip(texts, os.fspath(source)), rows=window_rows))
        with closing(answered(classifier, task, parts, workers, message=message)) as answers:
            for window, rows in answers:
                unfinished.append(window, rows)
                advance(len(window))
        unfinished.finish()
    if unread.n_texts:
        message(str(unread))
    return Scored(name, unfinished.done.rows, unfinished.found.rows, time.perf_counter() - start)


def _resumable(output: str) -> Path:
    """Give the file that is to be written, which must be one that a killed run can go on with."""
    path = Path(os.path.realpath(output))
    if path.exists() and not path.is_file():
        raise DataError("is no file that a killed run could go on with; use fenlei predict for it", source=output)
    return path


def _read_ahead(parts: Iterator[list[str]]) -> Iterator[list[str]]:
    """Read the next window while this one is scored, in compiled code that lets another thread run.

    The first one is read here: it may wait for all of standard input, and an interrupt reaches only the main thread.
    """
    part = next(parts, None)
    with ThreadPoolExecutor(1) as pool:
        while part is not None:
            waiting = pool.submit(next, parts, None)
            yield part
            part = waiting.result()
