"""What is kept of a prediction: its facts, not its text unless that is asked for."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # no database takes them all


@dataclass(frozen=True, slots=True)
class PredictionRecord:
    """One answer of a model.

    Attributes
    ----------
    id : str
        Of 1 to 64 characters, unlike every other; feedback names it.
    time : float
        Seconds since 1970, UTC.
    model, version : str
        Name it is served by, and what tells its versions apart.
    length : int
        Characters of the text.
    language : str
        As `fenlei.segment.language.text_language` tells it.
    label : str
        What was answered; of a multi-label model a JSON list, see `label_text`.
    score : float
        Of that label, in [0, 1]; of a multi-label model the highest.
    milliseconds : float
        From the text to the answer.
    text : str, optional
        Kept only where it is given.
    unknown : float, optional
        Share of characters that training did not show, see `fenlei.monitor.reference.TrainingReference.unknown_share`.
    abstained : bool, optional
        Whether the model declined to answer; None where models always answer.
    """

    id: str
    time: float
    model: str
    version: str
    length: int
    language: str
    label: str
    score: float
    milliseconds: float
    text: str | None = None
    unknown: float | None = None
    abstained: bool | None = None


def new_id(time: float) -> str:
    """Make an id for a prediction: 32 hexadecimal digits, of which 20 are random and the first 12 tell the time.

    Databases keep ids in order; those that follow each other are written several times as fast as random ones.

    Parameters
    ----------
    time : float
        Seconds since 1970.

    Examples
    --------
    >>> new_id(1.8e9)[:12], len(new_id(1.8e9)), new_id(1.8e9) == new_id(1.8e9)
    ('01a3185c5000', 32, False)
    """
    return f"{round(1000 * time):012x}{secrets.token_hex(10)}"


def label_text(label: str | Sequence[str]) -> str:
    """Write a label as it is kept: one as it is, several as a sorted JSON list, so that equal sets are equal texts.

    Examples
    --------
    >>> label_text("好评"), label_text(["joy", "anger"]), label_text('["joy", "anger"]')
    ('好评', '["anger", "joy"]', '["anger", "joy"]')
    """
    several = labels_of(label) if isinstance(label, str) else list(label)
    if isinstance(label, str) and several == [label]:
        return storable(label)
    return storable(json.dumps(sorted(set(several)), ensure_ascii=False))


def labels_of(label: str) -> list[str]:
    """Read what `label_text` wrote: the labels, one or several or none.

    Examples
    --------
    >>> labels_of('["anger", "joy"]'), labels_of("[sic]")
    (['anger', 'joy'], ['[sic]'])
    """
    if label.startswith("["):
        try:
            found = json.loads(label)
        except (ValueError, RecursionError):
            return [label]
        if isinstance(found, list) and all(isinstance(one, str) for one in found):
            return found
    return [label]


def storable(text: str) -> str:
    r"""Replace what databases refuse, NUL and lone surrogates, by U+FFFD.

    Examples
    --------
    >>> storable("好\x00\ud800")
    '好\ufffd\ufffd'
    """
    return text if text.isascii() and "\x00" not in text else _UNSTORABLE.sub("\ufffd", text)
