"""Where predictions are kept, with what turned out to be true: one SQLite file, or any database SQLAlchemy knows."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from fenlei._optional import require
from fenlei.exceptions import SettingError
from fenlei.monitor.records import PredictionRecord, label_text, storable

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ROWS_AT_ONCE = 10_000  # that are forgotten in one transaction: others write in between
_NAMES_AT_ONCE = 500


class ModelCount(NamedTuple):
    """A version of a model, how many of its predictions are kept, and the time of the first and last."""

    model: str
    version: str
    n: int
    first: float
    last: float


class PredictionStore:
    """Predictions and feedback in a database.

    May be used by several threads, and the database by several processes.

    Parameters
    ----------
    url : str
        A file, which becomes an SQLite database, or a URL of SQLAlchemy, such as ``postgresql://user@host/name``.
    create : bool, default True
        Whether to make the tables, and the file, where there are none.

    Raises
    ------
    DataError
        When the file is something else, or of another version of the layout.
    SettingError, UnavailableError, MissingExtraError
        When the URL is none, the database cannot be reached, or a package is not installed.

    Examples
    --------
    >>> import tempfile
    >>> store = PredictionStore(tempfile.mkdtemp() + "/monitor.db")
    >>> store.add([PredictionRecord("a1", 1.8e9, "shop", "v1", 4, "zh", "好评", 0.9, 1.2)])
    >>> store.feedback("a1", "差评"), store.feedback("b7", "差评")
    (True, False)
    >>> store.models()[0].n, store.prune(before=1.9e9), store.models()
    (1, 1, [])
    >>> store.close()
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        require("sqlalchemy", extra="monitor")
        from fenlei.monitor._database import open_engine

        self._engine, self.name = open_engine(url, create=create)

    def add(self, records: Sequence[PredictionRecord]) -> None:
        """Keep predictions, all or none; one whose id is there already is left as it is.

        Raises
        ------
        SettingError
            When an id is empty or longer than 64 characters.
        UnavailableError
            When the database is locked for long, full, read-only or away; trying again later may help.
        """
        from sqlalchemy.exc import IntegrityError

        unique = {storable(record.id): record for record in records}
        rows = [_row(name, record) for name, record in unique.items()]
        texts = [
            {"id": name, "text": storable(record.text)} for name, record in unique.items() if record.text is not None
        ]
        if not rows:
            return
        try:
            self._insert(rows, texts)
        except IntegrityError:
            known = self._known([row["id"] for row in rows])
            self._insert(*([row for row in part if row["id"] not in known] for part in (rows, texts)))

    def feedback(self, id: str, label: str | Sequence[str], time: float | None = None) -> bool:  # noqa: A002
        """Say what was true; said again, the last word counts.

        Parameters
        ----------
        id : str
            Of the prediction.
        label : str or sequence of str
            Or the labels, of a multi-label model.
        time : float, optional
            Seconds since 1970; default now.

        Returns
        -------
        bool
            False when there is no such prediction.
        """
        from sqlalchemy.exc import IntegrityError

        row = {
            "id": storable(id),
            "time_ms": _milliseconds(clock.time() if time is None else time),
            "label": label_text(label),
        }
        try:
            return self._put_feedback(row)
        except IntegrityError:  # another was first: now there is a row to change, and ours is the later word
            return self._put_feedback(row)

    def models(self) -> list[ModelCount]:
        """List the versions of models that predictions are kept of, the latest first."""
        from fenlei.monitor._queries import count_models

        with self.reading() as connection:
            return [ModelCount(*row) for row in count_models(connection)]

    def first(self, model: str) -> float | None:
        """Time of the first prediction that is kept of a model, in seconds since 1970; None where there is none."""
        from fenlei.monitor import _queries as queries

        with self.reading() as connection:
            there = queries.span(connection, queries.Selection(model, None, None, None))
        return None if there is None else there[0] / 1000

    def prune(self, before: float) -> int:
        """Forget what was predicted before a time, with its text and feedback; give the number of predictions.

        In parts, so that writers do not wait long. SQLite overwrites what was there and uses the room again; the file
        does not become smaller.

        Parameters
        ----------
        before : float
            Seconds since 1970.
        """
        limit, forgotten = _milliseconds(before), 0
        while True:
            count, is_last = self._prune_part(limit)
            forgotten += count
            if is_last:
                return forgotten

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection to read with; errors of the database come out as ours."""
        from fenlei.monitor._database import plain_errors

        with plain_errors(self.name), self._engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One transaction; its first statement must write, lest two that have read wait for each other to write."""
        from fenlei.monitor._database import plain_errors

        with plain_errors(self.name), self._engine.begin() as connection:
            yield connection

    def _insert(self, rows: list[dict[str, Any]], texts: list[dict[str, Any]]) -> None:
        from fenlei.monitor._tables import PREDICTIONS, TEXTS

        with self._writing() as connection:
            for table, values in ((PREDICTIONS, rows), (TEXTS, texts)):
                if values:
                    connection.execute(table.insert(), values)

    def _known(self, ids: list[str]) -> set[str]:
        from sqlalchemy import select

        from fenlei.monitor._tables import PREDICTIONS

        known: set[str] = set()
        with self.reading() as connection:
            for start in range(0, len(ids), _NAMES_AT_ONCE):
                asked = PREDICTIONS.c.id.in_(ids[start : start + _NAMES_AT_ONCE])
                known.update(connection.execute(select(PREDICTIONS.c.id).where(asked)).scalars())
        return known

    def _put_feedback(self, row: dict[str, Any]) -> bool:
        from sqlalchemy import literal, select

        from fenlei.monitor._tables import FEEDBACK, PREDICTIONS

        found = select(PREDICTIONS.c.id, literal(row["time_ms"]), literal(row["label"]))
        added = FEEDBACK.insert().from_select(["id", "time_ms", "label"], found.where(PREDICTIONS.c.id == row["id"]))
        with self._writing() as connection:
            if connection.execute(FEEDBACK.update().where(FEEDBACK.c.id == row["id"]).values(row)).rowcount:
                return True
            return connection.execute(added, execution_options={"preserve_rowcount": True}).rowcount > 0

    def _prune_part(self, limit: int) -> tuple[int, bool]:
        from sqlalchemy import select

        from fenlei.monitor._tables import FEEDBACK, PREDICTIONS, TEXTS

        time = PREDICTIONS.c.time_ms
        with self.reading() as connection:
            edge = connection.execute(
                select(time).where(time < limit).order_by(time).offset(_ROWS_AT_ONCE).limit(1)
            ).scalar()
        chosen = time < limit if edge is None else time <= edge
        with self._writing() as connection:
            for table in (FEEDBACK, TEXTS):
                connection.execute(table.delete().where(table.c.id.in_(select(PREDICTIONS.c.id).where(chosen))))
            return connection.execute(PREDICTIONS.delete().where(chosen)).rowcount, edge is None


def _row(name: str, record: PredictionRecord) -> dict[str, Any]:
    from fenlei.monitor._tables import LONGEST_ID, LONGEST_NAME

    if not 1 <= len(name) <= LONGEST_ID:
        raise SettingError(f"the id of a prediction has 1 to {LONGEST_ID} characters; got {len(name)}")
    return {
        "id": name,
        "time_ms": _milliseconds(record.time),
        "model": storable(record.model[:LONGEST_NAME]),
        "version": storable(record.version[:LONGEST_NAME]),
        "length": record.length,
        "language": record.language,
        "label": label_text(record.label),
        "score": record.score if math.isfinite(record.score) else None,
        "latency_us": round(1000 * record.milliseconds),
        "unknown": record.unknown,
        "abstained": record.abstained,
    }


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)
