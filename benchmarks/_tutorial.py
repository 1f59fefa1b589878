"""TextCNN as tutorials write it, in plain PyTorch: what a network's speed is measured against."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

LENGTH = 32  # characters of a title, padded or cut
BATCH = 128


class TutorialCnn(nn.Module):
    """Embedding, one ``Conv1d`` a width, max over time, dropout and a linear layer."""

    def __init__(self, n_tokens: int, n_classes: int, *, dim: int, widths: Sequence[int], filters: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_tokens, dim, padding_idx=0)
        self.convolutions = nn.ModuleList(nn.Conv1d(dim, filters, width) for width in widths)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(filters * len(widths), n_classes)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embedding(ids).transpose(1, 2)
        pooled = [torch.relu(convolution(x)).max(dim=2).values for convolution in self.convolutions]
        logits: Tensor = self.head(self.dropout(torch.cat(pooled, dim=1)))
        return logits


class TutorialClassifier:
    """From raw titles to labels: a dictionary of characters, fixed length, batches of 128."""

    def __init__(self, texts: Sequence[str], classes: Sequence[str], **sizes: object) -> None:
        self.numbers = {c: i for i, c in enumerate(sorted({c for text in texts for c in text}), 2)}
        self.classes = list(classes)
        self.network = TutorialCnn(len(self.numbers) + 2, len(self.classes), **sizes).eval()  # type: ignore[arg-type]

    def encode(self, texts: Sequence[str]) -> Tensor:
        rows = [[self.numbers.get(c, 1) for c in text[:LENGTH]] for text in texts]
        return torch.tensor([row + [0] * (LENGTH - len(row)) for row in rows])

    def fit(self, texts: Sequence[str], labels: Sequence[str], epochs: int) -> None:
        """Train with dense Adam in float32."""
        torch.manual_seed(0)
        ids, targets = self.encode(texts), torch.tensor([self.classes.index(label) for label in labels])
        optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3)
        self.network.train()
        for _ in range(epochs):
            for batch in torch.randperm(len(ids)).split(BATCH):
                optimizer.zero_grad()
                nn.functional.cross_entropy(self.network(ids[batch]), targets[batch]).backward()
                optimizer.step()
        self.network.eval()

    @torch.no_grad()
    def predict(self, texts: Sequence[str]) -> list[str]:
        labels: list[str] = []
        for i in range(0, len(texts), BATCH):
            best = self.network(self.encode(texts[i : i + BATCH])).argmax(1)
            labels += [self.classes[k] for k in best.tolist()]
        return labels
