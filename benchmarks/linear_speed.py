"""Training and scoring speed on thucnews, in one run with scikit-learn and fastText; raw texts in, labels out.

    python benchmarks/linear_speed.py [--runs 3]

Each figure is the median of some runs in one process, after a warm-up on 200 texts (which also compiles). All
programs may use all cores; scikit-learn uses one.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import fenlei
from _common import load, machine, parser, print_table, timed
from _peers import FastText, folder_size, sklearn_pipeline
from fenlei import TfidfClassifier


def main() -> None:
    options = parser(str(__doc__).partition("\n")[0])
    options.add_argument("--runs", type=int, default=3)
    chosen = options.parse_args()
    train, test = load(chosen.data, "thucnews", "train"), load(chosen.data, "thucnews", "test")
    print(f"{machine()}; {len(train):,} titles to train on, {len(test):,} to score, median of {chosen.runs} runs\n")
    programs: dict[str, Any] = {
        "fenlei tfidf": TfidfClassifier(),
        "fenlei tfidf, calibrate=False": TfidfClassifier(calibrate=False),
        "scikit-learn, TF-IDF + LinearSVC": sklearn_pipeline(chinese=True),
        "fastText, 1-3 grams, 5 epochs": FastText(chinese=True, threads=os.cpu_count() or 1),
    }
    figures = {}
    for name, model in programs.items():
        model.fit(train.texts[:200], train.targets[:200])
        model.predict(test.texts[:200])
        fit_seconds, fitted = timed(lambda model=model: model.fit(train.texts, train.targets), chosen.runs)
        score_seconds, labels = timed(lambda fitted=fitted: fitted.predict(test.texts), chosen.runs)
        right = sum(given == true for given, true in zip(labels, test.targets, strict=True))
        figures[name] = (fit_seconds, score_seconds, 100 * right / len(test))
    _print(figures, len(test))
    _print_size(programs["fenlei tfidf"])


def _print(figures: dict[str, tuple[float, float, float]], n: int) -> None:
    ours_fit, ours_score, _ = figures["fenlei tfidf"]
    print_table(
        ["program", "training, s", "ratio to fenlei", "scoring, texts/s", "ratio to fenlei", "accuracy, %"],
        [
            [
                name,
                f"{fit:.2f}",
                f"{fit / ours_fit:.2f}",
                f"{n / score:,.0f}",
                f"{ours_score / score:.3f}",
                f"{right:.2f}",
            ]
            for name, (fit, score, right) in figures.items()
        ],
    )


def _print_size(model: TfidfClassifier) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = fenlei.save(model, Path(folder) / "model")
        seconds, _ = timed(lambda: fenlei.load(place))
        print(f"\nmodel folder {folder_size(place) / 1e6:.1f} MB, loaded and checked in {seconds:.3f} s")


if __name__ == "__main__":
    main()
