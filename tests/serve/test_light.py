"""A linear, a folded and an ONNX model are served where torch is not installed."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from fenlei import TfidfClassifier, save
from fenlei.features.inputs import TokenInputs
from fenlei.layers.folded import FoldedConvolution, Shape
from fenlei.models.folded import FoldedClassifier
from fenlei.preparation import Preparation

PROGRAM = """
import asyncio, sys
for name in ("torch", "transformers"):
    sys.modules[name] = None  # importing it fails
import httpx2 as httpx
from fenlei.serve.app import create_app
from fenlei.serve.settings import ServeSettings, models_by_name

app = create_app(ServeSettings(models_by_name(sys.argv[1:])))

async def main():
    transport = httpx.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        for folder in app.state.service.settings.models:
            answer = await client.post("/v1/predict", json={"input": "房间很干净", "model": folder})
            print(answer.status_code, answer.json()["predictions"][0]["label"])

asyncio.run(main())
assert not any(name.split(".")[0] == "sklearn" for name in sys.modules)
"""


def served(*folders):
    command = [sys.executable, "-c", PROGRAM, *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def vocabulary():
    """How texts are prepared and looked up, and a table that tells "净" from "脏"."""
    preparation = Preparation(language="zh").fit([])
    inputs = TokenInputs(min_count=1).fit(preparation.transform(["净", "脏"]))
    table = np.zeros((len(inputs.tokens_), 2), np.float32)
    for place, token in enumerate("净脏"):
        table[inputs.tokens_.index(token), place] = 3
    return preparation, inputs, table


def folded():
    """Look-up tables of two filters, one for each class, as folding a network gives them."""
    model = FoldedClassifier()
    model.classes_, model.multi_label_ = np.array(["好评", "差评"]), False
    model.preparation_, model.inputs_, table = vocabulary()
    model.max_length_ = 100
    shape = Shape(stride=1, pooling="max", k=1, activation="relu")
    model.convolution_ = FoldedConvolution([table[:, None]], np.ones(2, np.float32), np.zeros(2, np.float32), shape)
    model.head_weight_, model.head_bias_ = np.eye(2, dtype=np.float32), np.zeros(2, np.float32)
    return model


def onnx():
    """A graph that adds up a row of the table for each token, as exporting a network gives it."""
    helper = pytest.importorskip("onnx.helper", reason="makes the graph")
    pytest.importorskip("onnxruntime", reason="runs the graph")
    from fenlei.models._graph import OUTPUT, Graph
    from fenlei.models._readers import TokenReader
    from fenlei.models.onnx import OnnxClassifier

    preparation, inputs, table = vocabulary()
    rows = helper.make_tensor("table", 1, table.shape, table.ravel().tolist())
    one = helper.make_tensor("one", 7, (1,), [1])
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["vectors"]),
        helper.make_node("ReduceSum", ["vectors", "one"], [OUTPUT], keepdims=0),
    ]
    ids = helper.make_tensor_value_info("input_ids", 7, ["texts", "tokens"])
    logits = helper.make_tensor_value_info(OUTPUT, 1, ["texts", 2])
    graph = helper.make_graph(nodes, "sum", [ids], [logits], [rows, one])
    model = OnnxClassifier()
    model.classes_, model.multi_label_ = np.array(["好评", "差评"]), False
    model.reader_ = TokenReader(preparation, inputs, 100)
    opset = [helper.make_opsetid("", 18)]
    model.graph_ = Graph(helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString())
    model.source_, model.precision_ = "textcnn", "float32"
    return model


def linear(chinese):
    return TfidfClassifier().fit(chinese.texts, chinese.labels)


def test_models_that_need_no_torch(tmp_path, chinese):
    models = {"linear": linear(chinese), "folded": folded(), "onnx": onnx()}
    folders = [save(model, tmp_path / name) for name, model in models.items()]
    assert served(*folders) == ["200 好评"] * 3
