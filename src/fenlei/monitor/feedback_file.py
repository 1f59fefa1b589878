"""Feedback from a file: which prediction, and what was true."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from fenlei.exceptions import DataError

if TYPE_CHECKING:
    from fenlei.data.dataset import Record
    from fenlei.monitor.store import PredictionStore


class FeedbackCount(NamedTuple):
    """How many feedbacks were added, and how many named predictions that are not kept."""

    added: int
    unknown: int


def add_feedback(store: PredictionStore, records: Iterable[Record], source: str) -> FeedbackCount:
    """Add the feedback of rows, whose texts are ids and whose targets the true labels.

    Read them with ``stream(path, text="id")``; what was added stays when a later row is wrong, and adding it again
    changes nothing.

    Raises
    ------
    DataError
        When a row has no label.
    """
    added = unknown = 0
    for record in records:
        if record.target is None:
            raise DataError("there is no label; name the column with --label", source=source, row=record.row)
        found = store.feedback(record.text.strip(), record.target)
        added, unknown = added + found, unknown + (not found)
    return FeedbackCount(added, unknown)
