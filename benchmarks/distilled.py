"""What distillation, pruning and trimming leave of a fine-tuned encoder: accuracy, speed and size, in one run.

    python benchmarks/distilled.py [--sets chnsenticorp,thucnews,mr] [--labelled 10000] [--unlabelled 50000]

An encoder is fine-tuned on labelled texts (a tenth held out to choose the epoch by). Of it are made: a textcnn, by its
answers to these texts and to others of the set whose labels nobody looks at, which is then folded; encoders with a part
of their hidden units, layers or heads, trained on for two epochs; and one with the tokens of these texts only. Beside
them a textcnn that learned from the labels alone: what distillation adds to. All are measured on the test set, one
after the other: texts a second from raw text to scores, and of one text alone. "kept" is the share of the encoder's
accuracy.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

from _common import load, machine, parser, print_table
from fenlei.compress.distilling import distill
from fenlei.compress.folding import fold
from fenlei.compress.measure import Measured, compare, measure
from fenlei.compress.pruning import prune
from fenlei.compress.trimming import trim
from fenlei.data.dataset import Dataset
from fenlei.engine.recipe import Run
from fenlei.models.encoder import EncoderClassifier
from fenlei.models.textcnn import TextCnnClassifier

PRUNED = (
    {"keep": 0.75}, {"keep": 0.5}, {"keep": 0.25}, {"keep": 1.0, "keep_layers": 0.5}, {"keep": 1.0, "keep_heads": 0.5},
)  # fmt: skip
RUN = Run(message=lambda text: print(f"  {text}", flush=True))


def main() -> None:
    chosen = _options()
    print(f"{machine()}; {chosen.encoder}\n")
    for name in chosen.sets.split(","):
        train, test = load(chosen.data, name, "train"), load(chosen.data, name, "test")
        order = np.random.default_rng(0).permutation(len(train)).tolist()
        labelled = train.select(order[: chosen.labelled])
        rest = [train.texts[i] for i in order[chosen.labelled :]][: chosen.unlabelled]
        print(f"\n### {name}: {len(labelled):,} labelled texts, {len(rest):,} others, {len(test):,} to measure on\n")
        _print(name, _models(chosen, labelled, rest), test)


def _options() -> argparse.Namespace:
    options = parser(str(__doc__).partition("\n")[0])
    options.add_argument("--sets", default="chnsenticorp,thucnews,mr")
    options.add_argument("--encoder", default="e5-small")
    options.add_argument("--labelled", type=int, default=10_000)
    options.add_argument("--unlabelled", type=int, default=50_000)
    options.add_argument("--epochs", type=int, help="of the encoder")
    options.add_argument("--student-epochs", type=int, help="of the textcnn")
    options.add_argument("--pruned-epochs", type=int, default=2)
    return options.parse_args()


def _models(chosen: argparse.Namespace, labelled: Dataset, rest: list[str]) -> dict[str, Any]:
    """Make the encoder and all that comes of it, by name."""
    teacher = EncoderClassifier(encoder=chosen.encoder, epochs=chosen.epochs).fit(labelled.texts, labelled.targets)
    _remember(teacher)
    epochs = {} if chosen.student_epochs is None else {"epochs": chosen.student_epochs}
    learned: dict[str, Any] = {"train": (labelled.texts, labelled.targets), "run": RUN}
    made: dict[str, Any] = {"encoder": teacher}
    made["textcnn, of labels alone"] = TextCnnClassifier(**epochs).fit(labelled.texts, labelled.targets)
    students: dict[str, Callable[[], Any]] = {
        "distilled, from the same texts": lambda: distill(teacher, **learned, augment=0, **epochs),
        "distilled, and made ones": lambda: distill(teacher, **learned, **epochs),
        "distilled, and others": lambda: distill(teacher, **learned, texts=rest, **epochs),
    }
    made |= {name: make() for name, make in students.items() if rest or "others" not in name}
    student = made["distilled, and others" if rest else "distilled, and made ones"]
    made |= {f"folded, {table}": fold(student, table=table) for table in ("float32", "int8")}
    for shares in PRUNED:
        name = "pruned, " + ", ".join(f"{key}={value:g}" for key, value in shares.items())
        made[name] = prune(teacher, **learned, epochs=chosen.pruned_epochs, **shares)
    made["trimmed"] = trim(teacher, texts=[*labelled.texts, *rest], run=RUN)
    made["trimmed, characters=false"] = trim(teacher, texts=[*labelled.texts, *rest], characters=False, run=RUN)
    del teacher.predict_proba  # the remembered answers: from here on the clock runs
    return made


def _remember(teacher: Any) -> None:
    """Let a model keep its answers, for which several methods ask."""
    known: dict[str, Any] = {}
    answer = teacher.predict_proba

    def look_up(texts: list[str]) -> Any:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, answer(new), strict=True))
        return np.array([known[text] for text in texts])

    teacher.predict_proba = look_up


def _print(name: str, models: dict[str, Any], test: Dataset) -> None:
    teacher = models.pop("encoder")
    whole = measure(teacher, test.texts, test.targets)
    rows = [_row("encoder", whole, whole, 1.0)]
    for label, model in models.items():
        found = compare(teacher, model, test.texts[:500])
        rows.append(_row(label, measure(model, test.texts, test.targets), whole, found.agreement))
    head = ["", "accuracy, %", "kept, %", "same answer, %", "texts/s", "times", "one text, ms", "MB"]
    print()
    print_table([name, *head[1:]], rows)


def _row(name: str, one: Measured, whole: Measured, agreement: float) -> list[str]:
    assert one.accuracy is not None
    assert whole.accuracy
    return [
        name, f"{100 * one.accuracy:.2f}", f"{100 * one.accuracy / whole.accuracy:.1f}", f"{100 * agreement:.1f}",
        f"{one.texts_per_second:,.0f}", f"{one.texts_per_second / whole.texts_per_second:.1f}",
        f"{one.single_ms:.2f}", f"{one.bytes / 1e6:.1f}",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
