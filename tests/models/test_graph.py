"""What a graph must not hold: nothing that reaches beyond its file, or never ends."""

from __future__ import annotations

import numpy as np
import pytest

from fenlei.exceptions import ModelFolderError
from fenlei.models._graph import Graph, check_graph

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
helper = onnx.helper


def model_of(*nodes, initializers=(), inputs=("input_ids",), outputs=("logits",)):
    made = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info(name, onnx.TensorProto.INT64, ["n", "l"]) for name in inputs],
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", "l"]) for name in outputs],
        list(initializers),
    )  # fmt: skip
    domains = {node.domain for node in nodes} | {""}
    opsets = [helper.make_opsetid(domain, 1 if domain else 20) for domain in sorted(domains)]
    return helper.make_model(made, opset_imports=opsets, ir_version=10)


CAST = helper.make_node("Cast", ["input_ids"], ["logits"], to=onnx.TensorProto.FLOAT)


def test_a_plain_graph_is_run():
    graph = Graph(model_of(CAST).SerializeToString())
    assert graph.inputs == ("input_ids",)
    assert graph.run({"input_ids": np.array([[1, 2]])}).tolist() == [[1.0, 2.0]]


def outside():
    tensor = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return tensor


def with_loop():
    body = helper.make_graph([CAST], "body", [], [helper.make_tensor_value_info("logits", 1, None)])
    return model_of(helper.make_node("If", ["input_ids"], ["logits"], then_branch=body, else_branch=body))


def sparse(*, several=False):
    """A constant whose values lie in another file, which no dense tensor tells."""
    values = outside()
    values.dims[:] = [4]
    places = onnx.numpy_helper.from_array(np.arange(4), "places")
    tensor = onnx.SparseTensorProto(values=values, indices=places, dims=[4])
    node = helper.make_node("Constant", [], ["c"])
    kind = onnx.AttributeProto.SPARSE_TENSORS if several else onnx.AttributeProto.SPARSE_TENSOR
    attribute = node.attribute.add(name="sparse_value", type=kind)
    (attribute.sparse_tensors.add() if several else attribute.sparse_tensor).CopyFrom(tensor)
    return node


def with_function():
    model = model_of(CAST)
    model.functions.append(helper.make_function("", "F", ["x"], ["y"], [], [helper.make_opsetid("", 20)]))
    return model


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (model_of(CAST, initializers=[outside()]), "in other files"),
        (model_of(helper.make_node("Constant", [], ["c"], value=outside()), CAST), "in other files"),
        (model_of(sparse(), CAST), "sparse tensors"),
        (model_of(sparse(several=True), CAST), "sparse tensors"),
        (with_loop(), "loops or branches"),
        (with_function(), "functions"),
        (model_of(helper.make_node("Run", ["input_ids"], ["logits"], domain="my.own")), "operator my.own:Run"),
        (model_of(helper.make_node("EPContext", [], ["logits"], domain="com.microsoft")), "com.microsoft:EPContext"),
        (model_of(CAST, outputs=("other",)), "inputs or outputs"),
        (model_of(CAST, inputs=("input_ids", "path")), "inputs or outputs"),
    ],
    ids=[
        "external", "external in a node", "sparse", "several sparse", "branch", "function", "domain", "context",
        "output", "input",
    ],
)  # fmt: skip
def test_what_could_reach_further_is_refused(model, reason):
    with pytest.raises(ModelFolderError, match=reason):
        check_graph(model.SerializeToString())


@pytest.mark.parametrize("data", [b"", b"\x00", b"no graph at all", b"\xff" * 100])
def test_other_files_are_refused(data):
    with pytest.raises(ModelFolderError, match=r"model\.onnx"):
        Graph(data)


def test_what_onnxruntime_cannot_run_is_refused():
    with pytest.raises(ModelFolderError, match="cannot be run"):
        Graph(model_of(helper.make_node("NoSuchOperator", ["input_ids"], ["logits"])).SerializeToString())


def test_infinite_logits_are_refused():
    graph = Graph(model_of(CAST, helper.make_node("Log", ["logits"], ["x"])).SerializeToString())
    graph.try_out({"input_ids": np.array([[0, 0]])}, 2)
    endless = [CAST.__class__.FromString(CAST.SerializeToString())]
    endless[0].output[0] = "x"
    graph = Graph(model_of(*endless, helper.make_node("Log", ["x"], ["logits"])).SerializeToString())
    with pytest.raises(ModelFolderError, match="does not give 2 numbers"):
        graph.try_out({"input_ids": np.array([[0, 0]])}, 2)
