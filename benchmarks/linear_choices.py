"""Why the defaults of `tfidf` are what they are: accuracy without the test sets, one choice changed at a time.

    python benchmarks/linear_choices.py

Sets with a development file are measured on it, the others by five-fold cross-validation over the training texts.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from _common import load, machine, parser, print_table
from fenlei import NbsvmClassifier, TfidfClassifier

SETS = ("thucnews", "chnsenticorp", "waimai", "trec", "mr", "subj")
CHOICES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "C=0.2": {"C": 0.2},
    "C=1": {"C": 1.0},
    "C=2": {"C": 2.0},
    "prior=flat": {"prior": "flat"},
    "boundaries=False": {"boundaries": False},
    "ngrams=(1, 2)": {"ngrams": (1, 2)},
    "ngrams=(1, 4)": {"ngrams": (1, 4)},
    "char_ngrams=None": {"char_ngrams": None},
    "char_ngrams=(3, 5)": {"char_ngrams": (3, 5)},
    "char_weight=1": {"char_weight": 1.0},
    "idf=False": {"idf": False},
    "segmenter=jieba, ngrams=(1, 2)": {"segmenter": "jieba", "ngrams": (1, 2)},
    "classifier=logistic": {"classifier": "logistic"},
    "classifier=nb": {"classifier": "nb"},
}

Part = tuple[list[str], list[str], list[str], list[str]]


def main() -> None:
    options = parser(str(__doc__).partition("\n")[0]).parse_args()
    parts = {name: list(_parts(options.data, name)) for name in SETS}
    print(f"{machine()}; accuracy in %, development set (thucnews, chnsenticorp, waimai) or five folds\n")
    rows = []
    for choice, settings in CHOICES.items():
        model = TfidfClassifier(**{"calibrate": False, **settings})
        rows.append([choice, *_figures(model, parts)])
    for beta in (1.0, 0.25):
        model = NbsvmClassifier(calibrate=False, beta=beta)
        rows.append([f"nbsvm, beta={beta}", *_figures(model, parts)])
    print_table(["tfidf with", *SETS, "mean"], rows)


def _figures(model: Any, parts: dict[str, list[Part]]) -> list[str]:
    figures = [statistics.mean(_accuracy(model, part) for part in parts[name]) for name in SETS]
    return [f"{figure:.2f}" for figure in [*figures, statistics.mean(figures)]]


def _accuracy(model: Any, part: Part) -> float:
    texts, labels, held_out, truth = part
    given = model.fit(texts, labels).predict(held_out)
    return 100 * float(np.mean(given == np.array(truth)))


def _parts(folder: Path, name: str) -> Iterator[Part]:
    train = load(folder, name, "train")
    if (folder / name / "dev.jsonl").exists():
        dev = load(folder, name, "dev")
        yield train.texts, list(train.targets or []), dev.texts, list(dev.targets or [])
        return
    order = np.random.default_rng(0).permutation(len(train)).tolist()
    for fold in range(5):
        rest, held_out = train.select(_others(order, fold)), train.select(order[fold::5])
        yield rest.texts, list(rest.targets or []), held_out.texts, list(held_out.targets or [])


def _others(order: list[int], fold: int) -> list[int]:
    return [row for place, row in enumerate(order) if place % 5 != fold]


if __name__ == "__main__":
    main()
