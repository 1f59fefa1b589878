"""``fasttext``: the vectors it begins with, and its counts of n-grams."""

from __future__ import annotations

import numpy as np
import pytest

from fenlei.engine.batches import TokenExamples
from fenlei.exceptions import SettingError
from fenlei.features.sequences import Sequences
from fenlei.models import fasttext
from fenlei.models.fasttext import FastText, FastTextClassifier, FastTextConfig

TEXTS, LABELS = ["房间干净", "服务很好", "房间很脏", "服务太差"], ["good", "good", "bad", "bad"]


@pytest.mark.parametrize("embedding", ["static", "nonstatic", "multichannel"])
def test_it_begins_with_given_vectors_of_their_own_size(embedding, tmp_path):
    (tmp_path / "v.txt").write_text("2 5\n房 1 2 3 4 5\n好 5 4 3 2 1\n", "utf-8")
    settings = {"ngrams": 1} if embedding == "static" else {"buckets": 50}
    model = FastTextClassifier(vectors=str(tmp_path / "v.txt"), embedding=embedding, epochs=1, **settings)
    model.fit(TEXTS, LABELS)
    rows = len(model.inputs_.tokens_) + settings.get("buckets", 0)
    assert model.network_.embedding.weight.shape == (rows, 5)
    place = model.inputs_.tokens_.index("房")
    vectors = model.network_.embedding.vectors(model.network_.embedding.weight.new_tensor([place]).long())
    assert np.allclose(vectors.detach().numpy(), [[1, 2, 3, 4, 5]], atol=0.05)


def test_static_vectors_do_not_leave_the_ngrams_at_random():
    with pytest.raises(SettingError, match="ngrams=1"):
        FastTextClassifier(vectors="v.txt", embedding="static").fit(TEXTS, LABELS)


def test_vectors_are_of_64_values_unless_told():
    assert FastTextClassifier(buckets=50, epochs=1).fit(TEXTS, LABELS).network_.config.dim == 64


def test_counts_do_not_depend_on_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    rows = [rng.integers(2, 9, size=rng.integers(0, 12)).tolist() for _ in range(40)]
    examples = TokenExamples((Sequences.of(rows),), np.arange(40) % 3, np.ones(40, np.float32))
    network = FastText(FastTextConfig(vocab_size=9, dim=4, num_labels=3, ngrams=2, buckets=20))
    whole = fasttext._counts(network, examples, range(3))
    monkeypatch.setattr(fasttext, "_BLOCK", 7)
    parts = fasttext._counts(network, examples, range(3))
    assert all((a == b).all() for a, b in zip(whole, parts, strict=True))
    assert whole[1][2] == sum(2 in row for row in rows)
    assert np.array_equal(whole[0].sum(1), whole[1])
