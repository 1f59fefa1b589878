"""A training that takes milliseconds: in this process, or as a program that can be killed or run by torchrun."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save, save_file
from transformers import PreTrainedModel

from fenlei.engine.batches import TokenExamples
from fenlei.engine.losses import Loss
from fenlei.engine.recipe import Recipe, Run
from fenlei.engine.trainer import train_network
from fenlei.engine.watch import Outcome
from fenlei.features.sequences import Sequences
from fenlei.models.textcnn import TextCnn, TextCnnConfig

RECIPE = {"epochs": 4, "batch_size": 16, "precision": "float32", "learning_rate": 0.01, "patience": None}
VOCABULARY, CLASSES = 40, 3


def make_examples(n: int = 75, seed: int = 1, *, multi_label: bool = False, longest: int = 12) -> TokenExamples:
    """Texts whose class is told by one of their tokens, mostly."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(CLASSES, size=n)
    rows = [rng.integers(5, VOCABULARY, size=rng.integers(1, longest + 1)).tolist() for _ in range(n)]
    rows = [[int(c) + 2, *row] if rng.random() < 0.8 else row for c, row in zip(classes, rows, strict=True)]
    targets: Any = np.eye(CLASSES, dtype=np.float32)[classes] if multi_label else classes
    return TokenExamples((Sequences.of(rows),), targets, rng.uniform(0.5, 1.5, n).astype(np.float32))


def make_network(seed: int = 5, **settings: Any) -> PreTrainedModel:
    """A TextCNN with dropout in both places."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        plain = {"vocab_size": VOCABULARY, "dim": 6, "widths": [1, 2], "filters": [5, 4], "num_labels": CLASSES}
        return TextCnn(TextCnnConfig(**plain | {"dropout": 0.4, "embedding_dropout": 0.2} | settings))


def train(
    *, recipe: dict[str, Any] | None = None, run: Run | None = None, n: int = 75, valid: bool = True,
    network: PreTrainedModel | None = None, class_weights: list[float] | None = None,
) -> tuple[PreTrainedModel, Outcome]:  # fmt: skip
    network = network or make_network()
    loss = Loss(multi_label=False, class_weights=None if class_weights is None else torch.tensor(class_weights))
    held = make_examples(40, seed=2) if valid else None
    outcome = train_network(network, make_examples(n), held, loss, Recipe(**RECIPE | (recipe or {})), run or Run())
    return network, outcome


def weights_of(network: PreTrainedModel) -> bytes:
    return save({name: value.contiguous() for name, value in network.state_dict().items()})


def weights_of_file(path: Path) -> bytes:
    return save(load_file(path))


def once_a(step: int, act: Callable[[], None]) -> Callable[[Any], None]:
    """A listener to the progress that acts at one step."""
    return lambda progress: act() if progress.step == step else None


def main(content: str) -> None:
    """Train as JSON says: what `train` takes, and ``run``, ``out``, ``say``."""
    told = json.loads(content)
    out, where = told.pop("out"), told.pop("run", {})
    if "checkpoints" in where:
        where["checkpoints"] = Path(where["checkpoints"])
    if told.pop("say", False):
        where["progress"] = lambda progress: print(progress.step, flush=True)
    network, outcome = train(run=Run(**where), **told)
    if torch.distributed.is_initialized():
        out = f"{out}.{torch.distributed.get_rank()}"
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, out)
    Path(f"{out}.json").write_text(json.dumps(outcome.history), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
