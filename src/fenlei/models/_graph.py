"""A network as an ONNX graph: checked, because a model folder is not trusted, and run by onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fenlei._optional import require
from fenlei._threads import n_threads
from fenlei.exceptions import ModelFolderError

FILE = "model.onnx"
INPUTS = ("input_ids", "attention_mask", "windows")
OUTPUT = "logits"
EXTRA = "onnx"
CONTRIBUTED = frozenset({"MatMulIntegerToFloat"})
"""Operators beyond the standard that int8 graphs have, of the domain "com.microsoft"."""

_LIMIT = 2**31 - 1  # bytes; no protocol buffer has more
_NODES = 100_000
_STANDARD, _MICROSOFT = ("", "ai.onnx"), "com.microsoft"
_TOLD_BY = frozenset({"name", "type", "doc_string", "f", "i", "s", "t", "floats", "ints", "strings", "tensors"})


class Graph:
    """A checked graph, ready to be run by several threads at once.

    Parameters
    ----------
    data : bytes
        The file.

    Raises
    ------
    ModelFolderError
        When it is damaged, or holds what no exported network does.
    MissingExtraError
        When onnxruntime is not installed.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        check_graph(data)
        self._session = _session(data)
        self.inputs = tuple(value.name for value in self._session.get_inputs())

    def __reduce__(self) -> tuple[type[Graph], tuple[bytes]]:
        """Copy by the file: a session of onnxruntime cannot be copied."""
        return type(self), (self.data,)

    def run(self, arrays: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        """Give the logits of a batch, shape (n_texts, n_classes)."""
        logits: NDArray[np.float32] = self._session.run([OUTPUT], dict(arrays))[0]
        return logits

    def try_out(self, arrays: Mapping[str, NDArray[np.int64]], n_classes: int) -> None:
        """Run one text; refuse a graph that fails on it, or gives anything but a finite logit for each class."""
        if set(self.inputs) != set(arrays):
            raise ModelFolderError(f"{FILE}: takes {', '.join(self.inputs)}; expected {', '.join(arrays)}")
        try:
            logits = self.run(arrays)
        except Exception as error:  # onnxruntime's errors have no common class
            raise ModelFolderError(f"{FILE}: cannot be run: {_first_line(error)}") from error
        if logits.shape != (1, n_classes) or logits.dtype != np.float32 or not np.isfinite(logits).all():
            raise ModelFolderError(f"{FILE}: does not give {n_classes} numbers a text, one for each class")


def check_graph(data: bytes) -> None:
    """Refuse a file with anything that could reach beyond it or never end, before it is run.

    That is: tensors in other files, functions, nodes with more than numbers, texts and tensors (graphs, which are loops
    and branches, and sparse tensors), and operators that are neither ONNX's own nor among `CONTRIBUTED`.

    Raises
    ------
    ModelFolderError
    """
    onnx = require("onnx", extra=EXTRA)
    if len(data) > _LIMIT:
        raise ModelFolderError(f"{FILE}: has {len(data):,} bytes, no graph has over {_LIMIT:,}; do not load it")
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # the parser of protocol buffers raises an error of its own
        raise ModelFolderError(f"{FILE}: is no ONNX file: {_first_line(error)}") from error
    graph = model.graph
    if model.functions or model.training_info or graph.sparse_initializer or len(graph.node) > _NODES:
        raise _refused("functions, a training, sparse tensors or too many nodes")
    if [value.name for value in graph.output] != [OUTPUT] or not {v.name for v in graph.input} <= {*INPUTS}:
        raise _refused("inputs or outputs that are not a classifier's")
    for node in graph.node:
        _check_node(node)
    if any(tensor.external_data or tensor.data_location for tensor in _tensors(graph)):
        raise _refused("tensors in other files")


def _check_node(node: Any) -> None:
    known = node.domain in _STANDARD or (node.domain == _MICROSOFT and node.op_type in CONTRIBUTED)
    if not known:
        raise _refused(f"the operator {node.domain}:{node.op_type}"[:200])
    for attribute in node.attribute:
        # what is set counts, not the declared type, which a stranger writes as it pleases
        if not {field.name for field, _ in attribute.ListFields()} <= _TOLD_BY:
            raise _refused("loops or branches, or sparse tensors")


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors


def _session(data: bytes) -> Any:
    onnxruntime = require("onnxruntime", extra=EXTRA)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads()
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # threads that wait leave the processor
    options.enable_mem_pattern = False  # one would be kept for every shape of a batch
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common class
        raise ModelFolderError(f"{FILE}: cannot be run: {_first_line(error)}") from error


def _refused(what: str) -> ModelFolderError:
    return ModelFolderError(f"{FILE}: holds {what}, which no network of ours does; do not load this folder")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
