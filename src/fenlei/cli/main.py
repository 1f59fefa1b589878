"""The command ``fenlei``: its subcommands, imported when they run, and what becomes of errors."""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NoReturn, TextIO

import click

from fenlei import __version__
from fenlei._memory import is_out_of_memory
from fenlei.cli._common import one_line
from fenlei.exceptions import FenleiError

COMMANDS = {  # in the order of work; the module of each is fenlei.cli.NAME, its function NAME_command
    "demo": "The whole road on real data, in minutes.",
    "audit": "What is wrong with my data?",
    "vectors": "Train word vectors on a corpus.",
    "nearest": "Which words are alike?",
    "analogy": "A is to B as C is to what?",
    "pretrain": "Pretrain a language model on a corpus.",
    "train": "Train a model on labelled texts.",
    "predict": "Label texts with a model.",
    "score": "Label a file of any size; a killed run goes on.",
    "evaluate": "How good is a model on labelled texts?",
    "explain": "Why did a text get its label?",
    "compress": "Make a trained model smaller or faster.",
    "export": "Write a network in a form that other programs run.",
    "monitor": "Has the world changed since training?",
    "serve": "Models as a service over HTTP.",
    "models": "The model families and their settings.",
    "info": "What is in a model folder?",
    "datasets": "The public data sets that have a name.",
    "encoders": "The pretrained encoders that are at hand.",
}
_FAILED, _MISUSED, _INTERRUPTED = 1, 2, 130


class _Commands(click.Group):
    """A group that knows its commands by name, and imports the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"fenlei.cli.{cmd_name}"), f"{cmd_name}_command")
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS, n=1)
            guess = f"did you mean {near[0]!r}? " if near else ""
            ctx.fail(f"no such command {args[0]!r}; {guess}known: {', '.join(COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    "fenlei",
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="fenlei %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Text classification, from a labelled file to a model in use; Chinese first, English as good."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0, 2 for a mistake of the user, 1 for trouble, 130 if interrupted."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service that is stopped cleans up too
    sys.stdout, sys.stderr = sys.stdout or _nowhere(), sys.stderr or _nowhere()  # a service may have them closed
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # whatever the terminal cannot show is written as an escape
            stream.reconfigure(errors="backslashreplace")
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = cli.main(arguments, prog_name="fenlei", standalone_mode=False)
        sys.stdout.flush()
    except click.UsageError as error:
        return _misused(error)
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted")
        return _INTERRUPTED
    except FenleiError as error:
        _say(f"error: {error}")
        return _MISUSED
    except Exception as error:  # noqa: BLE001  (the last resort of a program)
        return _failed(error)
    return code if isinstance(code, int) else 0


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123  (to the end of the process)


def _misused(error: click.UsageError) -> int:
    _say(f"error: {error.format_message()}")
    if error.ctx is not None:
        click.echo(f"Try: {error.ctx.command_path} --help", err=True)
    return _MISUSED


def _failed(error: Exception) -> int:
    """Tell of what is not the user's mistake: the machine's state, or a defect of ours."""
    if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.EINVAL) and _is_closed(sys.stdout):
        return _FAILED
    if os.environ.get("FENLEI_DEBUG"):
        traceback.print_exception(error)
    elif is_out_of_memory(error):
        _say("error: out of memory; free some, or give the work in smaller parts")
    elif isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        _say(f"error: {place}{error.strerror or error}")
    else:
        _say(
            f"error: unexpected {type(error).__name__}: {error}; this is a defect of fenlei, "
            "please report it with what FENLEI_DEBUG=1 before the same command prints"
        )
    return _FAILED


def _is_closed(stream: TextIO) -> bool:
    """Whether the reader of a pipe is gone; if so, Python must not try to flush to it once more."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return True
    return False


def _say(message: str) -> None:
    click.echo(f"fenlei: {one_line(message)}", err=True)
