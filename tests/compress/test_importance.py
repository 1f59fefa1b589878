"""What goes into a layer is summed up without padding."""

from __future__ import annotations

import numpy as np
import pytest

from fenlei.compress.importance import watch
from fenlei.engine.recipe import Run

torch = pytest.importorskip("torch")


def test_sums_of_a_networks_features(network):
    model = network(widths=(2, 3), filters=5)
    texts = ["房间很干净", "又脏又差，a bit", "好"]
    examples = model.make_examples(model.prepare(texts), np.zeros(3, np.int64), np.ones(3, np.float32), Run())
    (seen,) = watch(model.network_, [model.network_.head], examples)
    with torch.no_grad():
        features = np.stack([_features(model, examples, i) for i in range(3)])
    np.testing.assert_allclose(seen.mean, features.mean(0), rtol=1e-5)
    np.testing.assert_allclose(seen.power(centred=True), features.var(0), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(seen.power(centred=False), (features**2).mean(0), rtol=1e-5)


def _features(model, examples, i):
    network = model.network_
    return network.encode(network.embedding(examples.padded(np.array([i]))), None)[0].numpy()


def test_padding_does_not_count(tiny_encoder):
    from fenlei.models.encoder import EncoderClassifier

    texts, labels = ["房间很干净", "差", "服务很好，下次还来", "脏"], ["a", "b", "a", "b"]
    model = EncoderClassifier(encoder=str(tiny_encoder), epochs=1, precision="float32").fit(texts, labels)

    def sums(chosen):
        n = len(chosen)
        examples = model.make_examples(model.prepare(chosen), np.zeros(n, np.int64), np.ones(n, np.float32), Run())
        (seen,) = watch(model.network_, [model.network_.encoder.encoder.layer[0].output.dense], examples)
        return seen

    together, apart = sums(texts), [sums([text]) for text in texts]
    assert together.n == sum(one.n for one in apart)
    np.testing.assert_allclose(together.total, sum(one.total for one in apart), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(together.squares, sum(one.squares for one in apart), rtol=1e-4, atol=1e-4)
