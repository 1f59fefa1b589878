"""The counts that the database gave, added up: over all windows, or of one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from fenlei.monitor.bins import UNKNOWN_NAMES, bin_names
from fenlei.monitor.drift import Counted, Drift, categories, compare, psi_if_enough
from fenlei.monitor.latency import percentiles
from fenlei.monitor.records import labels_of

if TYPE_CHECKING:
    from fenlei.monitor.alerts import Thresholds
    from fenlei.monitor.bins import Bins
    from fenlei.monitor.reference import TrainingReference

Rows: TypeAlias = Sequence[Any]
_LABEL, _TIMES, _SCORE, _SCORED, _ABSTAINED, _TOLD = range(1, 7)  # columns of the answers
_LENGTH, _LANGUAGE, _UNKNOWN, _BIN, _COUNT = range(1, 6)  # columns of the inputs
_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0}


@dataclass(frozen=True)
class Tally:
    """Rows of `fenlei.monitor._queries`, whose first column is the window.

    Attributes
    ----------
    answers, inputs, latencies, truths : sequence of rows
    n_windows : int
    """

    answers: Rows
    inputs: Rows
    latencies: Rows
    truths: Rows
    n_windows: int

    def parts(self) -> list[Tally]:
        """Split by window."""
        answers, inputs, latencies, truths = (
            _by_window(rows) for rows in (self.answers, self.inputs, self.latencies, self.truths)
        )
        return [
            Tally(answers.get(place, []), inputs.get(place, []), latencies.get(place, []), truths.get(place, []), 1)
            for place in range(self.n_windows)
        ]

    @property
    def n(self) -> int:
        """Predictions."""
        return sum(row[_TIMES] for row in self.answers)

    def labels(self) -> dict[str, int]:
        """How often each label was given, the commonest first."""
        counts: Counter[str] = Counter()
        for row in self.answers:
            for label in labels_of(row[_LABEL]):
                counts[label] += row[_TIMES]
        return _sorted(counts)

    def languages(self) -> dict[str, int]:
        """How often each language came, the commonest first."""
        counts: Counter[str] = Counter()
        for row in self.inputs:
            counts[row[_LANGUAGE]] += row[_COUNT]
        return _sorted(counts)

    def lengths(self, n_bins: int) -> tuple[int, ...]:
        """Texts in each bin of the length."""
        return self._binned(_LENGTH, n_bins)

    def scores(self, n_bins: int) -> tuple[int, ...]:
        """Answers in each bin of the score."""
        return self._binned(_BIN, n_bins)

    def score(self) -> float | None:
        """Mean score; None without scores."""
        scored = sum(row[_SCORED] for row in self.answers)
        return sum(row[_SCORE] or 0.0 for row in self.answers) / scored if scored else None

    def abstained(self) -> int | None:
        """How often no answer was given; None where it was not recorded."""
        told = sum(row[_TOLD] for row in self.answers)
        return sum(row[_ABSTAINED] for row in self.answers) if told else None

    def latency(self) -> dict[str, float | None]:
        """Percentiles of the latency in milliseconds."""
        counts: Counter[int] = Counter()
        for _, place, times in self.latencies:
            counts[place] += times
        return dict(zip(_PERCENTILES, percentiles(counts, list(_PERCENTILES.values())), strict=True))

    def drift(self, reference: TrainingReference, limits: Thresholds) -> list[Drift]:
        """Compare with training, over all windows and in each."""
        found = compare(self._features(reference), strong=limits.psi, significance=limits.significance)
        parts = [{one.feature: one for one in part._features(reference)} for part in self.parts()]
        return [
            replace(drift, psi_over_time=tuple(_index(part.get(drift.feature)) for part in parts)) for drift in found
        ]

    def _features(self, reference: TrainingReference) -> list[Counted]:
        found = [
            self._binned_feature("length", reference.lengths, _LENGTH, bin_names(reference.lengths.edges, whole=True)),
            categories("language", reference.languages, self.languages()),
            categories("label", reference.labels, self.labels()),
        ]
        if any(row[_UNKNOWN] is not None for row in self.inputs):
            found.insert(2, self._binned_feature("unknown", reference.unknown, _UNKNOWN, UNKNOWN_NAMES))
        if reference.scores is not None:
            names = bin_names(reference.scores.edges)
            found.append(self._binned_feature("score", reference.scores, _BIN, names))
        return found

    def _binned_feature(self, name: str, bins: Bins, column: int, names: Sequence[str]) -> Counted:
        return Counted(name, tuple(names), bins.counts, self._binned(column, len(bins.counts)))

    def _binned(self, column: int, n_bins: int) -> tuple[int, ...]:
        counts: Counter[int] = Counter()
        for row in self.inputs:
            counts[row[column]] += row[_COUNT]
        return tuple(counts[place] for place in range(n_bins))


def _by_window(rows: Iterable[Any]) -> dict[int, list[Any]]:
    split: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        split[row[0]].append(row)
    return split


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _index(counted: Counted | None) -> float | None:
    return None if counted is None else psi_if_enough(counted.then, counted.now)
