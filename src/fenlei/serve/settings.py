"""What a service is told when it starts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fenlei.exceptions import SettingError

LONGEST_DEADLINE, LONGEST_BODY = 15.0, 10.0
"""Seconds for an answer and for a body; together they fit into the time of an orderly end."""
LONGEST_END = 29.0
"""Seconds from a signal to the end; below the 30 that are usual."""
_NAME = re.compile(r"[\w.-]{1,100}")


@dataclass(frozen=True)
class Limits:
    """What one request may ask for, and how much may wait.

    Attributes
    ----------
    body : int, default=10,000,000
        Bytes of a request, counted as they come.
    body_seconds : float, default=10
        Within which all of them must come.
    texts : int, default=1000
        Of a request.
    characters : int, default=20,000
        Of a text.
    explained : int, default=16
        Texts of a request that asks why.
    explained_characters : int, default=2000
        Of a text of such a request.
    queue : int, default=10,000
        Texts that wait for a model; a long text counts once for each 512 characters begun.
    deadline : float, default=5
        Seconds from a request to its answer.
    """

    body: int = 10_000_000
    body_seconds: float = 10.0
    texts: int = 1000
    characters: int = 20_000
    explained: int = 16
    explained_characters: int = 2000
    queue: int = 10_000
    deadline: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.body_seconds <= LONGEST_BODY:
            raise SettingError(f"body_seconds must be above 0 and at most {LONGEST_BODY:g}")
        if not 0 < self.deadline <= LONGEST_DEADLINE:
            raise SettingError(f"deadline must be above 0 and at most {LONGEST_DEADLINE:g} seconds")
        if min(self.body, self.texts, self.characters, self.explained, self.explained_characters, self.queue) < 1:
            raise SettingError("limits must be at least 1")


@dataclass(frozen=True)
class ServeSettings:
    """All that `create_app` needs to know.

    Attributes
    ----------
    models : mapping of str to Path
        Model folders by the name they are served under; the first is the default.
    limits : Limits
    keys : sequence of str
        Any of which a client must show; none lets everybody in.
    monitor : str, optional
        Database that every prediction is written to.
    record_text : bool, default=False
        Whether the texts go there too.
    abstain_below : float, optional
        A prediction of a lower score is marked as abstained.
    watch : bool, default=False
        Whether a new version in a model's folder is loaded by itself.
    """

    models: Mapping[str, Path]
    limits: Limits = field(default_factory=Limits)
    keys: Sequence[str] = ()
    monitor: str | None = None
    record_text: bool = False
    abstain_below: float | None = None
    watch: bool = False

    def __post_init__(self) -> None:
        if not self.models:
            raise SettingError("there is no model to serve; name a model folder")
        if self.abstain_below is not None and not 0 <= self.abstain_below <= 1:
            raise SettingError("abstain_below must be a probability, 0 to 1")
        if self.record_text and self.monitor is None:
            raise SettingError("record_text needs a monitor database to write to")


def models_by_name(given: Sequence[str]) -> dict[str, Path]:
    """Read ``FOLDER`` and ``NAME=FOLDER``; a folder without a name goes by its own.

    Examples
    --------
    >>> models_by_name(["models/news", "en=models/reviews-en"])
    {'news': PosixPath('models/news'), 'en': PosixPath('models/reviews-en')}
    """
    found: dict[str, Path] = {}
    for one in given:
        name, _, folder = one.rpartition("=")
        path = Path(folder)
        name = name or path.resolve().name
        if not _NAME.fullmatch(name):
            raise SettingError(f"{name!r} cannot name a model; use letters, digits, '_', '.' and '-': NAME=FOLDER")
        if name in found:
            raise SettingError(f"two models go by the name {name!r}; give one another: NAME=FOLDER")
        found[name] = path
    return found


def read_keys(path: Path) -> list[str]:
    """Read a file of API keys, one a line; empty lines and those that begin with # are left out."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeError) as error:
        raise SettingError(f"{path}: the file of API keys cannot be read: {error}") from error
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise SettingError(f"{path}: holds no API key; write one a line")
    if any(len(key) < 16 or not key.isascii() for key in keys):
        raise SettingError(f"{path}: an API key must have 16 or more ASCII characters; make one: openssl rand -hex 24")
    return keys


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine reach the address.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0"), is_loopback("localhost")
    (True, False, True)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
