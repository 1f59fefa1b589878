"""What a summary asks of the database: counts by groups, so that memory does not grow with the predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, select, true

from fenlei.monitor._tables import FEEDBACK, PREDICTIONS
from fenlei.monitor.latency import DECADES, bucket

_P = PREDICTIONS.c
_LONGEST = 1 << 62


@dataclass(frozen=True)
class Selection:
    """Which predictions: of a model and version (None: of any), in a range of milliseconds without its end."""

    model: str | None
    version: str | None
    since: int | None
    until: int | None

    def condition(self) -> ColumnElement[bool]:
        """Give the condition of the query."""
        wanted: list[ColumnElement[bool]] = [true()]
        wanted += [_P.model == self.model] if self.model is not None else []
        wanted += [_P.version == self.version] if self.version is not None else []
        wanted += [_P.time_ms >= self.since] if self.since is not None else []
        wanted += [_P.time_ms < self.until] if self.until is not None else []
        return and_(*wanted)


@dataclass(frozen=True)
class Windows:
    """Equal windows of time in milliseconds from `start`."""

    start: int
    width: int

    def number(self) -> ColumnElement[Any]:
        """Give the window of a prediction."""
        return (_P.time_ms - self.start) // literal(self.width)


def count_models(connection: Connection) -> list[tuple[str, str, int, float, float]]:
    """Count the predictions of each version of each model, the latest first."""
    query = select(_P.model, _P.version, func.count(), func.min(_P.time_ms), func.max(_P.time_ms))
    rows = connection.execute(query.group_by(_P.model, _P.version)).all()
    ordered = sorted(rows, key=lambda row: (-row[4], row[0], row[1]))
    return [(row[0], row[1], row[2], row[3] / 1000, row[4] / 1000) for row in ordered]


def span(connection: Connection, selection: Selection) -> tuple[int, int] | None:
    """Find the first and the last millisecond of the predictions; None where there are none."""
    first, last = (
        connection.execute(select(edge(_P.time_ms)).where(selection.condition())).scalar()
        for edge in (func.min, func.max)  # one by one: each then is a look into an index
    )
    return None if first is None or last is None else (int(first), int(last))


def answers(connection: Connection, selection: Selection, windows: Windows) -> list[tuple[Any, ...]]:
    """Count by window and label: number, sum of scores, scores, abstentions, answers where abstaining is told."""
    number = windows.number()
    abstained = func.sum(case((_P.abstained == true(), 1), else_=0))
    counts = (func.count(), func.sum(_P.score), func.count(_P.score), abstained, func.count(_P.abstained))
    query = select(number, _P.label, *counts).where(selection.condition())
    return _rows(connection, query.group_by(number, _P.label))


def inputs(
    connection: Connection,
    selection: Selection,
    windows: Windows,
    *,
    lengths: Sequence[float],
    unknown: Sequence[float],
    scores: Sequence[float],
) -> list[tuple[Any, ...]]:
    """Count by window, bin of the length, language, bin of the unknown share and bin of the score."""
    groups = (
        windows.number(), _binned(_P.length, lengths), _P.language, _binned(_P.unknown, unknown),
        _binned(_P.score, scores),
    )  # fmt: skip
    query = select(*groups, func.count()).where(selection.condition())
    return _rows(connection, query.group_by(*groups))


def latencies(connection: Connection, selection: Selection, windows: Windows) -> list[tuple[Any, ...]]:
    """Count by window and bucket of the latency."""
    groups = (windows.number(), _bucket())
    query = select(*groups, func.count()).where(selection.condition())
    return _rows(connection, query.group_by(*groups))


def feedback(connection: Connection, selection: Selection, windows: Windows) -> list[tuple[Any, ...]]:
    """Count the predictions that have feedback by window, true label and given label."""
    groups = (windows.number(), FEEDBACK.c.label, _P.label)
    joined = FEEDBACK.join(PREDICTIONS, FEEDBACK.c.id == _P.id)
    query = select(*groups, func.count()).select_from(joined).where(selection.condition())
    return _rows(connection, query.group_by(*groups))


def _rows(connection: Connection, query: Select[Any]) -> list[tuple[Any, ...]]:
    """Fetch rows; some databases give whole numbers that were added up or divided as decimals."""
    return [
        tuple(int(value) if isinstance(value, Decimal) else value for value in row) for row in connection.execute(query)
    ]


def _binned(column: ColumnElement[Any], edges: Sequence[float]) -> ColumnElement[Any]:
    """Give the bin as `Bins.place` does; None stays None."""
    places = [(column < edge, place) for place, edge in enumerate(edges)]
    return case((column.is_(None), None), *places, else_=len(edges))


def _bucket() -> ColumnElement[Any]:
    """Give the bucket as `fenlei.monitor.latency.bucket` does."""
    starts = (0, *(end for end, _, _ in DECADES))
    places = [
        (_P.latency_us < end, first + (_P.latency_us - start) // literal(width))
        for start, (end, width, first) in zip(starts, DECADES, strict=False)
    ]
    return case(*places, else_=bucket(_LONGEST))
