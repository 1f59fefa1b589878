"""A model whose scores, speed and failures are known; run as a program it is served, for tests of whole processes."""

from __future__ import annotations

import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np

from fenlei.base import TextClassifier


class ToyClassifier(TextClassifier):
    """Says "hi" of a text in proportion to its checksum; `turned` exchanges the labels.

    A text with "boom" cannot be scored, one with "hang" never is; `broken` breaks every text, as long as it is set.
    """

    family = "toy"

    def __init__(self, *, seconds: float = 0.0, a_batch: float = 0.0, turned: bool = False) -> None:
        self.seconds, self.a_batch, self.turned = seconds, a_batch, turned
        self.classes_, self.multi_label_, self.language_ = np.array(["hi", "lo"]), False, "mixed"
        self.broken = False
        self.batches: list[list[str]] = []
        self.lock = threading.Lock()

    def _scores(self, texts):
        self.batches.append(texts)
        time.sleep(self.a_batch + self.seconds * len(texts))
        if any("hang" in text for text in texts):
            threading.Event().wait()
        if self.broken or any("boom" in text for text in texts):
            raise ValueError("secret: " + texts[0])
        return np.array([expected(text, turned=self.turned) for text in texts])

    def _fit(self, *args):
        raise NotImplementedError

    to_files = from_files = _fit


def expected(text: str, *, turned: bool = False) -> list[float]:
    """Give the scores of a text."""
    share = zlib.crc32(text.encode()) / 2**32
    return [1 - share, share] if turned else [share, 1 - share]


def main() -> None:
    """Serve a toy: seconds a text, deadline, the monitor's database if any; the address is told on standard output."""
    from fenlei.serve.app import create_app
    from fenlei.serve.loading import Loaded
    from fenlei.serve.server import address, listen, run_server
    from fenlei.serve.settings import Limits, ServeSettings

    toy = ToyClassifier(seconds=float(sys.argv[1]))
    limits, monitor = Limits(deadline=float(sys.argv[2]), body_seconds=2), next(iter(sys.argv[3:]), None)
    settings = ServeSettings({"toy": Path("toy")}, limits, monitor=monitor)
    with listen("127.0.0.1", 0) as listening:
        app = create_app(settings, load=lambda folder: Loaded(toy, "v1"))
        run_server(app, listening, lambda: print(address(listening), flush=True))


if __name__ == "__main__":
    main()
