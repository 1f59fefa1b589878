"""Training speed of textcnn beside a plain PyTorch TextCNN, and what the engine costs over a bare loop.

The plain network is what tutorials write (`_tutorial.py`): a dictionary of characters, texts padded to 32 places,
`nn.Conv1d` of each width, Adam over everything, float32. Sizes are those of Kim (2014) with more filters: 300 values a
token, widths 2, 3 and 4 with 256 filters each, batches of 128. Each learns at its usual rate, 0.001 and 0.002. All runs
see the same titles in the same process, one after another.

python benchmarks/network_speed.py [--titles 20000] [--epochs 2]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from _common import load, machine, parser, print_table
from _rates import matrix_rate
from _tutorial import BATCH, LENGTH, TutorialClassifier
from fenlei.engine.batches import LengthBatches
from fenlei.engine.losses import Loss
from fenlei.engine.optimizers import make_optimizer, make_schedule
from fenlei.engine.recipe import Run
from fenlei.engine.trainer import train_network, uses_bfloat16
from fenlei.models.textcnn import TextCnnClassifier
from fenlei.targets import encode, learn_classes

_DIM, _WIDTHS, _FILTERS = 300, (2, 3, 4), 256


class Ours:
    """textcnn of the same sizes; `bare` trains it by a loop of six lines."""

    def __init__(self, texts: list[str], labels: list[str], epochs: int) -> None:
        self.model = TextCnnClassifier(
            dim=_DIM, widths=_WIDTHS, filters=_FILTERS, batch_size=BATCH, epochs=epochs, hold_out=0.0, parts=0,
            embedding_dropout=0.0, weight_decay=0.0, schedule="constant", warmup=0.0, patience=None,
        )  # fmt: skip
        classes, multi = learn_classes(labels)
        self.model.classes_, self.model.multi_label_ = classes, multi
        documents = self.model.learn_inputs(texts, Run())
        self.examples = self.model._labelled(documents, encode(labels, classes, multi), np.ones(len(texts)), Run())
        self.recipe = self.model._recipe()

    def by_engine(self, precision: str = "auto") -> float:
        self.model.network_ = self.model.make_network(Run())
        recipe = replace(self.recipe, precision=precision)
        start = time.perf_counter()
        train_network(self.model.network_, self.examples, None, Loss(multi_label=False), recipe, Run())
        return time.perf_counter() - start

    def bare(self) -> float:
        network = self.model.make_network(Run()).train()
        batches = LengthBatches(self.examples, BATCH, seed=1)
        optimizer = make_optimizer(network, self.recipe)
        schedule = make_schedule(optimizer, self.recipe, len(batches) * self.recipe.epochs)
        loss, bf16 = Loss(multi_label=False), uses_bfloat16("auto")
        start = time.perf_counter()
        for epoch in range(self.recipe.epochs):
            batches.set_epoch(epoch)
            for batch in batches:
                (inputs,) = self.examples.__getitems__(batch)
                with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                    logits = network(inputs["input_ids"], keys=inputs["keys"], batch_key=inputs["batch_key"]).logits
                    mean = loss(logits.float(), inputs["targets"]).mean()
                mean.backward()
                nn.utils.clip_grad_norm_([p for p in network.parameters() if not p.grad.is_sparse], 5.0)
                optimizer.step()
                schedule.step()
                network.zero_grad()
        return time.perf_counter() - start


def main() -> None:
    options = parser(str(__doc__).partition("\n")[0])
    options.add_argument("--titles", type=int, default=20_000)
    options.add_argument("--epochs", type=int, default=2)
    chosen = options.parse_args()
    print(f"{machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}\n")
    train, dev = load(chosen.data, "thucnews", "train"), load(chosen.data, "thucnews", "dev")
    order = np.random.default_rng(1).permutation(len(train))[: chosen.titles]
    train = train.select(order.tolist())
    rate = matrix_rate(torch.bfloat16 if uses_bfloat16("auto") else torch.float32)
    rows = _measure(train, dev, chosen.epochs, rate)
    print_table(["training", "texts/s", "times plain", "dev accuracy %", "share of the matrix rate"], rows)
    print(f"\nMatrix rate of this machine: {rate / 1e9:,.0f} GFLOP/s ({'bf16' if uses_bfloat16('auto') else 'fp32'}).")


def _measure(train: Any, dev: Any, epochs: int, rate: float) -> list[list[str]]:
    texts, labels = train.texts, list(train.targets)
    plain = TutorialClassifier(texts, sorted(set(labels)), dim=_DIM, widths=_WIDTHS, filters=_FILTERS)
    ours = Ours(texts, labels, epochs)
    ours.bare()  # compiles
    seconds = {"plain PyTorch": _seconds(lambda: plain.fit(texts, labels, epochs))}
    accuracy = {"plain PyTorch": _accuracy(plain, dev)}
    seconds["fenlei, by the engine, float32"] = ours.by_engine("float32")
    accuracy["fenlei, by the engine, float32"] = _accuracy(ours.model, dev)
    bare, engine = zip(*((ours.bare(), ours.by_engine()) for _ in range(3)), strict=True)  # in turns: noise hits both
    seconds |= {"fenlei, by a bare loop": min(bare), "fenlei, by the engine": min(engine)}
    accuracy["fenlei, by the engine"] = _accuracy(ours.model, dev)
    print(f"Engine over the bare loop, best of three each: {100 * (min(engine) / min(bare) - 1):+.1f} %\n")
    n = len(train) * epochs
    rows = []
    for name, took in seconds.items():
        lengths = np.full(len(train), LENGTH) if name == "plain PyTorch" else ours.examples.lengths
        share = _dense_work(lengths) * epochs / took / rate  # of the convolution as it is usually computed
        reached = f"{accuracy[name]:.2f}" if name in accuracy else ""
        rows.append(
            [name, f"{n / took:,.0f}", f"{seconds['plain PyTorch'] / took:.1f}", reached, f"{100 * share:.0f} %"]
        )
    return rows


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _accuracy(model: Any, dev: Any) -> float:
    return 100 * float(np.mean([a == b for a, b in zip(model.predict(dev.texts), dev.targets, strict=True)]))


def _dense_work(lengths: np.ndarray) -> float:
    """Floating-point operations of the convolutions, forward and twice as many back."""
    return float(lengths.sum()) * _DIM * sum(_WIDTHS) * _FILTERS * 2 * 3


if __name__ == "__main__":
    main()
