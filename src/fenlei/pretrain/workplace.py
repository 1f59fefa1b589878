"""Where a pretraining keeps what it must not lose: the corpus as numbers, the plan, what was measured, checkpoints."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fenlei._atomic import atomic_file, clean_up, is_unfinished
from fenlei._strict_json import dump, parse
from fenlei.exceptions import DataError, ModelFolderError, SettingError
from fenlei.pretrain.corpus import CORPUS_FILES, has_corpus

_SPOOL = "texts.jsonl"
_SETTINGS, _PLAN, _HISTORY, _TOKENIZER, _CHECKPOINTS = (
    "settings.json", "plan.json", "history.json", "tokenizer.json", "checkpoints",
)  # fmt: skip
_OWN = frozenset((_SETTINGS, _PLAN, _HISTORY, _TOKENIZER, _CHECKPOINTS, _SPOOL, *CORPUS_FILES))


class Workplace:
    """A folder beside that of the result, ``NAME.pretraining``, which is removed when the result is written.

    Parameters
    ----------
    out : Path
        Folder of the result.

    Examples
    --------
    >>> Workplace(Path("encoders/news")).folder.as_posix()
    'encoders/news.pretraining'
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out.with_name(f"{out.name}.pretraining")

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.folder / _CHECKPOINTS

    @property
    def spool(self) -> Path:
        """File of the texts, until they are numbers."""
        return self.folder / _SPOOL

    @property
    def has_checkpoints(self) -> bool:
        """Whether there is something to go on from."""
        return self.checkpoints.is_dir() and any(self.checkpoints.glob("step-*"))

    def enter(self, settings: Mapping[str, Any], *, resume: bool) -> bool:
        """Make the folder, or find it as an interrupted run has left it.

        Returns
        -------
        bool
            Whether an interrupted run is gone on with.

        Raises
        ------
        SettingError
            When there is a result already, an interrupted run that this would overwrite or does not fit, or a folder
            of this name that holds other files: it would be removed with them.
        DataError
            When no folder can be made there.
        """
        self._check_free(resume=resume)
        self._check_own()
        if resume and (self.folder / _SETTINGS).is_file():
            self._check_same(settings)
            return True
        if self.has_checkpoints or has_corpus(self.folder):
            raise SettingError(
                f"{self.folder} holds an interrupted pretraining; add --resume (resume=True) to go on with it, or "
                "remove the folder to begin anew"
            )
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.folder.mkdir()
        except OSError as error:
            raise DataError(f"no folder can be made here: {error.strerror}", source=str(self.folder)) from error
        self._write(_SETTINGS, dict(settings))
        return False

    def steps(self) -> int | None:
        """Recall how many steps were planned."""
        path = self.folder / _PLAN
        return int(self._read(_PLAN)["steps"]) if path.is_file() else None

    def plan(self, steps: int) -> None:
        """Write down how many steps there will be."""
        self._write(_PLAN, {"steps": steps})

    def history(self) -> list[dict[str, float]]:
        """Recall what was measured."""
        found = self._read(_HISTORY) if (self.folder / _HISTORY).is_file() else []
        return list(found)

    def remember(self, history: list[dict[str, float]]) -> None:
        """Write down what was measured."""
        self._write(_HISTORY, history)

    def tokenizer(self) -> bytes:
        """Recall the tokenizer that was trained."""
        try:
            return (self.folder / _TOKENIZER).read_bytes()
        except OSError as error:
            raise self._damaged(_TOKENIZER, error) from error

    def keep_tokenizer(self, data: bytes) -> None:
        """Write down the tokenizer."""
        with atomic_file(self.folder / _TOKENIZER) as file:
            file.write(data)

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _check_free(self, *, resume: bool) -> None:
        parent = self.out.parent
        if not parent.is_dir():
            raise DataError("the folder that it should be in does not exist", source=str(self.out))
        clean_up(self.out)
        if self.out.is_dir() and not any(self.out.iterdir()):
            return
        if self.out.exists() or self.out.is_symlink():
            ended = "its pretraining has ended, there is nothing to resume" if resume else "is there already"
            raise SettingError(f"{self.out}: {ended}; give another --out, or remove it")

    def _check_own(self) -> None:
        """Refuse a folder with files that no pretraining has written."""
        if not self.folder.is_dir():
            return
        names = sorted(path.name for path in self.folder.iterdir() if not is_unfinished(path.name))
        own = _OWN if _SETTINGS in names else ()
        foreign = next((name for name in names if name not in own), None)
        if foreign is not None:
            raise SettingError(
                f"{self.folder}: holds {foreign!r}, which no pretraining wrote and which would be removed with the "
                "folder; move it away, or give another --out"
            )

    def _check_same(self, settings: Mapping[str, Any]) -> None:
        before = self._read(_SETTINGS)
        for name, value in json.loads(dump(dict(settings))).items():
            if before.get(name) != value:
                raise SettingError(
                    f"{self.folder}: was begun with {name}={before.get(name)!r}, not {value!r}; give the same settings "
                    "to resume it, or remove the folder to begin anew"
                )

    def _write(self, name: str, value: Any) -> None:
        with atomic_file(self.folder / name) as file:
            file.write(dump(value))

    def _read(self, name: str) -> Any:
        try:
            return parse((self.folder / name).read_bytes(), name)
        except (OSError, ModelFolderError) as error:
            raise self._damaged(name, error) from error

    def _damaged(self, name: str, error: Exception) -> DataError:
        return DataError(f"{name} cannot be read ({error}); remove the folder and begin anew", source=str(self.folder))
