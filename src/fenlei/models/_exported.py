"""Networks as ONNX graphs: whole vocabularies instead of compiled look-ups, attention as plain products.

torch follows the network with sizes that stand for any, and refuses a step that would hold only for some; tracing an
example would silently keep the example's.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fenlei._optional import require
from fenlei.encoders.windows import windows_of
from fenlei.exceptions import SettingError
from fenlei.layers.embedding import Embedded
from fenlei.models._encoder import EncoderClassifierNetwork
from fenlei.models._graph import EXTRA, OUTPUT, Graph
from fenlei.models._network import TextNetwork

_OPSET = 20  # of 2023, the first with GELU as one operator; onnxruntime 1.17 and newer run it
_LARGEST = 2**31 - 2**20  # bytes of weights; no ONNX file has more in all
_TOKENS = 2**14  # whose vectors are put together at a time
_TALKATIVE = ("torch.onnx", "onnxscript", "onnx_ir")
_ANY_SIZE = 2**40  # of what is computed beforehand
_TEXTS, _LONGEST = 2, 7  # of the example that torch follows the network on
_CLOSE = 1e-5  # of a probability
_CLOSE_LOGIT = 1e-4  # by the largest; where a class is sure, its probability tells too little


def text_graph(network: TextNetwork, *, channels: int, multi_label: bool) -> Any:
    """Export a network over token vectors.

    Parameters
    ----------
    network : TextNetwork
        Stays as it is.
    channels : int
        Tokens of a place.
    multi_label : bool
        Whether probabilities are the sigmoid of each logit, else their softmax.

    Returns
    -------
    onnx.ModelProto
        Takes ``input_ids`` of shape (texts, tokens) or (texts, tokens, channels), gives ``logits``.
    """
    exported = ExportedTextNetwork(copy.deepcopy(network).cpu())

    def example(n_texts: int, longest: int) -> dict[str, Tensor]:
        ids = torch.from_numpy(_draw(len(exported.table), (n_texts, longest, channels)))
        ids[0, longest // 2 :] = 0
        return {"input_ids": ids if channels > 1 else ids[..., 0]}

    return _export(exported, example, {"input_ids": ("texts", "tokens")}, multi_label=multi_label)


def encoder_graph(network: EncoderClassifierNetwork, *, several: bool, multi_label: bool) -> Any:
    """Export an encoder's classifier.

    Parameters
    ----------
    network : EncoderClassifierNetwork
        Stays as it is.
    several : bool
        Whether a text may have several windows.
    multi_label : bool
        Whether probabilities are the sigmoid of each logit, else their softmax.

    Returns
    -------
    onnx.ModelProto
        Takes ``input_ids`` and ``attention_mask`` of shape (windows, tokens), and if `several` the ``windows`` of the
        texts, of shape (texts, most); gives ``logits``.
    """
    copied = copy.deepcopy(network).cpu()
    copied.encoder.set_attn_implementation("eager")  # plain products; what is fused has no operator of its own
    embeddings: Any = copied.encoder.get_input_embeddings()
    n_tokens = len(embeddings.weight)

    def example(n_texts: int, longest: int) -> dict[str, Tensor]:
        ids = torch.from_numpy(_draw(n_tokens, (n_texts + 1, longest)))
        mask = torch.ones_like(ids)
        mask[0, longest // 2 :] = 0  # where there is no padding, transformers leaves the mask out
        found = {"input_ids": ids, "attention_mask": mask}
        return found if not several else found | {"windows": torch.from_numpy(windows_of(_of_windows(n_texts)))}

    sizes = {"input_ids": ("windows" if several else "texts", "tokens"), "windows": ("texts", "most")}
    sizes["attention_mask"] = sizes["input_ids"]
    return _export(ExportedEncoder(copied), example, sizes, multi_label=multi_label)


class ExportedTextNetwork(nn.Module):
    """A network over token vectors, from ids (and those of n-grams behind them) to logits.

    All that a vector is made of is put together, so that it is one row of one table.

    Parameters
    ----------
    network : TextNetwork
    """

    def __init__(self, network: TextNetwork) -> None:
        super().__init__()
        self.network = network
        self.table = nn.Parameter(_table(network.embedding), requires_grad=False)

    def forward(self, input_ids: Tensor) -> Tensor:
        """Score a padded batch of shape (n_texts, longest) or (n_texts, longest, n_channels)."""
        network: Any = self.network
        logits: Tensor = network.head(network.encode(self._embed(input_ids), None))
        return logits

    def _embed(self, ids: Tensor) -> Embedded:
        if ids.dim() == 2:
            tokens = torch.arange(len(self.table))
            return Embedded(self.table, ids, (ids != 0).sum(1), tokens)
        rows = nn.functional.embedding(ids, self.table).sum(2).flatten(0, 1)
        places = torch.arange(ids.shape[0] * ids.shape[1]).view(ids.shape[0], ids.shape[1])
        return Embedded(rows, places, (ids[..., 0] != 0).sum(1))


class ExportedEncoder(nn.Module):
    """An encoder's classifier from ids to logits; without the windows of texts if they have one each."""

    def __init__(self, network: EncoderClassifierNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor, windows: Tensor | None = None) -> Tensor:
        """Score a padded batch; parameters as of `EncoderClassifierNetwork.forward`."""
        logits: Tensor = self.network(input_ids, attention_mask, windows=windows).logits
        return logits


