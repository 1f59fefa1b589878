"""Scoring a file of short texts: rows a second and peak memory of `fenlei score`, beside reading all at once.

    python benchmarks/scoring.py [--rows 1000000] [--runs 3]

The titles of thucnews, each with a number so that none is there twice, as jsonl. The models are a tfidf and a folded
textcnn, trained on some of the titles; what they know does not matter here. "All at once" is what a short script does:
read every line, ask `predict_proba` once, write every line. "In halves" runs `fenlei score` twice at the same time,
each on half of the file: what a pool of two processes could gain. Every run is a program of its own, from its start to
its end with the loading of the model in it; they take turns, and each figure is the median of its turns.
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
import pathlib
print(next(line.split()[1] for line in pathlib.Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line))
"""
_SCORE = f"""
import sys
from fenlei.cli.score import score_command
score_command([sys.argv[1], sys.argv[2], "--output", sys.argv[3]], standalone_mode=False)
{_PEAK}"""
_AT_ONCE = f"""
import json, sys
import fenlei
model = fenlei.load(sys.argv[1])
with open(sys.argv[2], encoding="utf-8") as file:
    texts = [json.loads(line)["text"] for line in file]
scores = model.predict_proba(texts)
labels = model.labels_from_scores(scores).tolist()
with open(sys.argv[3], "w", encoding="utf-8") as file:
    for label, score in zip(labels, scores.max(axis=1).tolist()):
        file.write(json.dumps(dict(label=label, score=score), ensure_ascii=False) + "\\n")
{_PEAK}"""


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
        halves = [_write(folder, train.texts, chosen.rows // 2, half) for half in range(2)]
        runs = {
            "fenlei score, a tenth of the rows": (_SCORE, [few], chosen.rows // 10),
            "fenlei score": (_SCORE, [all_], chosen.rows),
            "fenlei score, in halves": (_SCORE, halves, chosen.rows),
            "all at once": (_AT_ONCE, [all_], chosen.rows),
        }
        rows = [
            [model.name, how, f"{count / seconds:,.0f}", f"{peak / 1e3:,.0f}"]
            for model in models
            for how, (code, files, count) in runs.items()
            for seconds, peak in [_median(_take(code, model, files) for _ in range(chosen.runs))]
        ]
    print_table(["model", "program", "rows/s", "peak memory, MB"], rows)


def _models(folder: Path, texts: list[str], labels: list[str]) -> list[Path]:
    some = np.random.default_rng(13).permutation(len(texts))[:TRAINED].tolist()
    part = [texts[i] for i in some], [labels[i] for i in some]
    network = TextCnnClassifier(epochs=1, hold_out=0).fit(*part)
    return [
        fenlei.save(fenlei.TfidfClassifier().fit(*part), folder / "tfidf"),
        fenlei.save(fold(network), folder / "folded"),
    ]


def _write(folder: Path, texts: list[str], count: int, part: int = 0) -> Path:
    path = folder / f"{count}-{part}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for i in range(count * part, count * (part + 1)):
            file.write(json.dumps({"text": f"{texts[i % len(texts)]} {i}"}, ensure_ascii=False) + "\n")
    return path


def _take(code: str, model: Path, files: list[Path]) -> tuple[float, float]:
    """Run a program on each file, all at the same time: seconds to the last one's end, kilobytes of all."""
    start = time.perf_counter()
    commands = [[sys.executable, "-c", code, str(model), str(file), f"{file}.answers.jsonl"] for file in files]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    peaks = [float(process.communicate()[0].split()[-1]) for process in running]
    return time.perf_counter() - start, sum(peaks)


def _median(turns: Iterable[tuple[float, float]]) -> tuple[float, float]:
    seconds, peaks = zip(*turns, strict=True)
    return statistics.median(seconds), statistics.median(peaks)


if __name__ == "__main__":
    main()
