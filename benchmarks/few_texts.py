"""Accuracy with few labelled texts: tfidf, probe and fewshot on the same draws from train, measured on dev.

python benchmarks/few_texts.py [--sets chnsenticorp,thucnews] [--shots 8,32] [--draws 3]
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np

from _common import load, machine, parser, print_table, spread
from fenlei.data.dataset import Dataset
from fenlei.families import find_family

_FAMILIES = ("tfidf", "probe", "fewshot")
_LENGTH, _MEASURED = 64, 500


def main() -> None:
    options = parser(str(__doc__).partition("\n")[0])
    options.add_argument("--encoder", default="e5-small")
    options.add_argument("--sets", default="chnsenticorp,thucnews")
    options.add_argument("--shots", default="8,32", help="texts a class")
    options.add_argument("--draws", type=int, default=3)
    chosen = options.parse_args()
    print(f"{machine()}; {chosen.encoder}, {_LENGTH} tokens; accuracy in %, mean (range) of {chosen.draws} draws\n")
    rows = []
    for name in chosen.sets.split(","):
        train, dev = load(chosen.data, name, "train"), load(chosen.data, name, "dev")
        dev = dev.select(np.random.default_rng(0).permutation(len(dev))[:_MEASURED].tolist())
        for shots in map(int, chosen.shots.split(",")):
            drawn = [_draw(train, shots, seed) for seed in range(1, chosen.draws + 1)]
            rows.append([f"{name}, {shots}", *(_cell(family, drawn, dev, chosen.encoder) for family in _FAMILIES)])
            print(rows[-1], flush=True)
    print_table(["texts a class", *_FAMILIES], rows)


def _draw(train: Dataset, shots: int, seed: int) -> Dataset:
    order = np.random.default_rng(seed).permutation(len(train))
    labels = np.array(train.targets)[order]
    return train.select(int(i) for label in np.unique(labels) for i in order[labels == label][:shots])


def _cell(family: str, drawn: list[Dataset], dev: Dataset, encoder: str) -> str:
    settings: dict[str, Any] = {} if family == "tfidf" else {"encoder": encoder, "max_length": _LENGTH}
    found, seconds = [], []
    for data in drawn:
        start = time.perf_counter()
        model = find_family(family)(**settings).fit(data.texts, data.targets)
        seconds.append(time.perf_counter() - start)
        found.append(100 * model.score(dev.texts, dev.targets))
    return f"{spread(found, 1)} [{statistics.median(seconds):.0f} s]"


if __name__ == "__main__":
    main()
