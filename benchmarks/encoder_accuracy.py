"""Accuracy, seconds, trained weights and memory of fine-tuned encoders, heads and strategies side by side.

Each training runs in a process of its own, so that its peak of memory is its own. Trained as `fenlei train` does: on
train with dev to choose the epoch by; where there is no dev, on train with a tenth held out, then on all of it for as
many epochs as were best. The test set is read once a model.

The seconds are those of the run that was disturbed least, of all of it from texts to figures. Those of an epoch are
learning and, where there is a dev set, measuring on it, without what a frozen encoder does once.

python benchmarks/encoder_accuracy.py --encoder e5-small --sets waimai --heads cls,mean,conv,rnn [--seeds 1,2,3]
python benchmarks/encoder_accuracy.py --encoder e5-small --sets waimai --strategies full,frozen,last,lora --heads conv
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from _common import load, machine, parser, print_table, spread
from fenlei.train.run import TrainPlan, train_model

_WITH_DEV = "dev.jsonl"
_COLUMNS = (
    "data", "strategy", "head", "test", "unseen texts", "valid", "seconds", "of an epoch", "trained weights", "peak, MB"
)  # fmt: skip


def main() -> None:
    options = parser(str(__doc__).partition("\n")[0])
    options.add_argument("--encoder", default="e5-small")
    options.add_argument("--family", default="encoder")
    options.add_argument("--sets", default="waimai,chnsenticorp")
    options.add_argument("--heads", default="mean")
    options.add_argument("--strategies", default="full")
    options.add_argument("--seeds", default="1,2,3")
    options.add_argument("--rows", type=int, help="train on so many texts only, drawn with the seed 0")
    options.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="settings beside the defaults")
    options.add_argument("--one", help=argparse.SUPPRESS)  # what a process of its own is to do, as JSON
    chosen = options.parse_args()
    if chosen.one:
        print(json.dumps(_one(chosen.data, **json.loads(chosen.one))))
        return
    print(f"{machine()}; {chosen.encoder}; accuracy in %, mean (range) of seeds {chosen.seeds}\n")
    rows = []
    for name in chosen.sets.split(","):
        for strategy in chosen.strategies.split(","):
            rows += [[name, strategy, head, *_cells(chosen, name, strategy, head)] for head in chosen.heads.split(",")]
    print_table(_COLUMNS, rows)


def _cells(chosen: argparse.Namespace, name: str, strategy: str, head: str) -> list[str]:
    own = {"encoder": chosen.encoder} | ({"head": head, "strategy": strategy} if chosen.family == "encoder" else {})
    settings = own | {key: json.loads(value) for key, _, value in (one.partition("=") for one in chosen.set)}
    found = []
    for seed in chosen.seeds.split(","):
        task = {"name": name, "family": chosen.family, "settings": settings, "seed": int(seed), "rows": chosen.rows}
        command = [sys.executable, __file__, "--data", str(chosen.data), "--one", json.dumps(task)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        found.append(json.loads(done.stdout))
        print(name, strategy, head, seed, found[-1], file=sys.stderr, flush=True)
    seconds, epoch = (min(one[part] or 0 for one in found) for part in ("seconds", "epoch"))
    return [
        *(spread([one[part] for one in found]) for part in ("test", "unseen", "valid")),
        f"{seconds:,.0f}", f"{epoch:,.1f}",
        f"{found[0]['trained'] or 0:,}", f"{max(one['peak'] for one in found):,.0f}",
    ]  # fmt: skip


def _one(data: Path, name: str, family: str, settings: dict[str, Any], seed: int, rows: int | None) -> dict[str, Any]:
    train, test = load(data, name, "train"), load(data, name, "test")
    if rows:
        train = train.select(np.random.default_rng(0).permutation(len(train))[:rows].tolist())
    valid = load(data, name, "dev") if (data / name / _WITH_DEV).exists() else None
    plan = TrainPlan(model=family, settings=settings, audit=False, learning_curve=False, seed=seed)
    start = time.perf_counter()
    trained = train_model(train, valid=valid, test=test, plan=plan)
    seconds = time.perf_counter() - start
    assert trained.test is not None
    assert trained.validation is not None
    unseen = data / name / "test_unseen.jsonl"
    return {
        "test": _percent(trained.test.metrics["accuracy"]),
        "valid": _percent(trained.validation.metrics["accuracy"]),
        "unseen": _score(trained.model, load(data, name, "test_unseen")) if unseen.exists() else None,
        "seconds": round(seconds, 1),
        "epoch": _of_an_epoch(getattr(trained.model, "history_", [])),
        "trained": getattr(trained.model, "trained_weights_", None),
        "peak": _peak(),
    }


def _score(model: Any, data: Any) -> float:
    return _percent(model.score(data.texts, data.targets))


def _percent(value: Any) -> float:
    return round(100 * float(value or 0), 2)


def _of_an_epoch(history: list[dict[str, float]]) -> float | None:
    return round(history[-1]["seconds"] / len(history), 2) if history else None


def _peak() -> float:
    """Megabytes that this process had at most."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
