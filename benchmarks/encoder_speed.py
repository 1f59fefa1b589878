"""Speed of fine-tuning beside `transformers.Trainer` with its example's settings, and of scoring beside its pipeline.

The peer's training: ``AutoModelForSequenceClassification``, batches of 32 padded to their longest, float32, AdamW, a
rate of 5e-5 that falls linearly. Ours has the same encoder, texts and epochs, and its own defaults otherwise: once in
batches of 32 too, once packed, once as it comes, which takes 64 of short texts. All run one after another in one
process, on a checkpoint that both can read.

python benchmarks/encoder_speed.py --encoder FOLDER [--sets chnsenticorp,thucnews,waimai] [--texts 960] [--epochs 1]
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    pipeline,
)

from _common import CHINESE, load, machine, parser, print_table
from _rates import matrix_rate
from fenlei.encoders.find import find_encoder
from fenlei.models.encoder import EncoderClassifier

LENGTH, BATCH, SEED = 128, 32, 1


class Peer:
    """The text-classification example of transformers, without its command line."""

    def __init__(self, folder: Path, labels: list[str], epochs: int) -> None:
        self.labels, self.epochs = labels, epochs
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        torch.manual_seed(SEED)
        self.network = AutoModelForSequenceClassification.from_pretrained(
            folder, num_labels=len(labels), dtype=torch.float32
        )

    def fit(self, texts: list[str], targets: list[str]) -> float:
        rows = self.tokenizer(texts, truncation=True, max_length=LENGTH)["input_ids"]
        data = [{"input_ids": ids, "labels": self.labels.index(t)} for ids, t in zip(rows, targets, strict=True)]
        with tempfile.TemporaryDirectory() as scratch:
            arguments = TrainingArguments(
                output_dir=scratch, num_train_epochs=self.epochs, per_device_train_batch_size=BATCH, seed=SEED,
                learning_rate=5e-5, save_strategy="no", logging_strategy="no", report_to="none", disable_tqdm=True,
                use_cpu=True,
            )  # fmt: skip
            trainer = Trainer(
                self.network, arguments, train_dataset=data, data_collator=DataCollatorWithPadding(self.tokenizer)
            )
            start = time.perf_counter()
            trainer.train()
            return time.perf_counter() - start

    def predict(self, texts: list[str], batch_size: int) -> list[str]:
        ask = pipeline("text-classification", model=self.network.eval(), tokenizer=self.tokenizer, device="cpu")
        found = ask(texts, truncation=True, max_length=LENGTH, batch_size=batch_size)
        return [self.labels[int(one["label"].rpartition("_")[2])] for one in found]


def main() -> None:
    options = parser(str(__doc__).partition("\n")[0])
    options.add_argument("--encoder", default="e5-small")
    options.add_argument("--sets", default="chnsenticorp,thucnews,waimai")
    options.add_argument("--texts", type=int, default=960)
    options.add_argument("--scored", type=int, default=300)
    options.add_argument("--epochs", type=int, default=1)
    chosen = options.parse_args()
    folder = find_encoder(chosen.encoder)
    rate = matrix_rate(torch.bfloat16)
    print(
        f"{machine()}; {chosen.encoder}, {LENGTH} tokens, batches of {BATCH}; matrix rate {rate / 1e9:,.0f} GFLOP/s\n"
    )
    rows: list[list[str]] = []
    for name in chosen.sets.split(","):
        rows += _compare(chosen, folder, name, rate)
    head = ["data", "program", "training, texts/s", "times", "share of the rate", "scoring, texts/s", "times", "dev, %"]
    print_table(head, rows)


def _compare(chosen: Any, folder: Path, name: str, rate: float) -> list[list[str]]:
    assert name in CHINESE or chosen.encoder != "minilm"
    train, dev = load(chosen.data, name, "train"), load(chosen.data, name, "dev")
    rng = np.random.default_rng(0)
    train = train.select(rng.permutation(len(train))[: chosen.texts].tolist())
    dev = dev.select(rng.permutation(len(dev))[: chosen.scored].tolist())
    peer = Peer(folder, sorted(set(map(str, train.targets or []))), chosen.epochs)
    ours, packed, free = (
        EncoderClassifier(
            encoder=str(folder), epochs=chosen.epochs, batch_size=batch_size, max_length=LENGTH, hold_out=0.0,
            seed=SEED, packing=packing,
        )
        for batch_size, packing in ((BATCH, False), (BATCH, True), (None, False))
    )  # fmt: skip
    n = len(train) * chosen.epochs
    seconds = {
        "transformers": peer.fit(train.texts, [str(target) for target in train.targets or []]),
        "fenlei": _fit(ours, train),
        "fenlei, packed": _fit(packed, train),
        "fenlei, as it comes": _fit(free, train),
    }
    asked = {
        "transformers": lambda: peer.predict(dev.texts, 1),
        "transformers, batches of 32": lambda: peer.predict(dev.texts, BATCH),
        "fenlei": lambda: ours.predict(dev.texts).tolist(),
        "fenlei, packed": lambda: packed.predict(dev.texts).tolist(),
        "fenlei, as it comes": lambda: free.predict(dev.texts).tolist(),
        "fenlei, score_precision=bfloat16": lambda: _in_bfloat16(ours).predict(dev.texts).tolist(),
    }
    rows, fastest = [], 0.0
    for program, ask in asked.items():
        start = time.perf_counter()
        found = ask()
        scored = len(dev) / (time.perf_counter() - start)
        fastest = fastest or scored
        right = 100 * float(np.mean([a == b for a, b in zip(found, dev.targets or [], strict=True)]))
        trained = seconds.get(program)
        told = ["", "", ""]
        if trained is not None:
            share = _operations(ours, train.texts) * chosen.epochs / trained / rate
            told = [f"{n / trained:,.1f}", f"{seconds['transformers'] / trained:.2f}", f"{share:.0%}"]
        rows.append([name, program, *told, f"{scored:,.1f}", f"{scored / fastest:.2f}", f"{right:.2f}"])
    return rows


def _in_bfloat16(model: EncoderClassifier) -> EncoderClassifier:
    return model.set_params(score_precision="bfloat16")


def _fit(model: EncoderClassifier, train: Any) -> float:
    """Seconds of the training itself, as of the peer: without reading the checkpoint and the texts."""
    model.fit(train.texts, train.targets)
    return float(model.history_[-1]["seconds"])


def _operations(model: EncoderClassifier, texts: list[str]) -> float:
    """Count the operations of one epoch: 6 for each weight of a matrix and token, and attention's products."""
    encoder = model.network_.encoder
    in_layers = sum(p.numel() for name, p in encoder.named_parameters() if p.ndim == 2 and "embedding" not in name)
    lengths = model._windows(model.prepare(texts)).lengths.astype(float)
    size, layers = encoder.config.hidden_size, encoder.config.num_hidden_layers
    return float(6 * in_layers * lengths.sum() + 12 * layers * size * (lengths**2).sum())


if __name__ == "__main__":
    main()
