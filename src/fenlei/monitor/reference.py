"""What training looked like: the yardstick for what a model meets later.

It is written into the model folder as ``reference.json`` and read without loading the model.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from fenlei._strict_json import dump, parse
from fenlei.exceptions import ModelFolderError
from fenlei.monitor.bins import UNKNOWN_EDGES, Bins
from fenlei.persistence import REFERENCE, read_extra
from fenlei.segment.language import text_language

_VERSION = 1
_Kind = TypeVar("_Kind")
_READ = 1000  # characters of a text that are looked at


@dataclass(frozen=True)
class TextFacts:
    """What is kept of a text instead of the text."""

    length: int
    language: str
    unknown: float | None


@dataclass(frozen=True)
class TrainingReference:
    """What training looked like.

    Attributes
    ----------
    n : int
        Texts the model learned from.
    lengths : Bins
        Of their characters, in bins of about equal counts.
    languages : dict of str to int
        Languages of a sample of them.
    labels : dict of str to int
        The model's answers on the texts held out, where these are 200 or more: what it should go on answering, with
        its own leanings. Else the labels it learned from.
    labels_are_answers : bool
        Which of the two.
    multi_label : bool
    scores : Bins or None
        Scores of the answers on the texts held out, if these are 200 or more.
    unknown : Bins
        Share of characters not in `alphabet`, counted on texts that did not contribute to it.
    alphabet : frozenset of str
        Characters of a sample of the training texts.
    accuracy : float or None
        As measured after training, on the test set, or on the texts held out.
    n_accuracy : int
        Texts that it was measured on.

    Examples
    --------
    >>> from fenlei.monitor.reference_builder import training_reference
    >>> found = training_reference(["房间很干净", "很好", "服务差"] * 2, ["good", "good", "bad"] * 2)
    >>> found.n, found.languages, found.labels, found.lengths.counts
    (6, {'zh': 6}, {'bad': 2, 'good': 4}, (2, 2, 2))
    >>> TrainingReference.from_bytes(found.to_bytes()) == found
    True
    >>> found.describe("好room")
    TextFacts(length=5, language='zh', unknown=0.8)
    """

    n: int
    lengths: Bins
    languages: dict[str, int]
    labels: dict[str, int]
    labels_are_answers: bool
    multi_label: bool
    scores: Bins | None
    unknown: Bins
    alphabet: frozenset[str] = field(repr=False)
    accuracy: float | None = None
    n_accuracy: int = 0

    def unknown_share(self, text: str) -> float:
        """Share of a text's characters, of the first 1,000 at most, that the sample of training texts lacks."""
        return unknown_share(text, self.alphabet)

    def describe(self, text: str) -> TextFacts:
        """Take the facts of a text that `PredictionRecord` keeps."""
        return describe_text(text, self)

    def to_bytes(self) -> bytes:
        """Write as JSON; equal references give equal bytes."""
        plain = {
            "version": _VERSION,
            "n": self.n,
            "lengths": self.lengths.to_dict(),
            "languages": dict(sorted(self.languages.items())),
            "labels": dict(sorted(self.labels.items())),
            "labels_are_answers": self.labels_are_answers,
            "multi_label": self.multi_label,
            "scores": None if self.scores is None else self.scores.to_dict(),
            "unknown": self.unknown.to_dict(),
            "alphabet": "".join(sorted(self.alphabet)),
            "accuracy": self.accuracy,
            "n_accuracy": self.n_accuracy,
        }
        return dump(plain)

    @classmethod
    def from_bytes(cls, data: bytes) -> TrainingReference:
        """Read what `to_bytes` wrote.

        Raises
        ------
        ModelFolderError
            When it is damaged, or of another version.
        """
        plain = parse(data, REFERENCE)
        if not isinstance(plain, dict) or plain.pop("version", None) != _VERSION:
            raise ModelFolderError(f"{REFERENCE}: is of another version; load it with the fenlei that wrote it")
        try:
            return _from_plain(plain)
        except (ModelFolderError, KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(f"{REFERENCE}: is not as it was written: {error}; train the model again") from error


def load_reference(folder: str | os.PathLike[str]) -> TrainingReference | None:
    """Read the reference of a model folder without loading the model; None where it has none.

    Raises
    ------
    ModelFolderError
        When there is no such model folder, or the reference in it is damaged.
    """
    data = read_extra(folder, REFERENCE)
    if data is None:
        return None
    try:
        return TrainingReference.from_bytes(data)
    except ModelFolderError as error:
        raise ModelFolderError(f"{os.fspath(folder)}: {error}") from error


def describe_text(text: str, reference: TrainingReference | None = None) -> TextFacts:
    """Take the facts of a text; the share of unknown characters needs a reference."""
    unknown = None if reference is None else reference.unknown_share(text)
    return TextFacts(len(text), text_language(text), unknown)


def unknown_share(text: str, alphabet: frozenset[str]) -> float:
    """Share of the first 1,000 characters that are not in `alphabet`; 0 of an empty text."""
    head = text[:_READ]
    return 1 - sum(map(alphabet.__contains__, head)) / len(head) if head else 0.0


def _from_plain(plain: dict[str, Any]) -> TrainingReference:
    if plain.keys() != {entry.name for entry in fields(TrainingReference)}:
        raise ValueError("it has other entries")
    scores, accuracy = plain["scores"], plain["accuracy"]
    return TrainingReference(
        n=_typed(plain["n"], int),
        lengths=Bins.from_dict(plain["lengths"]),
        languages=_counts(plain["languages"]),
        labels=_counts(plain["labels"]),
        labels_are_answers=_typed(plain["labels_are_answers"], bool),
        multi_label=_typed(plain["multi_label"], bool),
        scores=None if scores is None else Bins.from_dict(scores),
        unknown=_unknown_bins(plain["unknown"]),
        alphabet=frozenset(_typed(plain["alphabet"], str)),
        accuracy=None if accuracy is None else float(accuracy),
        n_accuracy=_typed(plain["n_accuracy"], int),
    )


def _unknown_bins(plain: Any) -> Bins:
    bins = Bins.from_dict(plain)
    if bins.edges != UNKNOWN_EDGES:
        raise ValueError("the bins of unknown characters are others")
    return bins


def _typed(value: Any, kind: type[_Kind]) -> _Kind:
    if type(value) is not kind:
        raise TypeError(f"{value!r:.40} where there should be {kind.__name__}")
    return value


def _counts(plain: Any) -> dict[str, int]:
    return {name: _typed(count, int) for name, count in _typed(plain, dict).items()}
