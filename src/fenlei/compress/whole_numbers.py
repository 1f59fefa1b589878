"""Rewrite a graph so that its products are of whole numbers of 8 bits; `fenlei.compress.quantizing` has the formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fenlei._optional import require
from fenlei.models._graph import EXTRA

_FEWEST = 1024  # numbers of a weight that is worth it
_LARGEST = 127
_FLOAT = 1  # as ONNX numbers its types
_ONE, _STEP, _LEAST, _ZERO, _LAST, _OF_TEXT = "w_one", "w_step", "w_least", "w_zero", "w_last", "w_of_text"
_CONSTANTS: dict[str, NDArray[Any]] = {
    _ONE: np.array(1, np.float32), _STEP: np.array(1 / _LARGEST, np.float32), _LEAST: np.array(1e-12, np.float32),
    _ZERO: np.array(128, np.uint8), _LAST: np.array([-1]), _OF_TEXT: np.array([1, 2]),
}  # fmt: skip
_MICROSOFT = "com.microsoft"


class Whole(NamedTuple):
    """Names of whole numbers, and of the factors that make them what they stand for."""

    numbers: str
    factors: str


class WholeNumbers:
    """Rewrites one graph.

    Parameters
    ----------
    model : onnx.ModelProto
        Is changed.
    """

    def __init__(self, model: Any) -> None:
        self._onnx = require("onnx", extra=EXTRA)
        self._model = model
        self._weights = {tensor.name: tensor for tensor in model.graph.initializer}
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._nodes: list[Any] = []
        self._added: dict[str, Any] = {}
        self._known: dict[str, Whole] = {}

    def rewrite(self) -> None:
        """Rewrite all nodes with a weight that is worth it, and leave out what nothing needs any more."""
        for node in self._model.graph.node:
            way = self._way_of(node)
            if way is None:
                self._nodes.append(node)
            else:
                way(node)
        for name, value in _CONSTANTS.items():
            self._add(name, value)
        self._finish()

    def _way_of(self, node: Any) -> Callable[[Any], None] | None:
        kind, inputs = node.op_type, node.input
        if kind == "Gather" and self._is_matrix(inputs[0]):
            return self._look_up
        if kind in ("MatMul", "Gemm") and self._is_matrix(inputs[1]):
            return self._multiply
        if kind in ("LSTM", "GRU", "RNN"):
            return self._keep_small
        return None

    def _look_up(self, node: Any) -> None:
        """Look up whole numbers and the factor of each row."""
        table, ids = node.input
        row, out = self._weight(table, axis=1), node.output[0]
        self._make("Gather", [row.numbers, ids], out + "/whole")
        self._make("Cast", [out + "/whole"], out + "/number", to=_FLOAT)
        self._make("Gather", [row.factors, ids], out + "/factor")
        self._make("Mul", [out + "/number", out + "/factor"], out)

    def _multiply(self, node: Any) -> None:
        """Multiply whole numbers; the factors of the columns go into the product, those of the rows behind it."""
        matrix = self._weight(node.input[1], axis=0, turned=_attribute(node, "transB", 0) == 1)
        rows, out = self._rows(node.input[0]), node.output[0]
        factors = [rows.numbers, matrix.numbers, _ONE, matrix.factors, _ZERO]
        self._make("MatMulIntegerToFloat", factors, out + "/product", domain=_MICROSOFT)
        has_bias = len(node.input) > 2
        self._make("Mul", [out + "/product", rows.factors], out + "/scaled" if has_bias else out)
        if has_bias:
            self._make("Add", [out + "/scaled", node.input[2]], out)

    def _keep_small(self, node: Any) -> None:
        """Keep the weights of a recurrent layer as whole numbers; loading multiplies them out."""
        for place in (1, 2):
            name = node.input[place]
            if name not in self._weights:
                continue
            whole = self._weight(name, axis=2)
            self._make("Cast", [whole.numbers], name + "/number", to=_FLOAT)
            self._make("Mul", [name + "/number", whole.factors], name + "/full")
            node.input[place] = name + "/full"
        self._nodes.append(node)

    def _weight(self, name: str, *, axis: int, turned: bool = False) -> Whole:
        """Round a weight, with a factor for all numbers along `axis`."""
        whole = Whole(name + "/whole", name + "/factor")
        if whole.numbers not in self._added:
            values = self._onnx.numpy_helper.to_array(self._weights[name])
            values = np.ascontiguousarray(values.T) if turned else values
            factors = np.maximum(np.abs(values).max(axis, keepdims=True) / _LARGEST, 1e-12).astype(np.float32)
            self._add(whole.numbers, np.rint(values / factors).astype(np.int8))
            self._add(whole.factors, factors[0] if axis == 0 else factors)
        return whole

    def _rows(self, name: str) -> Whole:
        """Round what comes in: with a factor a row, or, what was laid side by side, a factor a text."""
        if name not in self._known:
            source = self._source(name)
            self._known[name] = self._round(name, _LAST) if source in (None, name) else self._moved(name)
        return self._known[name]

    def _round(self, name: str, axes: str) -> Whole:
        part = f"{name}/{axes}"
        self._make("ReduceMax", [name, axes], part + "/top", keepdims=1)
        self._make("ReduceMin", [name, axes], part + "/bottom", keepdims=1)
        self._make("Neg", [part + "/bottom"], part + "/depth")
        self._make("Max", [part + "/top", part + "/depth", _LEAST], part + "/largest")
        self._make("Mul", [part + "/largest", _STEP], part + "/factor")
        self._make("Reciprocal", [part + "/factor"], part + "/inverse")
        self._make("Mul", [name, part + "/inverse"], part + "/ratio")
        self._make("QuantizeLinear", [part + "/ratio", _ONE, _ZERO], part + "/whole")
        return Whole(part + "/whole", part + "/factor")

    def _moved(self, name: str) -> Whole:
        """Move whole numbers as the numbers they stand for were moved."""
        key = name + "/moved"
        if key in self._known:
            return self._known[key]
        node = self._makers.get(name)
        if node is None or not self._is_move(node):
            whole = self._round(name, _OF_TEXT)
        else:
            data = len(node.input) if node.op_type == "Concat" else 1
            parts = [self._moved(part) for part in node.input[:data]]
            rest = list(node.input[data:])
            if node.op_type == "Pad":
                rest = [rest[0], _ZERO, *rest[2:]]
            moved = self._onnx.NodeProto()
            moved.CopyFrom(node)
            del moved.input[:], moved.output[:]
            moved.input.extend([part.numbers for part in parts] + rest)
            moved.output.append(key)
            moved.name = key
            self._nodes.append(moved)
            whole = Whole(key, parts[0].factors)
        self._known[key] = whole
        return whole

    def _source(self, name: str) -> str | None:
        """Find the one tensor whose numbers were only moved within their texts; None when there are several."""
        node = self._makers.get(name)
        if node is None or not self._is_move(node):
            return name
        parts = node.input if node.op_type == "Concat" else node.input[:1]
        sources = {self._source(part) for part in parts}
        return sources.pop() if len(sources) == 1 else None

    def _is_move(self, node: Any) -> bool:
        """Whether a node moves numbers of (texts, places, values) along places and values only."""
        if node.op_type == "Slice":
            return len(node.input) > 3 and self._constant(node.input[3]) == [1]
        if node.op_type == "Pad":
            return _attribute(node, "mode", b"constant") == b"constant"
        return node.op_type == "Concat" and _attribute(node, "axis", 0) in (2, -1)

    def _constant(self, name: str) -> list[int]:
        tensor = self._weights.get(name)
        found: list[int] = [] if tensor is None else self._onnx.numpy_helper.to_array(tensor).tolist()
        return found

    def _is_matrix(self, name: str) -> bool:
        tensor = self._weights.get(name)
        return (
            tensor is not None and len(tensor.dims) == 2 and tensor.data_type == _FLOAT
            and int(np.prod(tensor.dims)) >= _FEWEST
        )  # fmt: skip

    def _make(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        self._nodes.append(self._onnx.helper.make_node(kind, inputs, [output], name=output, **attributes))

    def _add(self, name: str, value: NDArray[Any]) -> None:
        self._added[name] = self._onnx.numpy_helper.from_array(value, name)

    def _finish(self) -> None:
        graph = self._model.graph
        needed, kept = {value.name for value in graph.output}, []
        for node in reversed(self._nodes):
            if needed.intersection(node.output):
                needed.update(node.input)
                kept.append(node)
        tensors = [t for t in [*graph.initializer, *self._added.values()] if t.name in needed]
        del graph.node[:], graph.initializer[:]
        graph.node.extend(reversed(kept))
        graph.initializer.extend(tensors)
        if any(node.domain == _MICROSOFT for node in kept):
            self._model.opset_import.append(self._onnx.helper.make_opsetid(_MICROSOFT, 1))


def _attribute(node: Any, name: str, default: Any) -> Any:
    found = [attribute for attribute in node.attribute if attribute.name == name]
    if not found:
        return default
    return found[0].s if isinstance(default, bytes) else found[0].i
