"""The checkpoints of a training that has not ended, in a folder beside that of its model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fenlei._processes import is_first_process
from fenlei.engine.checkpoints import remove_checkpoints
from fenlei.engine.recipe import Run
from fenlei.exceptions import SettingError
from fenlei.manifest import MANIFEST
from fenlei.persistence import refuse_inside_model

FITS = ("fit", "fit on all")


def unfinished_folder(out: str | Path) -> Path:
    """Folder of the checkpoints while the model for `out` is trained.

    Examples
    --------
    >>> unfinished_folder("models/reviews").as_posix()
    'models/reviews.training'
    """
    return Path(out).with_name(f"{Path(out).name}.training")


def check_resumable(out: Path | None) -> None:
    """Refuse to resume what has ended; what has left no checkpoint yet begins anew.

    Raises
    ------
    SettingError
    """
    if out is None:
        raise SettingError("to resume, the folder of the model must be given")
    if (out / MANIFEST).exists() and not unfinished_folder(out).exists():
        raise SettingError(f"{out}: its training has ended, there is nothing to resume; leave resume out to train anew")


def check_logs(out: Path | None, logs: Path | None) -> None:
    """Refuse logs that would come to lie in a model folder, `out` or another, which they would spoil.

    Raises
    ------
    SettingError, ModelFolderError
    """
    for place in [] if logs is None else [logs.resolve() / _name(fit) for fit in FITS]:
        if out is not None and out.resolve() in (place, *place.parents):
            raise SettingError(f"{logs}: logs there would lie in {out}, the folder of the model; give another for them")
        refuse_inside_model(place)


class Unfinished:
    """Where the fits of a training leave their checkpoints.

    Parameters
    ----------
    out : Path or None
        Folder of the model; None leaves no checkpoints.
    run : Run
        Whether to resume, and whom to tell.
    """

    def __init__(self, out: Path | None, run: Run) -> None:
        self.folder = None if out is None else unfinished_folder(out)
        self.run = run

    def run_of(self, fit: str, message: Callable[[str], None]) -> Run:
        """Say where one of the fits leaves its traces; without resuming, older ones are removed.

        Those of the later fits go too: left by an older training, they would stop the resuming of this one.
        """
        name = _name(fit)
        checkpoints = None if self.folder is None else self.folder / name
        if self.folder is not None and not self.run.resume and is_first_process():
            for later in FITS[FITS.index(fit) :]:
                remove_checkpoints(self.folder / _name(later))
        logs = None if self.run.tensorboard is None else self.run.tensorboard / name
        return replace(self.run, checkpoints=checkpoints, tensorboard=logs, message=message)

    def remove(self) -> None:
        """Remove the checkpoints, when the model is saved."""
        if self.folder is None or not is_first_process():
            return
        for fit in FITS:
            remove_checkpoints(self.folder / _name(fit))
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def _name(fit: str) -> str:
    return fit.replace(" ", "-")
