"""Training speed of textcnn beside a plain PyTorch TextCNN, and what the engine costs over a bare loop.

The plain network is what tutorials write: a dictionary of characters, texts padded to 32 places, `nn.Conv1d` of each
width, Adam over everything, float32. Sizes are those of Kim (2014) with more filters: 300 values a token, widths 2, 3
and 4 with 256 filters each, batches of 128. All runs see the same titles in the same process, one after another.

python benchmarks/network_speed.py [--titles 20000] [--epochs 2]
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch import nn

from _common import load, machine, parser, print_table
from fenlei.engine.batches import LengthBatches
from fenlei.engine.losses import Loss
from fenlei.engine.optimizers import make_optimizer, make_schedule
from fenlei.engine.recipe import Run
from fenlei.engine.trainer import train_network, uses_bfloat16
from fenlei.models.textcnn import TextCnnClassifier
from fenlei.targets import encode, learn_classes

_DIM, _WIDTHS, _FILTERS, _BATCH, _PADDED = 300, (2, 3, 4), 256, 128, 32


class PlainTextCnn(nn.Module):
    """Kim's network as tutorials write it."""

    def __init__(self, vocabulary: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, _DIM, padding_idx=0)
        self.convolutions = nn.ModuleList(nn.Conv1d(_DIM, _FILTERS, width) for width in _WIDTHS)
        self.dropout = nn.Dropout(0.5)
        self.linear = nn.Linear(_FILTERS * len(_WIDTHS), classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.embedding(ids).transpose(1, 2)
        pooled = [torch.relu(convolution(x)).max(2).values for convolution in self.convolutions]
        return self.linear(self.dropout(torch.cat(pooled, 1)))


class Plain:
    """Character dictionary, fixed padding, dense Adam, float32."""

    def fit(self, texts: list[str], y: np.ndarray, epochs: int) -> float:
        characters = sorted({character for text in texts for character in text})
        self.index = {character: i + 2 for i, character in enumerate(characters)}
        torch.manual_seed(0)
        self.network = PlainTextCnn(len(self.index) + 2, int(y.max()) + 1)
        ids, labels = self.encode(texts), torch.from_numpy(y)
        optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3)
        start = time.perf_counter()
        for _ in range(epochs):
            for batch in torch.randperm(len(ids)).split(_BATCH):
                optimizer.zero_grad()
                nn.functional.cross_entropy(self.network(ids[batch]), labels[batch]).backward()
                optimizer.step()
        return time.perf_counter() - start

    def encode(self, texts: list[str]) -> torch.Tensor:
        rows = [[self.index.get(character, 1) for character in text[:_PADDED]] for text in texts]
        return torch.tensor([row + [0] * (_PADDED - len(row)) for row in rows])

    @torch.no_grad()
    def accuracy(self, texts: list[str], y: np.ndarray) -> float:
        self.network.eval()
        found = torch.cat([self.network(part).argmax(1) for part in self.encode(texts).split(512)])
        return 100 * float((found.numpy() == y).mean())


class Ours:
    """textcnn of the same sizes; `bare` trains it by a loop of six lines."""

    def __init__(self, texts: list[str], labels: list[str], epochs: int) -> None:
        self.model = TextCnnClassifier(
            dim=_DIM, widths=_WIDTHS, filters=_FILTERS, batch_size=_BATCH, epochs=epochs, hold_out=0.0, parts=0,
            embedding_dropout=0.0, weight_decay=0.0, schedule="constant", warmup=0.0, patience=None,
        )  # fmt: skip
        classes, multi = learn_classes(labels)
        self.model.classes_, self.model.multi_label_ = classes, multi
        self.model.preparation_ = self.model._preparation().fit(texts)
        documents = self.model.preparation_.transform(texts)
        self.model.inputs_ = self.model._inputs().fit(documents)
        self.examples = self.model._examples(documents, encode(labels, classes, multi), None, Run())
        self.recipe = self.model._recipe()

    def by_engine(self) -> float:
        self.model.network_ = self.model._make_network(Run())
        start = time.perf_counter()
        train_network(self.model.network_, self.examples, None, Loss(multi_label=False), self.recipe, Run())
        return time.perf_counter() - start

    def bare(self) -> float:
        network = self.model._make_network(Run()).train()
        batches = LengthBatches(self.examples, _BATCH, seed=1)
        optimizer = make_optimizer(network, self.recipe)
        schedule = make_schedule(optimizer, self.recipe, len(batches) * self.recipe.epochs)
        loss, bf16 = Loss(multi_label=False), uses_bfloat16("auto")
        start = time.perf_counter()
        for epoch in range(self.recipe.epochs):
            batches.set_epoch(epoch)
            for batch in batches:
                inputs = self.examples.__getitems__(batch)
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
    rate = _matrix_rate(torch.bfloat16 if uses_bfloat16("auto") else torch.float32)
    rows = _measure(train, dev, chosen.epochs, rate)
    print_table(["training", "texts/s", "times plain", "dev accuracy %", "share of the matrix rate"], rows)
    print(f"\nMatrix rate of this machine: {rate / 1e9:,.0f} GFLOP/s ({'bf16' if uses_bfloat16('auto') else 'fp32'}).")


def _measure(train: Any, dev: Any, epochs: int, rate: float) -> list[list[str]]:
    ours, plain = Ours(train.texts, list(train.targets), epochs), Plain()
    y, dev_y = encode(train.targets, ours.model.classes_, False), encode(dev.targets, ours.model.classes_, False)
    ours.bare()  # compiles
    seconds = {
        "plain PyTorch": plain.fit(train.texts, y.indices, epochs),
        "fenlei, by a bare loop": ours.bare(),
        "fenlei, by the engine": ours.by_engine(),
    }
    engine, bare = zip(*((ours.by_engine(), ours.bare()) for _ in range(2)), strict=True)
    overhead = min(*engine, seconds["fenlei, by the engine"]) / min(*bare, seconds["fenlei, by a bare loop"]) - 1
    accuracy = {
        "plain PyTorch": plain.accuracy(dev.texts, dev_y.indices),
        "fenlei, by the engine": 100 * ours.model.score(dev.texts, dev.targets),
    }
    n = len(train) * epochs
    work = _dense_work(ours.examples.lengths) * epochs  # of the convolution as it is usually computed
    rows = []
    for name, took in seconds.items():
        reached = f"{accuracy[name]:.2f}" if name in accuracy else ""
        padded = _dense_work(np.full(len(train), _PADDED)) * epochs
        share = (padded if name == "plain PyTorch" else work) / took / rate
        rows.append(
            [name, f"{n / took:,.0f}", f"{seconds['plain PyTorch'] / took:.1f}", reached, f"{100 * share:.0f} %"]
        )
    print(f"Engine over the bare loop: {100 * overhead:+.1f} %\n")
    return rows


def _dense_work(lengths: np.ndarray) -> float:
    """Floating-point operations of the convolutions, forward and twice as many back."""
    return float(lengths.sum()) * _DIM * sum(_WIDTHS) * _FILTERS * 2 * 3


def _matrix_rate(kind: torch.dtype) -> float:
    """Operations a second of a large matrix product."""
    a, b = torch.randn(2048, 2048).to(kind), torch.randn(2048, 2048).to(kind)
    seconds = []
    for _ in range(12):
        start = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - start)
    return 2 * 2048**3 / min(seconds)


if __name__ == "__main__":
    main()
