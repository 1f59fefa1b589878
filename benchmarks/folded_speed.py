"""Scoring speed of a folded textcnn on thucnews, in one run with PyTorch and fastText; raw titles in, labels out.

    python benchmarks/folded_speed.py [--runs 5]

All networks have 300 dimensions and 256 filters of each of the widths 2, 3 and 4. Ours is trained for one pass over
some titles and the plain PyTorch network not at all: the speed of a network does not depend on its weights. The
programs take turns, so that other work on the machine meets them alike, and each figure is the median of its turns,
after a warm-up which also compiles. All programs may use all cores; fastText's predict uses one.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from _common import load, machine, parser, print_table
from _peers import FastText
from _tutorial import TutorialClassifier
from fenlei.compress.folding import fold
from fenlei.layers.folded import TABLES
from fenlei.models.folded import FoldedClassifier
from fenlei.models.textcnn import TextCnnClassifier

WIDTHS, FILTERS, DIM = (2, 3, 4), 256, 300
TRAINED = 20_000  # titles
SLOW = 2_000  # titles that the networks score in a turn; the others score all

Predict = Callable[[Sequence[str]], Any]


def main() -> None:
    options = parser(str(__doc__).partition("\n")[0])
    options.add_argument("--runs", type=int, default=5)
    chosen = options.parse_args()
    train, test = load(chosen.data, "thucnews", "train"), load(chosen.data, "thucnews", "test")
    network = TextCnnClassifier(
        widths=WIDTHS, filters=FILTERS, dim=DIM, epochs=1, hold_out=0, min_count=1, precision="float32"
    )
    some = np.random.default_rng(13).permutation(len(train))[:TRAINED].tolist()
    network.fit([train.texts[i] for i in some], [train.targets[i] for i in some])
    folded = {kind: fold(network, table=kind) for kind in TABLES}
    tutorial = TutorialClassifier(train.texts, network.classes_.tolist(), dim=DIM, widths=WIDTHS, filters=FILTERS)
    fasttext = FastText(chinese=True, threads=os.cpu_count() or 1).fit(train.texts, train.targets)
    programs: dict[str, tuple[Predict, int]] = {
        "PyTorch, as in tutorials": (tutorial.predict, SLOW),
        "fenlei textcnn": (network.predict, SLOW),
        **{f"fenlei folded, {kind}": (model.predict, len(test)) for kind, model in folded.items()},
        "fastText's predict": (fasttext.predict, len(test)),
    }
    sizes = f"{len(test):,} titles, {len(network.inputs_.tokens_):,} tokens"
    print(f"{machine()}; {sizes}, median of {chosen.runs} turns\n")
    _print_speeds(_take_turns(programs, test.texts, chosen.runs))
    print()
    _print_errors(network, folded, test.texts)
    print()
    _print_stages(folded, test.texts[:8192])


def _take_turns(programs: dict[str, tuple[Predict, int]], texts: list[str], runs: int) -> dict[str, float]:
    """Give the texts a second of each program."""
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(runs + 1):  # the first is the warm-up
        for name, (predict, n) in programs.items():
            start = time.perf_counter()
            predict(texts[:n])
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: n / statistics.median(seconds[name]) for name, (_, n) in programs.items()}


def _print_speeds(speeds: dict[str, float]) -> None:
    plain, fasttext = speeds["PyTorch, as in tutorials"], speeds["fastText's predict"]
    print_table(
        ["program", "titles/s", "times PyTorch", "times fastText"],
        [[name, f"{x:,.0f}", f"{x / plain:.1f}", f"{x / fasttext:.2f}"] for name, x in speeds.items()],
    )


def _print_errors(network: TextCnnClassifier, folded: dict[str, FoldedClassifier], texts: list[str]) -> None:
    truth = network.predict_proba(texts)
    rows = []
    for kind, model in folded.items():
        scores = model.predict_proba(texts)
        size = sum(map(len, model.to_files().values()))
        same = (scores.argmax(1) == truth.argmax(1)).mean()
        rows.append([kind, f"{np.abs(scores - truth).max():.1e}", f"{100 * same:.2f}", f"{size / 1e6:.1f}"])
    print_table(["tables", "largest difference of a score", "same label, %", "MB"], rows)


def _print_stages(folded: dict[str, FoldedClassifier], texts: list[str]) -> None:
    """Measure the processor's time for each stage, of all threads together."""
    rows = []
    for kind, model in folded.items():
        cleaning, clean = _busy(lambda model=model: model.preparation_.transform(texts))
        looking, (channel,) = _busy(lambda model=model, clean=clean: model.inputs_.transform(clean))
        adding, logits = _busy(lambda model=model, x=channel: model._logits(x.ids[None], x.bounds))
        deciding, _ = _busy(lambda model=model, x=logits: model.labels_from_scores(model._probabilities(x)))
        rows.append([kind, *(f"{1e6 * s / len(texts):.2f}" for s in (cleaning, looking, adding, deciding))])
    print_table(["tables, µs a title", "cleaning", "ids", "look-ups and last layer", "probabilities, label"], rows)


def _busy(work: Callable[[], Any]) -> tuple[float, Any]:
    """Give the median processor seconds of five runs, and the last result."""
    seconds = []
    for _ in range(5):
        start = time.process_time()
        result = work()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds), result


if __name__ == "__main__":
    main()
