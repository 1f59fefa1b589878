"""Accuracy of the networks with their default settings on the whole test sets: mean of three seeds, and the range.

Trained as `fenlei train` does: on train with dev to choose the epoch by; where there is no dev, on train with a tenth
held out, then on all of it for as many epochs as were best. The test set is read once a model.

python benchmarks/network_accuracy.py [--sets trec,mr] [--families textcnn,fasttext] [--seeds 1,2,3] [--set KEY=VALUE]
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from _common import load, machine, parser, print_table, spread
from fenlei.train.run import TrainPlan, train_model

SETS = ("trec", "mr", "subj", "waimai", "chnsenticorp", "thucnews", "imdb")


def main() -> None:
    options = parser(str(__doc__).partition("\n")[0])
    options.add_argument("--sets", default=",".join(SETS))
    options.add_argument("--families", default="textcnn,fasttext")
    options.add_argument("--seeds", default="1,2,3")
    options.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="settings beside the defaults")
    chosen = options.parse_args()
    settings = {key: json.loads(value) for key, _, value in (one.partition("=") for one in chosen.set)}
    families, seeds = chosen.families.split(","), [int(seed) for seed in chosen.seeds.split(",")]
    print(f"{machine()}; accuracy in %, mean (range) of seeds {chosen.seeds}; seconds of one training in brackets\n")
    rows = []
    for name in chosen.sets.split(","):
        cells = [_cell(chosen.data, name, family, seeds, settings) for family in families]
        rows.append([name, *cells])
    print_table(["data", *families], rows)


def _cell(data: Path, name: str, family: str, seeds: list[int], settings: dict[str, Any]) -> str:
    train, test = load(data, name, "train"), load(data, name, "test")
    valid = load(data, name, "dev") if (data / name / "dev.jsonl").exists() else None
    found, seconds = [], []
    for seed in seeds:
        plan = TrainPlan(model=family, settings=settings, audit=False, learning_curve=False, seed=seed)
        start = time.perf_counter()
        trained = train_model(train, valid=valid, test=test, plan=plan)
        seconds.append(time.perf_counter() - start)
        assert trained.test is not None
        assert trained.validation is not None
        found.append(100 * float(trained.test.metrics["accuracy"] or 0))
        held = 100 * float(trained.validation.metrics["accuracy"] or 0)
        told = f"{name} {family} {seed}: valid {held:.2f}, test {found[-1]:.2f}, {seconds[-1]:.0f} s"
        print(told, file=sys.stderr, flush=True)
    return f"{spread(found)} [{statistics.median(seconds):.0f} s]"


if __name__ == "__main__":
    main()
