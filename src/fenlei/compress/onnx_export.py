"""Export a trained network as an ONNX graph, which onnxruntime runs without torch."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import fenlei
from fenlei._optional import require
from fenlei.exceptions import SettingError
from fenlei.models._graph import EXTRA, Graph

if TYPE_CHECKING:
    from fenlei.base import TextClassifier
    from fenlei.models._readers import Reader
    from fenlei.models.onnx import OnnxClassifier


def export_onnx(model: TextClassifier) -> OnnxClassifier:
    """Make a model that scores with onnxruntime, without torch.

    Parameters
    ----------
    model : TextClassifier
        A trained network of any family. It stays as it is and shares nothing with the new model that changes.

    Returns
    -------
    OnnxClassifier
        With float32 weights; probabilities are the network's within 0.00001.

    Raises
    ------
    SettingError
        When the model is no network.
    NotFittedError
        When it is not trained.
    MissingExtraError
        When a package is missing.

    Examples
    --------
    >>> from fenlei.models.mlp import MlpClassifier
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> model = MlpClassifier(epochs=5, dim=16).fit(texts, ["good", "good", "bad", "bad"])
    >>> exported = export_onnx(model)
    >>> bool(abs(exported.predict_proba(texts) - model.predict_proba(texts)).max() < 1e-5)
    True
    """
    model._check_fitted("classes_")
    check_network(model)
    for package in ("onnx", "onnxruntime", "onnxscript"):  # before the work
        require(package, extra=EXTRA)
    network: Any = getattr(model, "network_")  # noqa: B009  (its class needs torch)
    reader, graph = _of_encoder(model, network) if hasattr(model, "tokenizer_") else _of_tokens(model, network)
    return classifier(model, reader, _describe(graph, model), model.family, "float32")


def check_network(model: TextClassifier) -> None:
    """Refuse what has no network to export.

    Raises
    ------
    SettingError
        Says what the model is instead.
    """
    if model.family == "onnx":
        raise SettingError("this model is an ONNX graph already: model.onnx in its folder")
    if not hasattr(model, "network_"):
        raise SettingError(f"a {model.family} model has no network; it is already served without torch")


def classifier(model: TextClassifier, reader: Reader, graph: Any, source: str, precision: str) -> OnnxClassifier:
    """Put a graph and what it reads together, with the classes of `model`; try it on a text."""
    from fenlei.models.onnx import OnnxClassifier

    made = OnnxClassifier()
    made.classes_, made.multi_label_ = model.classes_, model.multi_label_
    made.reader_, made.graph_ = reader, Graph(graph.SerializeToString(deterministic=True))
    made.source_, made.precision_ = source, precision
    made.graph_.try_out(reader.probe(), len(made.classes_))
    return made


def _of_tokens(model: Any, network: Any) -> tuple[Reader, Any]:
    from fenlei.models._exported import text_graph
    from fenlei.models._readers import TokenReader

    reader = TokenReader(
        copy.deepcopy(model.preparation_), copy.deepcopy(model.inputs_), int(model.max_length), network.ngrams
    )
    graph = text_graph(network, channels=len(reader.inputs.vocabularies_), multi_label=bool(model.multi_label_))
    return reader, graph


def _of_encoder(model: Any, network: Any) -> tuple[Reader, Any]:
    from fenlei.encoders.tokenizer import EncoderTokenizer
    from fenlei.models._exported import encoder_graph
    from fenlei.models._readers import WindowReader

    tokenizer = EncoderTokenizer.from_bytes(model.tokenizer_.to_bytes())
    reader = WindowReader(
        copy.deepcopy(model.preparation_), tokenizer, model.max_length_, model.long_text, model.prefix_
    )
    several = model.long_text == "windows"
    return reader, encoder_graph(network, several=several, multi_label=bool(model.multi_label_))


def _describe(graph: Any, model: TextClassifier) -> Any:
    """Write into the file what its numbers mean, for whoever looks into it."""
    meaning = f"{'sigmoid' if model.multi_label_ else 'softmax'} of the logits"
    facts = {
        "family": model.family, "classes": json.dumps(model.classes_.tolist()),
        "multi_label": json.dumps(bool(model.multi_label_)), "probabilities": meaning,
    }  # fmt: skip
    graph.producer_name, graph.producer_version = "fenlei", fenlei.__version__
    for key, value in facts.items():
        graph.metadata_props.add(key=key, value=value)
    return graph
