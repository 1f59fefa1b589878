"""Make a `TrainingReference` of training texts, at once or as they stream by."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from fenlei.monitor.bins import UNKNOWN_EDGES, Bins, equal_bins
from fenlei.monitor.records import storable
from fenlei.monitor.reference import TrainingReference, unknown_share
from fenlei.segment.language import text_language

if TYPE_CHECKING:
    from fenlei.evaluation.evaluation import Evaluation

_SAMPLE = 20_000  # texts that are looked into
_CUT = 1000  # characters of each
_ENOUGH = 200  # held-out texts whose answers and scores tell something


def training_reference(
    texts: Sequence[str], targets: Sequence[Any], measured: Evaluation | None = None, tested: Evaluation | None = None
) -> TrainingReference:
    """Make the reference of a training.

    Parameters
    ----------
    texts : sequence of str
        What the model learned from.
    targets : sequence of labels, or of lists of labels
    measured : Evaluation, optional
        On texts held out of those, or like those.
    tested : Evaluation, optional
        On a test set; its accuracy is then the expected one.
    """
    builder = ReferenceBuilder()
    builder.add(texts, targets)
    return builder.finish(measured, tested)


class ReferenceBuilder:
    """Collect a reference from texts that stream by; holds counts and a sample of 20,000 texts."""

    def __init__(self) -> None:
        self._lengths: Counter[float] = Counter()
        self._labels: Counter[str] = Counter()
        self._multi_label = False
        self._sample: list[str] = []
        self._n = 0
        self._random = random.Random(13)  # noqa: S311  (no secret)

    def add(self, texts: Iterable[str], targets: Iterable[Any]) -> None:
        """Count some more texts with their labels."""
        for text, target in zip(texts, targets, strict=True):
            self._lengths[len(text)] += 1
            self._count(target)
            self._keep(text)

    def finish(self, measured: Evaluation | None = None, tested: Evaluation | None = None) -> TrainingReference:
        """Give the reference; see `training_reference`."""
        mixed = random.Random(13).sample(self._sample, len(self._sample))  # noqa: S311  (rows often alternate)
        half = -(-len(mixed) // 2)
        alphabet = frozenset("".join(mixed[:half]))
        told = measured if measured is not None and measured.n >= _ENOUGH else None
        shown = tested or measured
        return TrainingReference(
            n=self._n,
            lengths=equal_bins(self._lengths),
            languages=dict(Counter(map(text_language, self._sample))),
            labels=dict(sorted(self._labels.items())) if told is None else _answers(told),
            labels_are_answers=told is not None,
            multi_label=self._multi_label,
            scores=None if told is None or told.multi_label else _scores(told),
            unknown=_unknown(mixed[half:], alphabet),
            alphabet=alphabet,
            accuracy=None if shown is None else shown.metrics["accuracy"],
            n_accuracy=0 if shown is None else shown.n,
        )

    def _count(self, target: Any) -> None:
        several = isinstance(target, list | tuple | set | frozenset)
        self._multi_label = self._multi_label or several
        for label in target if several else (target,):
            self._labels[storable(str(label))] += 1

    def _keep(self, text: str) -> None:
        """Keep a sample in which each text so far is equally likely (Vitter's algorithm R)."""
        self._n += 1
        if len(self._sample) < _SAMPLE:
            self._sample.append(text[:_CUT])
            return
        place = int(self._random.random() * self._n)
        if place < _SAMPLE:
            self._sample[place] = text[:_CUT]


def _answers(measured: Evaluation) -> dict[str, int]:
    return {storable(label): scores.given for label, scores in sorted(measured.per_class.items())}


def _scores(measured: Evaluation) -> Bins:
    """Join the narrow bins of the evaluation into some of about equal counts."""
    counts = (measured.histogram.right + measured.histogram.wrong).astype(int).tolist()
    starts = measured.histogram.edges[:-1].round(6).tolist()
    return equal_bins({start: count for start, count in zip(starts, counts, strict=True) if count})


def _unknown(texts: Sequence[str], alphabet: frozenset[str]) -> Bins:
    counts = Bins(UNKNOWN_EDGES, (0,) * (len(UNKNOWN_EDGES) + 1))
    places = Counter(counts.place(unknown_share(text, alphabet)) for text in texts)
    return Bins(UNKNOWN_EDGES, tuple(places[place] for place in range(len(counts.counts))))
