"""Which pretrained encoders are at hand, and how the others are had."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fenlei.encoders.caches import modelscope_snapshots, snapshots
from fenlei.encoders.config import FILE, read_settings
from fenlei.encoders.files import CARD, size
from fenlei.encoders.find import MODELSCOPE
from fenlei.encoders.packaged import INSTALL, PACKAGED, PackagedEncoder
from fenlei.exceptions import ModelFolderError

_LICENCE = re.compile(r"^licen[sc]e:\s*(\S+)\s*$", re.MULTILINE)
_HEAD = 4000  # characters of a card, where its settings stand


@dataclass(frozen=True)
class EncoderFacts:
    """What is known of an encoder without loading it.

    Attributes
    ----------
    name : str
        As `find_encoder` takes it.
    origin : str
        Where it comes from.
    languages : tuple of str
        "zh", "en"; empty when its files do not tell.
    licence : str
        "" when its files do not tell.
    network : str
        Type of the network, such as "bert"; "" when it is not at hand.
    folder : str
        Where it is; "" when it is not at hand.
    size : int
        Bytes of its files; 0 when it is not at hand.
    how : str
        What is left to do before it can be used; "" when nothing is.
    """

    name: str
    origin: str
    languages: tuple[str, ...]
    licence: str
    network: str
    folder: str
    size: int
    how: str


def list_encoders() -> list[EncoderFacts]:
    """List the packaged encoders, then those in the caches of the Hugging Face Hub and of ModelScope.

    Examples
    --------
    >>> [one.name for one in list_encoders()][:2]
    ['e5-small', 'minilm']
    """
    return [*map(_packaged, PACKAGED.values()), *_cached()]


def _packaged(one: PackagedEncoder) -> EncoderFacts:
    folder = one.at_hand()
    origin = f"{one.origin}, in {one.requirement}"
    how = "" if folder else "is converted on first use" if one.source() else INSTALL
    return _facts(one.name, origin, folder, how=how, languages=one.languages, licence=one.licence)


def _cached() -> Iterator[EncoderFacts]:
    for name, folder in snapshots():
        yield _facts(name, "Hugging Face cache", folder, licence=_licence(folder))
    for name, folder in modelscope_snapshots():
        yield _facts(f"{MODELSCOPE}{name}", "ModelScope cache", folder, licence=_licence(folder))


def _facts(
    name: str, origin: str, folder: Path | None, *, how: str = "", languages: tuple[str, ...] = (), licence: str = ""
) -> EncoderFacts:
    if folder is None:
        return EncoderFacts(name, origin, languages, licence, "", "", 0, how)
    return EncoderFacts(name, origin, languages, licence, _network(folder), str(folder), size(folder), how)


def _network(folder: Path) -> str:
    try:
        return str((read_settings(folder / FILE) or {}).get("model_type", ""))[:40]
    except ModelFolderError:
        return ""


def _licence(folder: Path) -> str:
    """Read the licence from the model card, where it was fetched."""
    try:
        card = (folder / CARD).read_text(encoding="utf-8", errors="replace")[:_HEAD]
    except OSError:
        return ""
    found = _LICENCE.search(card)
    return found[1][:40] if found else ""
