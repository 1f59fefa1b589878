"""What monitoring costs: to record a prediction, to write many, to summarise them, to forget them.

    python benchmarks/monitoring.py [--rows 1000000]

The predictions are made up: a month of one model with three labels, written to a new SQLite file. Recording is what an
answer waits for; writing is what the thread behind it does.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from _common import machine, parser, print_table
from fenlei.monitor.gauges import monitor_gauges
from fenlei.monitor.recorder import BackgroundRecorder
from fenlei.monitor.records import PredictionRecord, new_id
from fenlei.monitor.reference import TrainingReference, describe_text
from fenlei.monitor.reference_builder import training_reference
from fenlei.monitor.store import PredictionStore
from fenlei.monitor.summary import summarize

BATCH, MONTH, DAY = 1000, 30 * 86_400, 86_400
LABELS = ("好评", "差评", "中评")
TEXT = "房间很干净，下次还来，就是早餐一般，位置离地铁站很近"
FEEDBACK = 100  # one in so many predictions


def main() -> None:
    options = parser(str(__doc__).partition("\n")[0])
    options.add_argument("--rows", type=int, default=1_000_000, help="predictions in the database")
    rows = options.parse_args().rows
    reference = training_reference([TEXT[: 5 + i % 20] for i in range(3000)], [LABELS[i % 3] for i in range(3000)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "monitor.db"
        with PredictionStore(str(path)) as store:
            print(f"{machine()}; {rows:,} predictions, SQLite\n")
            print_table(["work", "time"], [*_per_prediction(store, reference), *_of_all(store, reference, rows, path)])


def _per_prediction(store: PredictionStore, reference: TrainingReference) -> list[list[str]]:
    """Measure what an answer waits for, in a store that is emptied again."""
    records = list(_made_up(20_000))
    facts = _seconds(lambda: [describe_text(TEXT, reference) for _ in records])
    with BackgroundRecorder(store, most_waiting=len(records)) as recorder:
        recording = _seconds(lambda: [recorder.record([record]) for record in records])
    store.prune(before=time.time() + DAY)
    each = 1e6 / len(records)
    return [
        [f"facts of a text of {len(TEXT)} characters", f"{facts * each:.1f} µs"],
        ["recording a prediction", f"{recording * each:.1f} µs"],
    ]


def _of_all(store: PredictionStore, reference: TrainingReference, rows: int, path: Path) -> Iterator[list[str]]:
    writing = _write(store, rows)
    yield ["writing, in transactions of 1,000", f"{rows / writing:,.0f} predictions/s"]
    yield ["the file", f"{path.stat().st_size / 1e6:,.0f} MB"]
    now = time.time()
    yield ["summary of all", f"{_seconds(lambda: summarize(store, reference)):.2f} s"]
    yield ["summary of a week", f"{_seconds(lambda: summarize(store, reference, since=now - 7 * DAY)):.2f} s"]
    yield ["gauges of a day", f"{_seconds(lambda: monitor_gauges(store, reference)):.2f} s"]
    yield ["forgetting the older half", f"{_seconds(lambda: store.prune(before=now - MONTH / 2)):.2f} s"]


def _write(store: PredictionStore, rows: int) -> float:
    """Write in batches, with feedback on some; only the batches are on the clock."""
    seconds, batch = 0.0, []
    for number, record in enumerate(_made_up(rows), 1):
        batch.append(record)
        if len(batch) == BATCH or number == rows:
            seconds += _seconds(lambda batch=batch: store.add(batch))
            for one in batch[::FEEDBACK]:
                store.feedback(one.id, LABELS[0])
            batch = []
    return seconds


def _made_up(rows: int) -> Iterator[PredictionRecord]:
    choose, now = random.Random(13), time.time()
    for number in range(rows):
        at = now - MONTH * (rows - number) / rows
        yield PredictionRecord(
            new_id(at), at, "shop", "v1", int(choose.lognormvariate(3.3, 0.8)), choose.choice(("zh", "zh", "zh", "en")),
            choose.choice(LABELS), choose.betavariate(5, 1), choose.lognormvariate(0.7, 0.6),
            unknown=choose.choice((0.0, 0.0, 0.02)), abstained=False,
        )  # fmt: skip


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