def _table(embedding: Any) -> Tensor:
    """Vector of each id, that of padding zero."""
    with torch.no_grad():
        ids = torch.arange(len(embedding.weight)).split(_TOKENS)
        table = torch.cat([embedding.vectors(part) for part in ids])
        table[0] = 0
    return table


def _export(
    network: nn.Module, example: Callable[[int, int], dict[str, Tensor]], sizes: dict[str, tuple[str, str]], *,
    multi_label: bool,
) -> Any:  # fmt: skip
    """Make the graph of a network, its first two dimensions of each input of any size.

    Parameters
    ----------
    network : Module
    example : callable
        Takes how many texts and of how many tokens, gives inputs.
    sizes : dict
        Names of the dimensions of each input.
    multi_label : bool
        What makes probabilities of the logits.
    """
    optimizer = require("onnxscript.optimizer", extra=EXTRA)
    _check_size(network)
    inputs = example(_TEXTS, _LONGEST)
    with _quietly(), torch.no_grad(), _told_as_ours():
        program: Any = torch.onnx.export(
            network.eval(), kwargs=inputs, dynamo=True, opset_version=_OPSET, verbose=False, optimize=False,
            dynamic_shapes={name: dict(enumerate(sizes[name])) for name in inputs}, input_names=list(inputs),
            output_names=[OUTPUT],
        )  # fmt: skip
        optimizer.optimize(program.model, input_size_limit=_ANY_SIZE, output_size_limit=_ANY_SIZE)
        graph = program.model_proto
    _tidy(graph)
    _compare(network, graph, example(_TEXTS + 3, 2 * _LONGEST + 1), multi_label=multi_label)
    return graph


def _compare(network: nn.Module, graph: Any, inputs: dict[str, Tensor], *, multi_label: bool) -> None:
    """Refuse a graph that does not give what the network gives, on texts of other sizes than the example's."""
    with torch.no_grad():
        expected = network(**inputs).double()
    found = torch.from_numpy(Graph(graph.SerializeToString()).run({k: v.numpy() for k, v in inputs.items()})).double()
    if found.shape != expected.shape or not _are_close(found, expected, multi_label=multi_label):
        raise SettingError("the exported graph does not give the scores of this network; serve it with torch")


def _are_close(found: Tensor, expected: Tensor, *, multi_label: bool) -> bool:
    """Compare logits, and the probabilities that they stand for."""
    largest = max(1.0, float(expected.abs().max()))
    ours, theirs = (logits.sigmoid() if multi_label else logits.softmax(1) for logits in (expected, found))
    return bool((found - expected).abs().max() < _CLOSE_LOGIT * largest and (theirs - ours).abs().max() <= _CLOSE)


def _draw(n_tokens: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    return np.random.default_rng(7).integers(1, n_tokens, shape)


def _of_windows(n_texts: int) -> NDArray[np.int64]:
    """Bounds of the windows of texts of which the first has two."""
    return np.concatenate([[0], np.arange(2, n_texts + 2)])


def _check_size(network: nn.Module) -> None:
    size = sum(weight.numel() * 4 for weight in network.state_dict().values())
    if size > _LARGEST:
        raise SettingError(f"the network has {size / 1e9:.1f} GB of weights; an ONNX file has at most 2")


def _tidy(model: Any) -> None:
    """Leave out what tells of the machine that exported it, and shapes of the example."""
    del model.graph.value_info[:]
    for part in (model, model.graph, *model.graph.node, *model.graph.initializer, *model.graph.input):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")


@contextmanager
def _told_as_ours() -> Iterator[None]:
    """Tell in one line of a network that torch cannot export, such as a foreign encoder with steps of its own."""
    try:
        yield
    except torch.onnx.OnnxExporterError as error:
        reason = " ".join(str(error.__cause__ or error).split())[:200]
        raise SettingError(f"torch cannot export this network: {reason}") from error


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep back what the exporter tells about itself."""
    levels = {logging.getLogger(name): logging.getLogger(name).level for name in _TALKATIVE}
    for logger in levels:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
