"""Requests a second and latency of fenlei serve, beside a Flask route that calls the model for each request.

    python benchmarks/serving.py [--seconds 5] [--runs 3] [--family tfidf] [--group speed] [--group overload]

The models: tfidf, a folded textcnn, e5-small with a head, and that exported to ONNX with weights of float32 and int8;
their speed does not depend on how well they are trained, so they see few texts. Each server is a process with all cores
and the same model folder, and all are asked for the label of one text by clients in one other process, over connections
that stay open (Flask's server closes its own after each answer). The servers take turns, and figures are medians of
their turns; percentiles are of all answers of 200 of the turns.

``overload`` sends three times what the model can do for half a minute, after a warm-up of the same, then 10,000 more
requests, and counts the answers and the server's memory.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import fenlei
from _clients import Load, flood, flood_open, most_a_second
from _common import load, machine, parser, print_table
from fenlei import TfidfClassifier
from fenlei.compress.folding import fold
from fenlei.compress.onnx_export import export_onnx
from fenlei.compress.quantizing import quantize
from fenlei.data.dataset import Dataset
from fenlei.models.encoder import EncoderClassifier
from fenlei.models.textcnn import TextCnnClassifier

CLIENTS = (1, 16, 64)
GROUPS = ("speed", "overload")
MODELS = ("tfidf", "folded", "encoder", "encoder, onnx", "encoder, int8")
TITLES, FEW = 20_000, 64  # texts that the models learn from
DEADLINE = 2.0  # seconds, of the overload
WARM_UP = 10.0  # seconds of it before the memory is looked at: so many connections have not been there before


def main() -> None:
    options = parser(str(__doc__).partition("\n")[0])
    options.add_argument("--seconds", type=float, default=5)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--clients", type=int, nargs="+", default=CLIENTS)
    options.add_argument("--family", action="append", choices=MODELS, help="may be repeated")
    options.add_argument("--group", action="append", choices=GROUPS)
    options.add_argument("--overload-seconds", type=float, default=30)
    chosen = options.parse_args()
    train, test = load(chosen.data, "thucnews", "train"), load(chosen.data, "thucnews", "test")
    texts = test.texts[:2000]
    with tempfile.TemporaryDirectory() as place:
        folders = {name: _folder(name, train, Path(place)) for name in chosen.family or MODELS}
        groups = chosen.group or GROUPS
        if "speed" in groups:
            most = asyncio.run(most_a_second())
            print(f"{machine()}; median of {chosen.runs} turns of {chosen.seconds:g} s; ", end="")
            print(f"the clients alone can do {most:,.0f} requests/s\n")
            _print_speed(folders, texts, chosen.clients, chosen.runs, chosen.seconds)
        if "overload" in groups:
            print()
            _print_overload(folders, texts, chosen.overload_seconds)


def _folder(name: str, train: Dataset, place: Path) -> Path:
    """Train a model a little and save it."""
    n = TITLES if name in ("tfidf", "folded") else FEW
    step = len(train) // n
    texts, labels = train.texts[::step], train.targets[::step]
    if name == "tfidf":
        model = TfidfClassifier().fit(texts, labels)
    elif name == "folded":
        model = fold(TextCnnClassifier(epochs=1, hold_out=0).fit(texts, labels))
    else:
        model = _EXPORTS[name](EncoderClassifier(encoder="e5-small", epochs=1, hold_out=0).fit(texts, labels))
    return fenlei.save(model, place / name.replace(", ", "-"))


_EXPORTS = {"encoder": lambda model: model, "encoder, onnx": export_onnx, "encoder, int8": quantize}


def _print_speed(folders: dict[str, Path], texts: list[str], clients: list[int], runs: int, seconds: float) -> None:
    rows = []
    for name, folder in folders.items():
        with ExitStack() as stack:
            ports = {"fenlei serve": stack.enter_context(_fenlei(folder)), "Flask": stack.enter_context(_flask(folder))}
            for n in clients:
                found = _take_turns(ports, texts, n, runs, seconds)
                ours, flask = (statistics.median(load.rate for load in found[who]) for who in ports)
                for who, rate in zip(ports, (ours, flask), strict=True):
                    every = Load(latencies=[x for load in found[who] for x in load.latencies])
                    times = f"{ours / flask:.1f}" if rate is ours else ""
                    latencies = (f"{every.percentile(share):.1f}" for share in (0.5, 0.99))
                    rows.append([name, str(n), who, f"{rate:,.0f}", *latencies, times])
    print_table(["model", "clients", "server", "requests/s", "p50, ms", "p99, ms", "times Flask"], rows)


def _take_turns(
    ports: dict[str, int], texts: list[str], n_clients: int, runs: int, seconds: float
) -> dict[str, list[Load]]:
    found: dict[str, list[Load]] = {who: [] for who in ports}
    for turn in range(runs + 1):  # the first is the warm-up
        for who, port in ports.items():
            load = asyncio.run(flood(port, texts, n_clients, seconds if turn else min(seconds, 2)))
            if turn:
                found[who].append(load)
    return found


def _print_overload(folders: dict[str, Path], texts: list[str], seconds: float) -> None:
    rows = []
    for name, folder in folders.items():
        with _server(_command(folder, "--deadline", DEADLINE)) as (process, port):
            capacity = asyncio.run(flood(port, texts, 64, 5)).rate
            asyncio.run(flood_open(port, texts, 3 * capacity, WARM_UP))
            before = _memory(process)
            load = asyncio.run(flood_open(port, texts, 3 * capacity, seconds))
            after = _memory(process)
            asyncio.run(flood(port, texts, 16, 10_000 / capacity))
            told = ", ".join(f"{n:,} of {status}" for status, n in sorted(load.statuses.items()))
            growth = (f"{100 * (now / before - 1):+.1f} %" for now in (after, _memory(process)))
            rows.append([name, f"{capacity:,.0f}", told, f"{load.percentile(0.99):,.0f}", *growth])
    head = ["model", "capacity, requests/s", f"answers in {seconds:g} s at three times as many", "p99 of 200, ms"]
    print_table([*head, "memory after it", "after 10,000 more"], rows)


def _memory(process: subprocess.Popen[str]) -> int:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return int(dict(line.split(":", 1) for line in lines)["VmRSS"].split()[0])


def _command(folder: Path, *options: object) -> list[str]:
    return [sys.executable, "-m", "fenlei", "serve", str(folder), "--port", "0", *map(str, options)]


@contextmanager
def _fenlei(folder: Path) -> Iterator[int]:
    with _server(_command(folder)) as (_, port):
        yield port


@contextmanager
def _flask(folder: Path) -> Iterator[int]:
    command = [sys.executable, str(Path(__file__).with_name("_flask_peer.py")), str(folder)]
    with _server(command) as (_, port):
        yield port


@contextmanager
def _server(command: list[str]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a server that tells its port in its first line."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            told = process.stdout.readline()
            yield process, int(told.partition("(")[0].strip().rpartition(":")[2])
        finally:
            process.kill()


if __name__ == "__main__":
    main()
