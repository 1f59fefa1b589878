"""Fold a trained textcnn into look-up tables: from vectors and filters to their products."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fenlei.exceptions import SettingError
from fenlei.layers.folded import TABLES, FoldedConvolution, Shape
from fenlei.models.folded import FoldedClassifier

if TYPE_CHECKING:
    from fenlei.base import TextClassifier
    from fenlei.features._types import F32

_ROWS = 8192  # tokens multiplied at a time, in float64


def fold(model: TextClassifier, *, table: str = "float32") -> FoldedClassifier:
    """Make a model that scores by look-up tables, without torch.

    Parameters
    ----------
    model : TextCnnClassifier
        Trained. It stays as it is and shares nothing with the new model that changes.
    table : {"float32", "float16", "int8"}, default="float32"
        Numbers of the tables. float32 gives the scores of the network to within rounding.

    Raises
    ------
    SettingError
        When the model is of another family, or the kind of table is not known.
    NotFittedError
        When the model is not trained.

    Examples
    --------
    >>> from fenlei.models.textcnn import TextCnnClassifier
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> model = TextCnnClassifier(epochs=5, dim=16, filters=8).fit(texts, ["good", "good", "bad", "bad"])
    >>> folded = fold(model)
    >>> bool(abs(folded.predict_proba(texts) - model.predict_proba(texts)).max() < 1e-5)
    True
    """
    if table not in TABLES:
        raise SettingError(f"table must be one of {', '.join(map(repr, TABLES))}; got {table!r}")
    if model.family != "textcnn":
        raise SettingError(f"only a textcnn folds into tables, and this is a {model.family}; train a textcnn")
    model._check_fitted("network_")
    network: Any = getattr(model, "network_")  # noqa: B009  (its class needs torch)
    convolution = network.convolution
    shape = Shape(
        stride=convolution.stride, pooling=convolution.pooling, k=convolution.k if convolution.pooling == "kmax" else 1,
        activation=convolution.activation,
    )  # fmt: skip
    folded = FoldedClassifier()
    folded.classes_, folded.multi_label_ = model.classes_, model.multi_label_
    folded.preparation_ = copy.deepcopy(getattr(model, "preparation_"))  # noqa: B009
    folded.inputs_ = copy.deepcopy(getattr(model, "inputs_"))  # noqa: B009
    folded.max_length_ = int(model.get_params()["max_length"])
    folded.convolution_ = FoldedConvolution.fold(_products(network), _numpy(convolution.bias), shape, kind=table)
    folded.head_weight_ = _numpy(network.head.weight)
    folded.head_bias_ = _numpy(network.head.bias)
    return folded


def _products(network: Any) -> Iterator[F32]:
    """Multiply the vectors of all tokens with the taps of all filters, width by width."""
    convolution = network.convolution
    weight = _numpy(convolution.weight).astype(np.float64)
    vectors = _vectors(network.embedding)
    begin = 0
    for width, n in zip(convolution.widths, convolution.filters, strict=True):
        taps = weight[:, begin : begin + width * n]
        table = np.empty((len(vectors), width * n), np.float32)
        for row in range(0, len(vectors), _ROWS):
            table[row : row + _ROWS] = vectors[row : row + _ROWS].astype(np.float64) @ taps
        begin += width * n
        table[0] = 0  # padding, whatever its vector is, adds nothing
        yield table.reshape(len(table), width, n)


def _vectors(embedding: Any) -> F32:
    """Vector of each token, all that an embedding is made of put together."""
    import torch

    tokens = torch.arange(len(embedding.weight), device=embedding.weight.device)
    with torch.no_grad():
        parts = [embedding.vectors(tokens[i : i + _ROWS]) for i in range(0, len(tokens), _ROWS)]
    return np.concatenate([_numpy(part) for part in parts])


def _numpy(tensor: Any) -> F32:
    array: F32 = tensor.detach().cpu().float().numpy().copy()
    return array
