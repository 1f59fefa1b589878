"""Scoring a file of short texts: rows a second and peak memory of `fenlei score`, beside reading all at once.

    python benchmarks/scoring.py [--rows 1000000] [--runs 3]

The titles of thucnews, each with a number so that none is there twice, as jsonl. The models are a tfidf and a folded
textcnn, trained on some of the titles; what they know does not matter here. "All at once" is what a short script does:
read every line, ask `predict_proba` once, write every line. Every run is a program of its own, from its start to its
end with the loading of the model in it; they take turns, and each figure is the median of its turns. Peak memory is the
sum of the peaks of a run's processes.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

import fenlei
from _common import load, machine, parser, print_table
from fenlei.compress.folding import fold
from fenlei.models.textcnn import TextCnnClassifier

TRAINED = 20_000  # titles
_PEAK = """
import os, pathlib
def peak(process):
    lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""
_SCORE = f"""
import sys
{_PEAK}
from fenlei.cli.score import score_command
from fenlei.scoring.workers import Workers
peaks, leave = [], Workers.__exit__
def note_and_leave(workers, *error):
    peaks.extend(peak(worker._process.pid) for worker in workers._workers)
    leave(workers, *error)
Workers.__exit__ = note_and_leave
score_command([*sys.argv[1:3], "--output", *sys.argv[3:]], standalone_mode=False)
print(peak(os.getpid()) + sum(peaks))
"""
_AT_ONCE = f"""
import json, sys
{_PEAK}
import fenlei
model = fenlei.load(sys.argv[1])
with open(sys.argv[2], encoding="utf-8") as file:
    texts = [json.loads(line)["text"] for line in file]
scores = model.predict_proba(texts)
labels = model.labels_from_scores(scores).tolist()
with open(sys.argv[3], "w", encoding="utf-8") as file:
    for label, score in zip(labels, scores.max(axis=1).tolist()):
        file.write(json.dumps(dict(label=label, score=score), ensure_ascii=False) + "\\n")
print(peak(os.getpid()))
"""


def main() -> None:
    options = parser(str(__doc__).partition("\n")[0])
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=3)
    chosen = options.parse_args()
    train = load(chosen.data, "thucnews", "train")
    print(f"{machine()}; {chosen.rows:,} titles, median of {chosen.runs} turns\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = _models(folder, train.texts, train.targets)
        few, all_ = (_write(folder, train.texts, count) for count in (chosen.rows // 10, chosen.rows))
        runs = {
            "fenlei score, a tenth of the rows": (_SCORE, few, []),
            "fenlei score": (_SCORE, all_, []),
            "fenlei score --workers 0": (_SCORE, all_, ["--workers", "0"]),
            "all at once": (_AT_ONCE, all_, []),
        }
        rows = []
        for model in models:
            turns = [{how: _take(model, *run) for how, run in runs.items()} for _ in range(chosen.runs)]
            for how, (_, file, _) in runs.items():
                seconds, peak = _median(turn[how] for turn in turns)
                rows.append([model.name, how, f"{int(file.stem) / seconds:,.0f}", f"{peak / 1e3:,.0f}"])
    print_table(["model", "program", "rows/s", "peak memory, MB"], rows)


def _models(folder: Path, texts: list[str], labels: list[str]) -> list[Path]:
    some = np.random.default_rng(13).permutation(len(texts))[:TRAINED].tolist()
    part = [texts[i] for i in some], [labels[i] for i in some]
    network = TextCnnClassifier(epochs=1, hold_out=0).fit(*part)
    return [
        fenlei.save(fenlei.TfidfClassifier().fit(*part), folder / "tfidf"),
        fenlei.save(fold(network), folder / "folded"),
    ]


def _write(folder: Path, texts: list[str], count: int) -> Path:
    path = folder / f"{count}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for i in range(count):
            file.write(json.dumps({"text": f"{texts[i % len(texts)]} {i}"}, ensure_ascii=False) + "\n")
    return path


def _take(model: Path, code: str, file: Path, options: list[str]) -> tuple[float, float]:
    """Run a program: seconds, kilobytes."""
    start = time.perf_counter()
    command = [sys.executable, "-c", code, str(model), str(file), f"{file}.answers.jsonl", *options]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return time.perf_counter() - start, float(told.split()[-1])


def _median(turns: Iterable[tuple[float, float]]) -> tuple[float, float]:
    seconds, peaks = zip(*turns, strict=True)
    return statistics.median(seconds), statistics.median(peaks)


if __name__ == "__main__":
    main()
