"""The manifest of a model folder: what the model is, how it came about, and a fingerprint of every file."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Any

from fenlei._strict_json import dump, parse
from fenlei.exceptions import ModelFolderError, SettingError

MANIFEST = "manifest.json"
SCHEMA = 1
MANIFEST_LIMIT = 1_000_000
"""Bytes that a manifest may have."""


@dataclass(frozen=True)
class FileFacts:
    """Size in bytes and SHA-256 of one file."""

    size: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> FileFacts:
        """Measure `data`."""
        return cls(len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True)
class Manifest:
    """What ``manifest.json`` says.

    Attributes
    ----------
    family : str
    fenlei : str
        Version that wrote the folder.
    language : str
        Of the training texts: "zh", "en", "mixed" or "other"; "" when the family does not know.
    classes : int
        How many.
    multi_label : bool
    facts : dict
        How it was trained and what was measured, as the trainer told.
    files : dict of str to FileFacts
        Every other file of the folder.
    schema : int
        Version of the layout, 1.
    """

    family: str
    fenlei: str
    language: str
    classes: int
    multi_label: bool
    facts: dict[str, Any] = field(default_factory=dict)
    files: dict[str, FileFacts] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def size(self) -> int:
        """Bytes of all files but the manifest."""
        return sum(facts.size for facts in self.files.values())

    def to_bytes(self) -> bytes:
        """Write as JSON, the last entry a SHA-256 of the others.

        Raises
        ------
        SettingError
            When the facts are no JSON values, or too many.
        """
        content = asdict(self)
        try:
            data = _write(content)
            parse(data, MANIFEST)
        except (TypeError, ValueError, RecursionError) as error:
            raise SettingError(f"facts must be JSON values: {error}") from error
        if len(data) > MANIFEST_LIMIT:
            raise SettingError(f"the facts take {len(data):,} bytes; at most {MANIFEST_LIMIT:,} fit into a manifest")
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read what `to_bytes` wrote.

        Raises
        ------
        ModelFolderError
            When a single byte is not as it was written, or another version of the layout wrote it.
        """
        content = parse(data, MANIFEST)
        if not isinstance(content, dict) or "schema" not in content:
            raise ModelFolderError(f"{MANIFEST}: not a manifest of fenlei; name a folder that `save` wrote")
        if type(content["schema"]) is not int or content["schema"] != SCHEMA:
            raise ModelFolderError(
                f"{MANIFEST}: the folder has the layout version {content['schema']!r}, "
                f"this fenlei reads {SCHEMA}; load it with the fenlei that wrote it, or a newer one"
            )
        content.pop("digest", None)
        if _write(content) != data:
            raise ModelFolderError(
                f"{MANIFEST}: was changed after it was written; restore it from a copy, or train again"
            )
        return _from_content(content)


def _write(content: dict[str, Any]) -> bytes:
    digest = hashlib.sha256(dump(content)).hexdigest()
    return dump({**content, "digest": digest}, indent=2) + b"\n"


def _from_content(content: dict[str, Any]) -> Manifest:
    """Check types; a stranger can compute a digest too."""
    kinds = {
        "family": str,
        "fenlei": str,
        "language": str,
        "classes": int,
        "multi_label": bool,
        "schema": int,
    }
    kinds |= {"facts": dict, "files": dict}
    if content.keys() != kinds.keys() or any(type(content[key]) is not kind for key, kind in kinds.items()):
        raise ModelFolderError(f"{MANIFEST}: has not the entries of a manifest; train the model again")
    files = {name: _file_facts(name, facts) for name, facts in content["files"].items()}
    return Manifest(**{**content, "files": files})


def _file_facts(name: str, facts: Any) -> FileFacts:
    if not isinstance(facts, dict) or facts.keys() != {"size", "sha256"}:
        raise ModelFolderError(f"{MANIFEST}: says nothing sound about {name!r}; train the model again")
    size, digest = facts["size"], facts["sha256"]
    if type(size) is not int or size < 0 or not isinstance(digest, str):
        raise ModelFolderError(f"{MANIFEST}: says nothing sound about {name!r}; train the model again")
    return FileFacts(size, digest)
