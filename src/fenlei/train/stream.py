"""Training on files that do not fit in memory: two passes, one for the labels, one to learn."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fenlei.data.dataset import Dataset, Record
from fenlei.data.duplicates import normalised
from fenlei.data.files import Notes
from fenlei.data.label_kind import with_label_kind
from fenlei.exceptions import DataError, SettingError
from fenlei.monitor.reference_builder import ReferenceBuilder
from fenlei.persistence import check_replaceable
from fenlei.train.run import Trained, TrainPlan, make_model
from fenlei.train.saving import save_trained

if TYPE_CHECKING:
    from fenlei.base import TextClassifier

_BATCH = 8192
_MOST_HELD_OUT = 20_000
_BUFFER, _BUFFER_CHARACTERS = 100_000, 50_000_000  # texts that are held to be shuffled
_HASH_BITS = 20


@dataclass
class _Labels:
    """What the first pass finds."""

    seen: set[str] = field(default_factory=set)
    multi_label: bool = False
    rows: int = 0
    last: Any = None
    run: int = 0
    longest_run: int = 0


def train_stream(
    open_stream: Callable[[], Iterator[Record]],
    *,
    source: str,
    notes: Notes | None = None,
    test: Dataset | None = None,
    plan: TrainPlan,
    out: str | Path | None = None,
    progress: Callable[[str], None] = lambda step: None,
    message: Callable[[str], None] = lambda text: None,
) -> Trained:
    """Train with `partial_fit` on rows that are read twice and never held.

    Texts are shuffled within a buffer of 100,000. A tenth of them, chosen by their own hash so that copies stay
    together, is held out to measure on, 20,000 at most or so. Memory is that of the model and of the buffer.

    Parameters
    ----------
    open_stream : callable
        Gives a fresh iterator over the rows each time, such as ``lambda: stream("reviews.jsonl")``.
    source : str
        Name of the data, for messages.
    notes : Notes, optional
        What `open_stream` takes down while it is read; its warnings are among the messages.
    test, plan, out, progress
        See `fenlei.train.run.train_model`.
    message : callable, optional
        Told what the user should know, before the model learns.

    Raises
    ------
    SettingError
        When the family cannot learn from parts.
    DataError
        When rows have no labels.
    """
    start = time.perf_counter()
    model = _streaming_model(plan)
    if out is not None:
        check_replaceable(out)
    progress("reading the labels")
    labels = _find_labels(open_stream(), source)
    test = None if test is None else with_label_kind(test, multi_label=labels.multi_label)
    messages = _messages(labels, notes, test)
    for told in messages:
        message(told)
    held_out: list[Record] = []
    reference = ReferenceBuilder()
    n_train = 0
    learn: Callable[..., Any] = getattr(model, "partial_fit")  # noqa: B009  (not every family has it)
    kept = _kept(open_stream(), held_out, plan, min(plan.fraction, _MOST_HELD_OUT / max(labels.rows, 1)))
    for batch in _batches(_shuffled(kept, plan.seed)):
        targets = [_as_target(record, labels.multi_label) for record in batch]
        texts = [record.text for record in batch]
        learn(texts, targets, classes=sorted(labels.seen), multi_label=labels.multi_label)
        reference.add(texts, targets)
        n_train += len(batch)
        progress(f"fit, {n_train:,} of about {labels.rows:,} texts")
    seconds = {"fit": round(time.perf_counter() - start, 3)}
    return _finish(model, held_out, labels, n_train, reference, source, test, plan, out, seconds, messages, progress)


def _finish(
    model: TextClassifier, held_out: list[Record], labels: _Labels, n_train: int, reference: ReferenceBuilder,
    source: str, test: Dataset | None, plan: TrainPlan, out: str | Path | None, seconds: dict[str, float], messages:
    tuple[str, ...], progress: Callable[[str], None],
) -> Trained:  # fmt: skip
    from fenlei.evaluation.metrics import evaluate

    if not held_out:
        raise DataError("there are too few rows to hold some out; train without --stream", source=source)
    valid = _dataset(held_out, labels.multi_label, source)
    progress("measure")
    validation = evaluate(model, valid.texts, valid.targets, rows=valid.rows, seed=plan.seed)
    tested = None
    if test is not None:
        tested = evaluate(model, test.texts, test.targets, rows=test.rows, seed=plan.seed)
    trained = Trained(model, None if out is None else Path(out), validation, tested, n_train, seconds, messages)
    if out is not None:
        progress("save")
        sources = {
            "train": source,
            "valid": f"held-out part of {source}",
            "test": None if test is None else test.source,
        }
        save_trained(trained, Path(out), plan, sources, reference.finish(validation, tested))
    return trained


def _messages(labels: _Labels, notes: Notes | None, test: Dataset | None) -> tuple[str, ...]:
    messages = [*(notes.warnings if notes else ()), *(test.warnings if test is not None else ())]
    if labels.longest_run > _BUFFER:
        messages.append(
            f"{labels.longest_run:,} rows of one label follow each other, more than are shuffled at a time; "
            "shuffle the file for a better model"
        )
    return tuple(dict.fromkeys(messages))


def _streaming_model(plan: TrainPlan) -> TextClassifier:
    model = make_model(plan)
    if not hasattr(model, "partial_fit"):
        raise SettingError(
            f"the family {plan.model!r} cannot learn from parts; train with --model tfidf, or without --stream"
        )
    if getattr(model, "hash_bits", _HASH_BITS) is None:
        model.set_params(hash_bits=_HASH_BITS)
    return model


def _find_labels(records: Iterator[Record], source: str) -> _Labels:
    found = _Labels()
    for record in records:
        if record.target is None:
            raise DataError("there is no label; name the column with --label", source=source, row=record.row)
        several = isinstance(record.target, list)
        found.multi_label = found.multi_label or several
        found.seen.update(record.target if isinstance(record.target, list) else [record.target])
        found.rows += 1
        found.run = found.run + 1 if record.target == found.last else 1
        found.last, found.longest_run = record.target, max(found.longest_run, found.run)
    return found


def _kept(records: Iterator[Record], held_out: list[Record], plan: TrainPlan, fraction: float) -> Iterator[Record]:
    """Pass on what to learn from; put a fraction aside, all copies of a text together."""
    threshold = int(fraction * 2**32)
    for record in records:
        place = zlib.crc32(f"{plan.seed} {normalised(record.text)}".encode("utf-8", "surrogatepass"))
        if place < threshold:
            held_out.append(record)
        else:
            yield record


def _shuffled(records: Iterator[Record], seed: int) -> Iterator[Record]:
    """Mix the order within a buffer: files are often sorted by label, and each text is learned from once."""
    order = random.Random(seed)  # noqa: S311  (no secret)
    buffer: list[Record] = []
    room = _BUFFER_CHARACTERS
    for record in records:
        if len(buffer) < _BUFFER and room > 0:
            buffer.append(record)
            room -= len(record.text)
            continue
        place = order.randrange(len(buffer))
        yield buffer[place]
        buffer[place] = record
    order.shuffle(buffer)
    yield from buffer


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    while batch := list(islice(records, _BATCH)):
        yield batch


def _as_target(record: Record, multi_label: bool) -> Any:
    if multi_label and not isinstance(record.target, list):
        return [record.target]
    return record.target


def _dataset(records: list[Record], multi_label: bool, source: str) -> Dataset:
    targets: list[Any] = [_as_target(record, multi_label) for record in records]
    return Dataset([record.text for record in records], targets, [record.row for record in records], source)
