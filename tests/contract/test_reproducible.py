"""The same seed gives the same model in another process, with other hash seeds and numbers of cores."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from functools import cache, partial
from typing import Any

import pytest

from fenlei.families import find_family

pytestmark = pytest.mark.xdist_group("reproducible")  # on one worker, which asks the other processes once

TEXTS = [f"{word} {tail}" for word in ("比赛 match", "股票 stock", "手机 phone", "天气 rain") for tail in "abc很好x"]
LABELS = [label for label in ("sport", "money", "tech", "sky") for _ in "abc很好x"]

_EPOCHS = 20  # a difference of one bit grows with every step; it needs no model that has learned all
SCRIPT = """
import json, os, sys
task = json.load(sys.stdin)
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:task["cores"]])
sys.path.insert(0, task["folder"])
import test_reproducible
print(json.dumps(test_reproducible.digests(task["settings"])))
"""


def digests(settings: dict[str, dict[str, Any]]) -> dict[str, str]:
    """A digest of each family's probabilities."""
    return {name: _digest(name, own) for name, own in settings.items()}


def _digest(name: str, settings: dict[str, Any]) -> str:
    few = {"epochs": min(settings["epochs"], _EPOCHS)} if "epochs" in settings else {}
    chances = find_family(name)(seed=11, **settings | few).fit(TEXTS, LABELS).predict_proba([*TEXTS, "好 phone", ""])
    return hashlib.sha256(chances.tobytes()).hexdigest()


@cache
def _digests_elsewhere(hash_seed: str, cores: int, settings: str) -> dict[str, str]:
    task = {"folder": os.path.dirname(__file__), "cores": cores, "settings": json.loads(settings)}  # noqa: PTH120
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=json.dumps(task), capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )  # fmt: skip
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_in_another_process_with_another_hash_seed(family: str, all_small: Any) -> None:
    assert _digests_elsewhere("1", 64, json.dumps(all_small))[family] == _digest(family, all_small[family])


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot bind a process to cores")
def test_on_one_core(family: str, all_small: Any) -> None:
    elsewhere = partial(_digests_elsewhere, "1", settings=json.dumps(all_small))
    assert elsewhere(cores=1)[family] == elsewhere(cores=64)[family]
