"""A folded model answers as its network does: any shape, any text, within rounding."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fenlei
from fenlei.compress.folding import fold
from fenlei.exceptions import NotFittedError, SettingError

pytest.importorskip("torch")

ODD = ["", " ", "\ud800", "\x00", "全都不认得的字词", "unknown words only", "好" * 700, "很好" * 40 + "差", "房"]
SHAPES = st.fixed_dictionaries(
    {
        "widths": st.lists(st.integers(1, 7), min_size=1, max_size=3),
        "filters": st.sampled_from([1, 5, 128, 131]),
        "stride": st.integers(1, 3),
        "pooling": st.sampled_from(["max", "average", "kmax"]),
        "k": st.integers(1, 4),
        "activation": st.sampled_from(["relu", "tanh"]),
        "unit": st.sampled_from(["token", "char", "both"]),
        "embedding": st.sampled_from(["random", "multichannel"]),
        "multi_label": st.booleans(),
        "max_length": st.sampled_from([3, 512]),
    }
)


def gap(folded: Any, model: Any, texts: list[str]) -> float:
    return float(np.abs(folded.predict_proba(texts) - model.predict_proba(texts)).max())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=SHAPES, texts=st.lists(st.text("房间很好又脏差 ab，q", max_size=12), min_size=1, max_size=5))
def test_scores_are_those_of_the_network(network, shape, texts):
    if shape["pooling"] == "kmax":  # of windows that are the same, rounding decides in the network which counts
        texts = ["".join(dict.fromkeys(text)) for text in texts]
    model = network(**shape)
    assert gap(fold(model), model, [*texts, ""]) < 1e-5


@pytest.mark.parametrize("unit", ["token", "both"])
@pytest.mark.parametrize("pooling", ["max", "average"])
def test_odd_texts(network, unit, pooling):
    model = network(unit=unit, pooling=pooling, widths=(1, 2, 3, 4, 5))
    assert gap(fold(model), model, ODD) < 1e-5


def test_many_texts_shared_out_to_threads(network):
    model = network(widths=(2, 3), filters=20)
    texts = ["房间很好"[: i % 5] + "又脏又差"[: i % 3] for i in range(3000)]
    folded = fold(model)
    together = folded.predict_proba(texts)
    assert np.abs(together - model.predict_proba(texts)).max() < 1e-5
    assert (together == np.vstack([folded.predict_proba([text]) for text in texts[:50]] + [together[50:]])).all()


def test_a_trained_model(chinese):
    from fenlei.models.textcnn import TextCnnClassifier

    model = TextCnnClassifier(epochs=15, dim=16, filters=16, precision="float32")
    model.fit(chinese.texts, chinese.labels)
    folded = fold(model)
    assert gap(folded, model, chinese.texts + chinese.new_texts + ODD) < 1e-5
    assert folded.predict(chinese.new_texts).tolist() == model.predict(chinese.new_texts).tolist()
    assert folded.language_ == model.language_ == "zh"


def test_one_network_worked_by_hand(network):
    """Width 2, one filter, relu: the largest sum of two products in a row, by plain loops."""
    model = network(widths=(2,), filters=1, parts=0)
    state = {name: value.numpy() for name, value in model.network_.state_dict().items()}
    vectors, taps = state["embedding.weight"], state["convolution.weight"].T
    ids = model.inputs_.transform(["房间很好"])[0][0]
    x = np.vstack([np.zeros(6), vectors[ids], np.zeros(6)])
    pooled = max(x[i] @ taps[0] + x[i + 1] @ taps[1] for i in range(len(x) - 1)) + state["convolution.bias"][0]
    logits = max(pooled, 0) * state["head.weight"][:, 0] + state["head.bias"]
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(fold(model).predict_proba(["房间很好"])[0], expected, atol=1e-6)


@pytest.mark.parametrize(("table", "bound"), [("float16", 5e-3), ("int8", 0.3)])
@pytest.mark.parametrize("pooling", ["max", "average", "kmax"])
@pytest.mark.parametrize("unit", ["token", "both"])
def test_small_tables_err_little(network, table, bound, pooling, unit):
    model = network(pooling=pooling, unit=unit, widths=(1, 2, 3, 4), filters=30)
    exact, folded = fold(model), fold(model, table=table)
    texts = ["房间很干净", "又脏又差 a bit", "", "好good"]
    error = gap(folded, exact, texts)
    assert 0 < error < bound
    assert sum(map(len, folded.to_files().values())) < sum(map(len, exact.to_files().values()))


@pytest.mark.parametrize("table", ["float16", "int8"])
def test_the_error_of_a_product_is_at_most_half_a_step(table):
    from fenlei.layers.folded import FoldedConvolution, Shape

    rng = np.random.default_rng(1)
    products = rng.standard_normal((50, 3, 7)).astype(np.float32)
    products[0] = 0
    folded = FoldedConvolution.fold([products], np.zeros(7, np.float32), Shape(1, "max", 1, "relu"), kind=table)
    kept = folded.to_arrays()
    error = np.abs(kept["table.0"].astype(np.float64) * kept["scale"] - products).max(axis=(0, 1))
    largest = np.abs(products).max(axis=(0, 1))
    assert kept["table.0"].dtype == table
    assert (error <= (largest / 127 / 2 + 1e-6 if table == "int8" else largest * 2**-11)).all()


def test_the_network_stays_as_it_was(network):
    model = network()
    before = copy.deepcopy(model.network_.state_dict())
    folded = fold(model)
    first = folded.predict_proba(["很好"])
    model.network_.head.weight.data.zero_()
    model.network_.convolution.weight.data.zero_()
    assert (folded.predict_proba(["很好"]) == first).all()
    assert before.keys() == model.network_.state_dict().keys()


class TestRefusals:
    def test_of_another_family(self):
        with pytest.raises(SettingError, match="only a textcnn folds into tables, and this is a tfidf"):
            fold(fenlei.TfidfClassifier().fit(["好", "差"], ["a", "b"]))

    def test_of_an_untrained_one(self):
        from fenlei.models.textcnn import TextCnnClassifier

        with pytest.raises(NotFittedError):
            fold(TextCnnClassifier())

    def test_of_an_unknown_table(self, network):
        with pytest.raises(SettingError, match="'float32', 'float16', 'int8'; got 'int4'"):
            fold(network(), table="int4")

    def test_of_products_that_float16_cannot_hold(self, network):
        model = network()
        model.network_.embedding.weight.data *= 1e7
        with pytest.raises(SettingError, match="too large for float16"):
            fold(model, table="float16")
