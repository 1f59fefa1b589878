"""Accuracy of the linear families with their default settings, on the whole test sets, beside scikit-learn and
fastText.

python benchmarks/linear_accuracy.py [--sets trec,mr] [--peers]
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from _common import CHINESE, load, machine, parser, print_table
from _peers import FastText, sklearn_pipeline
from fenlei import NbsvmClassifier, TfidfClassifier

SETS = ("thucnews", "chnsenticorp", "waimai", "trec", "mr", "sst2", "subj", "sms_spam", "agnews", "imdb")
UNSEEN = ("chnsenticorp", "trec", "sms_spam")  # test texts that also stand in train or dev are left out of these files


def main() -> None:
    options = parser(str(__doc__).partition("\n")[0])
    options.add_argument("--sets", default=",".join(SETS))
    options.add_argument("--peers", action="store_true", help="run scikit-learn and fastText too")
    chosen = options.parse_args()
    print(f"{machine()}; accuracy in %, seconds of training in brackets\n")
    names = ["tfidf", "nbsvm"] + (["scikit-learn", "fastText"] if chosen.peers else [])
    rows = []
    for name in chosen.sets.split(","):
        train, test = load(chosen.data, name, "train"), load(chosen.data, name, "test")
        models = [_make(model, chinese=name in CHINESE) for model in names]
        fitted = [_fit(model, train) for model in models]
        rows.append([name, *(f"{_accuracy(model, test):.2f} ({seconds:.1f})" for model, seconds in fitted)])
        if name in UNSEEN:
            unseen = load(chosen.data, name, "test_unseen")
            rows.append([f"{name}, unseen texts only", *(f"{_accuracy(model, unseen):.2f}" for model, _ in fitted)])
        print(name, "done", file=sys.stderr, flush=True)
    print_table(["data", *names], rows)


def _make(name: str, *, chinese: bool) -> Any:
    if name == "scikit-learn":
        return sklearn_pipeline(chinese=chinese)
    if name == "fastText":
        return FastText(chinese=chinese, threads=os.cpu_count() or 1)
    return {"tfidf": TfidfClassifier, "nbsvm": NbsvmClassifier}[name]()


def _fit(model: Any, train: Any) -> tuple[Any, float]:
    start = time.perf_counter()
    model.fit(train.texts, train.targets)
    return model, time.perf_counter() - start


def _accuracy(model: Any, test: Any) -> float:
    right = sum(given == true for given, true in zip(model.predict(test.texts), test.targets, strict=True))
    return 100 * right / len(test)


if __name__ == "__main__":
    main()
