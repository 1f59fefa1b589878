"""What the benchmark scripts share: the data sets, the machine's description, and tables."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from fenlei import read
from fenlei.data.dataset import Dataset

ROOT = Path(__file__).parents[1]
CHINESE = {"thucnews", "chnsenticorp", "waimai"}
_T = TypeVar("_T")


def parser(purpose: str) -> argparse.ArgumentParser:
    """Options of every script."""
    options = argparse.ArgumentParser(description=purpose)
    options.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the data sets")
    return options


def load(folder: Path, name: str, split: str) -> Dataset:
    """One split of a set, plain or gzipped."""
    plain = folder / name / f"{split}.jsonl"
    return read(str(plain if plain.exists() else plain.with_suffix(".jsonl.gz")))


def machine() -> str:
    """Processor, cores and Python, for the head of a table."""
    names = [line.partition(":")[2].strip() for line in _cpu_info() if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{names[0] if names else platform.machine()}, {cores} cores, Python {platform.python_version()}"


def _cpu_info() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def timed(work: Callable[[], _T], runs: int = 3) -> tuple[float, _T]:
    """Median seconds of some runs, and the last result."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), result


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def spread(values: Sequence[float | None], digits: int = 2) -> str:
    """Mean and range of some seeds' figures, in percent."""
    sound = [value for value in values if value is not None]
    if not sound:
        return ""
    between = f" ({min(sound):.{digits}f} to {max(sound):.{digits}f})" if len(sound) > 1 else ""
    return f"{statistics.mean(sound):.{digits}f}{between}"
