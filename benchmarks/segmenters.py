"""Speed of rjieba, which fenlei uses, against jieba, and how far the two agree, in one run.

    python benchmarks/segmenters.py [--data DIR] [--texts N] [--rounds N]

The texts are the test sets of THUCNews titles and ChnSentiCorp reviews. The segmenters take turns, so that a
busy moment of the machine meets both, and the best round of each counts. Agreement is measured on the
boundaries between tokens, with jieba as the reference.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path

SETS = ("thucnews", "chnsenticorp")
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def main() -> None:
    """Measure each data set and print a table in Markdown."""
    options = parse_arguments()
    cutters = load_cutters()
    print("| texts | rjieba | jieba | ratio | same texts | boundary F1 |")
    print("|---|---|---|---|---|---|")
    for name in SETS:
        texts = read_texts(options.data / name / "test.jsonl", options.texts)
        print(measure(name, texts, cutters, options.rounds))


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with one folder a data set")
    parser.add_argument("--texts", type=int, default=10_000, help="at most this many texts of each set")
    parser.add_argument("--rounds", type=int, default=3, help="measure this often and keep the best")
    return parser.parse_args()


def load_cutters() -> dict[str, Callable[[str], Iterable[str]]]:
    """Return both segmenters with their dictionaries loaded."""
    import jieba
    import rjieba

    jieba.setLogLevel(60)
    jieba.initialize()
    return {"rjieba": rjieba.cut, "jieba": jieba.cut}


def read_texts(path: Path, most: int) -> list[str]:
    """Read the texts of a jsonl file."""
    with path.open(encoding="utf-8") as stream:
        return [json.loads(line)["text"] for line, _ in zip(stream, range(most), strict=False)]


def measure(name: str, texts: list[str], cutters: dict[str, Callable[[str], Iterable[str]]], rounds: int) -> str:
    """Time both segmenters in turns, compare their tokens, and return the row of the table."""
    seconds = dict.fromkeys(cutters, float("inf"))
    tokens: dict[str, list[list[str]]] = {}
    for _ in range(rounds):
        for segmenter, cut in cutters.items():
            start = time.perf_counter()
            tokens[segmenter] = [list(cut(text)) for text in texts]
            seconds[segmenter] = min(seconds[segmenter], time.perf_counter() - start)
    megabytes = sum(len(text.encode("utf-8", "replace")) for text in texts) / 1e6
    speeds = {s: f"{len(texts) / t:,.0f} texts/s, {megabytes / t:.2f} MB/s" for s, t in seconds.items()}
    same, f1 = agreement(tokens["rjieba"], tokens["jieba"])
    ratio = seconds["jieba"] / seconds["rjieba"]
    cells = (f"{name} ({len(texts):,})", *speeds.values(), f"{ratio:.1f}", f"{same:.2%}", f"{f1:.4f}")
    return f"| {' | '.join(cells)} |"


def agreement(found: list[list[str]], reference: list[list[str]]) -> tuple[float, float]:
    """Return the share of texts cut alike, and F1 of the boundaries inside the texts."""
    pairs = [(boundaries(a), boundaries(b)) for a, b in zip(found, reference, strict=True)]
    same = sum(a == b for a, b in pairs) / len(pairs)
    hits = sum(len(a & b) for a, b in pairs)
    return same, 2 * hits / sum(len(a) + len(b) for a, b in pairs)


def boundaries(tokens: list[str]) -> set[int]:
    """Return where tokens meet, as offsets into the text."""
    ends: set[int] = set()
    position = 0
    for token in tokens[:-1]:
        position += len(token)
        ends.add(position)
    return ends


if __name__ == "__main__":
    main()
