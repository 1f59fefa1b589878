"""Scoring with ONNX in float32 and int8 beside the networks they were made from; raw texts in, probabilities out.

    python benchmarks/onnx_speed.py --encoder FOLDER [--set chnsenticorp] [--rows 9600] [--texts 2000] [--runs 5]

A textcnn and an encoder learn from a part of a real set. For the encoder there is also the ``transformers`` pipeline,
with the same weights, in batches of 32 in the order of the file, each padded to its longest text, and one text at a
time, as it does by itself; as our own models it runs on all cores. The programs take turns, so that other work on the
machine meets them alike; each figure is the median of its turns, after a warm-up. ``--trained FOLDER`` keeps the
trained models, and takes them from there.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import fenlei
from _common import load, machine, parser, print_table
from fenlei.base import TextClassifier
from fenlei.compress.onnx_export import export_onnx
from fenlei.compress.quantizing import quantize
from fenlei.models.encoder import EncoderClassifier
from fenlei.models.textcnn import TextCnnClassifier

BATCH = 32  # of the pipeline
SINGLE = 50  # texts scored one by one

Score = Callable[[Sequence[str]], NDArray[Any]]


class Program(NamedTuple):
    """One way to score."""

    name: str
    score: Score
    bytes: int


def main() -> None:
    options = parser(str(__doc__).partition("\n")[0])
    options.add_argument("--encoder", default="e5-small")
    options.add_argument("--set", default="chnsenticorp", dest="name")
    options.add_argument("--rows", type=int, default=9600, help="texts to learn from")
    options.add_argument("--texts", type=int, default=2000, help="texts to score")
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--trained", type=Path, help="folder of the trained models")
    chosen = options.parse_args()
    train, test = load(chosen.data, chosen.name, "train"), load(chosen.data, chosen.name, "test")
    rows = np.random.default_rng(13).permutation(len(train))[: chosen.rows].tolist()
    texts, targets = test.texts[: chosen.texts], np.array(test.targets[: chosen.texts])
    print(f"{machine()}; {chosen.name}, {len(rows):,} texts learned, {len(texts):,} scored, {chosen.runs} turns\n")
    for kind in (TextCnnClassifier(), EncoderClassifier(encoder=chosen.encoder)):
        model = _trained(kind, chosen.trained, [train.texts[i] for i in rows], [train.targets[i] for i in rows])
        _print_figures(_programs(model, chosen.encoder), model, texts, targets, chosen.runs)
        print()


def _trained(model: TextClassifier, folder: Path | None, texts: list[str], targets: list[str]) -> TextClassifier:
    place = None if folder is None else folder / model.family
    if place is not None and place.exists():
        return fenlei.load(place)
    model.fit(texts, targets)
    if place is not None:
        fenlei.save(model, place)
    return model


def _programs(model: TextClassifier, encoder: str) -> list[Program]:
    start = time.perf_counter()
    exported = export_onnx(model)
    seconds = time.perf_counter() - start
    small = quantize(exported)
    print(f"{model.family}: exported in {seconds:.1f} s, {len(exported.graph_.data) / 1e6:.1f} MB")
    named = {f"{model.family}, network": model, "ONNX float32": exported, "ONNX int8": small}
    programs = [Program(name, m.predict_proba, _size(m)) for name, m in named.items()]
    if isinstance(model, EncoderClassifier):
        programs += [
            Program(name, _pipeline(model, encoder, batch_size), _size(model))
            for name, batch_size in (("pipeline, batches of 32", BATCH), ("transformers pipeline", 1))
        ]
    return programs


def _size(model: TextClassifier) -> int:
    return sum(map(len, model.to_files().values()))


def _pipeline(model: EncoderClassifier, encoder: str, batch_size: int) -> Score:
    """Give the classes' probabilities by the pipeline of transformers, over the same network."""
    from transformers import AutoTokenizer, pipeline
    from transformers.utils import logging

    from fenlei.encoders.find import find_encoder

    logging.set_verbosity(50)  # it would say that it does not know the class of the network
    network: Any = model.network_.eval()
    network.encoder.set_attn_implementation("sdpa")
    network.config.id2label = dict(enumerate(model.classes_.tolist()))
    tokenizer = AutoTokenizer.from_pretrained(find_encoder(encoder))
    ask: Any = pipeline("text-classification", model=network, tokenizer=tokenizer, batch_size=batch_size, top_k=None)

    def score(texts: Sequence[str]) -> NDArray[Any]:
        answers = ask(list(texts), truncation=True, max_length=model.max_length_)
        by_label = [{one["label"]: one["score"] for one in answer} for answer in answers]
        return np.array([[row[label] for label in model.classes_.tolist()] for row in by_label])

    return score


def _print_figures(
    programs: list[Program], model: TextClassifier, texts: list[str], targets: NDArray[Any], runs: int
) -> None:
    speeds, scores = _take_turns(programs, texts, runs)
    truth, plain = scores[0], programs[1]
    rows = []
    for program, found, speed in zip(programs, scores, speeds, strict=True):
        right = 100 * (model.classes_[found.argmax(1)] == targets).mean()
        same = 100 * (found.argmax(1) == truth.argmax(1)).mean()
        rows.append([
            program.name, f"{right:.2f}", f"{same:.2f}", f"{np.abs(found - truth).max():.1e}",
            f"{program.bytes / plain.bytes:.3f}", f"{_single(program.score, texts):.2f}", f"{speed:,.0f}",
            f"{speed / speeds[1]:.2f}", f"{speed / speeds[-1]:.2f}",
        ])  # fmt: skip
    head = ["program", "accuracy", "same label, %", "largest difference", "size by ONNX float32", "one text, ms"]
    print_table([*head, "texts/s", "by ONNX float32", f"by {programs[-1].name}"], rows)


def _take_turns(programs: list[Program], texts: list[str], runs: int) -> tuple[list[float], list[NDArray[Any]]]:
    """Give the texts a second of each program, and its scores."""
    seconds: list[list[float]] = [[] for _ in programs]
    scores = [program.score(texts) for program in programs]  # the warm-up
    for _ in range(runs):
        for program, taken in zip(programs, seconds, strict=True):
            start = time.perf_counter()
            program.score(texts)
            taken.append(time.perf_counter() - start)
    return [len(texts) / statistics.median(taken) for taken in seconds], scores


def _single(score: Score, texts: list[str]) -> float:
    """Median milliseconds for one text."""
    taken = []
    for text in texts[:SINGLE]:
        start = time.perf_counter()
        score([text])
        taken.append(time.perf_counter() - start)
    return 1000 * statistics.median(taken)


if __name__ == "__main__":
    main()
