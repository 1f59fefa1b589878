"""What a user waits for: help, one prediction, and a million rows; whole processes, from start to exit.

python benchmarks/command_line.py [--rows 1000000]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fenlei
from _common import load, machine, parser, print_table
from fenlei import TfidfClassifier

_PEAK = """
import pathlib, runpy, sys
sys.argv = ["fenlei", *sys.argv[1:]]
try:
    runpy.run_module("fenlei", run_name="__main__")
except SystemExit as end:
    # Not getrusage: its peak is at least that of the process which started this one.
    facts = dict(line.split(":", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
    print(facts["VmHWM"].split()[0], file=sys.stderr)
    raise
"""


def main() -> None:
    options = parser(str(__doc__).partition("\n")[0])
    options.add_argument("--rows", type=int, default=1_000_000)
    chosen = options.parse_args()
    train = load(chosen.data, "thucnews", "train")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place = str(fenlei.save(TfidfClassifier().fit(train.texts, train.targets), Path(folder) / "model"))
        rows.append(["fenlei --help", *_run("--help")])
        rows.append([f"fenlei predict MODEL -t {train.texts[0][:6]}...", *_run("predict", place, "-t", train.texts[0])])
        for n in (chosen.rows // 10, chosen.rows):
            titles = Path(folder) / "titles.jsonl"
            with titles.open("w", encoding="utf-8") as file:
                for i in range(n):
                    file.write(json.dumps({"text": train.texts[i % len(train)]}, ensure_ascii=False) + "\n")
            scored = str(Path(folder) / "scored.jsonl")
            seconds, peak = _run("predict", place, str(titles), "--output", scored, runs=1)
            rows.append([f"fenlei predict MODEL titles.jsonl, {n:,} rows", seconds, peak])
    print(f"{machine()}; whole processes, median of 5 (rows: 1)\n")
    print_table(["command", "seconds", "peak memory, MB"], rows)


def _run(*arguments: str, runs: int = 5) -> tuple[str, str]:
    seconds, peaks = [], []
    for _ in range(runs + 1 if runs > 1 else 1):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", _PEAK, *arguments], capture_output=True, text=True, check=True)
        seconds.append(time.perf_counter() - start)
        peaks.append(int(done.stderr.splitlines()[-1]) / 1024)
    return f"{sorted(seconds)[len(seconds) // 2]:.2f}", f"{max(peaks):.0f}"


if __name__ == "__main__":
    main()
