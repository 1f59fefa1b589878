"""How far a training is: a bar where there is a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import click

from fenlei._processes import is_first_process
from fenlei.cli._common import one_line
from fenlei.engine.recipe import Progress

_SECONDS = 30.0  # between lines


class Tellers(NamedTuple):
    """Whom to tell of the steps of the whole work, and of those of a network's training."""

    tell: Callable[[str], None]
    advance: Callable[[Progress], None]


def tell_message(message: str) -> None:
    """Print what the user should know on standard error, above the bar if there is one."""
    if is_first_process():
        click.echo(f"fenlei: {one_line(message)}", err=True)


@contextmanager
def training_status() -> Iterator[Tellers]:
    """Show on standard error what is being done, and of networks epoch, loss and time left."""
    if not is_first_process():
        yield Tellers(lambda step: None, lambda progress: None)
    elif sys.stderr.isatty():
        with _bar() as tellers:
            yield tellers
    else:
        yield _lines()


def describe(progress: Progress) -> str:
    """Write how far a training is.

    Examples
    --------
    >>> describe(Progress(epoch=2, epochs=10, step=30, steps=200, loss=0.4567, seconds_left=63.9))
    'epoch 2/10, loss 0.457, 0:01:03 left'
    """
    left = timedelta(seconds=int(progress.seconds_left))
    if progress.before:
        return f"{progress.before}, {progress.step:,}/{progress.steps:,}, {left} left"
    return f"epoch {progress.epoch}/{progress.epochs}, loss {progress.loss:.3f}, {left} left"


@contextmanager
def _bar() -> Iterator[Tellers]:
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[far]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None, far="")

        def tell(step: str) -> None:
            bar.reset(task, total=None, description=one_line(step), far="")

        def advance(progress: Progress) -> None:
            bar.update(task, total=progress.steps, completed=progress.step, far=describe(progress))

        yield Tellers(tell, advance)


def _lines() -> Tellers:
    last = [time.monotonic()]

    def advance(progress: Progress) -> None:
        if time.monotonic() - last[0] >= _SECONDS:
            last[0] = time.monotonic()
            tell_message(describe(progress))

    return Tellers(lambda step: None, advance)
