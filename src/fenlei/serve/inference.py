"""The JSON of the Open Inference Protocol, version 2: one tensor of texts in, three tensors out."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fenlei.serve.errors import ServeError
from fenlei.serve.predicting import Answer
from fenlei.serve.schemas import Request

INPUT = "text"
OUTPUTS = ("label", "score", "probabilities")


class InputTensor(Request):
    """The texts: data flat, or nested to the shape (n, 1)."""

    name: Literal["text"]
    shape: list[int] = Field(max_length=2)
    datatype: Literal["BYTES"]
    data: list[str] | list[list[str]]
    parameters: dict[str, Any] = Field(default_factory=dict)


class OutputWish(Request):
    """An output to give."""

    name: str
    parameters: dict[str, Any] = Field(default_factory=dict)


class InferRequest(Request):
    """A request for inference."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"inputs": [{"name": "text", "shape": [2], "datatype": "BYTES", "data": ["很好", "太差"]}]}]
        }
    )
    id: str = Field("", max_length=200)
    inputs: list[InputTensor] = Field(min_length=1, max_length=1)
    outputs: list[OutputWish] = Field([], max_length=len(OUTPUTS))
    parameters: dict[str, Any] = Field(default_factory=dict)

    def texts(self) -> list[str]:
        """Give the texts, and see that there are as many as the shape says."""
        tensor = self.inputs[0]
        texts: list[str] = []
        for one in tensor.data:
            texts.extend([one] if isinstance(one, str) else one)
        if tensor.shape not in ([len(texts)], [len(texts), 1]):
            raise ServeError(422, "wrong_shape", f"shape {tensor.shape} but {len(texts):,} texts; give [{len(texts)}]")
        return texts

    def wanted(self) -> tuple[str, ...]:
        """Give the names of the outputs."""
        names = tuple(output.name for output in self.outputs) or OUTPUTS
        for name in names:
            if name not in OUTPUTS:
                raise ServeError(422, "unknown_output", f"no output of that name; known: {', '.join(OUTPUTS)}")
        return names


class OutputTensor(BaseModel):
    """An output; data flat, row after row."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]


class InferAnswer(BaseModel):
    """The outputs of a request."""

    model_name: str
    model_version: str
    id: str
    outputs: list[OutputTensor]


class TensorFacts(BaseModel):
    """An input or output; -1 is any number."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What a model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorFacts]
    outputs: list[TensorFacts]


class InferError(BaseModel):
    """Every answer that is no success, as the protocol has it."""

    error: str


class ServerMetadata(BaseModel):
    """What the service is."""

    name: str
    version: str
    extensions: list[str]


def metadata(facts: dict[str, Any]) -> dict[str, Any]:
    """Describe a model in the protocol's words; `facts` as of `ServedModel.facts`."""
    outputs = [
        ("label", "BYTES", [-1]),
        ("score", "FP64", [-1]),
        ("probabilities", "FP64", [-1, len(facts["classes"])]),
    ]
    return {
        "name": facts["name"],
        "versions": [facts["version"]],
        "platform": f"fenlei_{facts['family']}",
        "inputs": [{"name": INPUT, "datatype": "BYTES", "shape": [-1]}],
        "outputs": [{"name": name, "datatype": kind, "shape": shape} for name, kind, shape in outputs],
    }


def infer_answer(answer: Answer, wanted: tuple[str, ...], request_id: str) -> dict[str, Any]:
    """Write predictions as tensors; several labels of a text as a JSON list."""
    served, rows, predictions = answer
    n, k = len(predictions), len(served.model.classes_)
    tensors = {
        "label": ("BYTES", [n], [_label(one) for one in predictions]),
        "score": ("FP64", [n], [one["score"] for one in predictions]),
        "probabilities": ("FP64", [n, k], [] if rows is None else rows.ravel().tolist()),
    }
    outputs = [
        {"name": name, "shape": tensors[name][1], "datatype": tensors[name][0], "data": tensors[name][2]}
        for name in wanted
    ]
    return {"model_name": served.name, "model_version": served.version, "id": request_id, "outputs": outputs}


def _label(prediction: dict[str, Any]) -> str:
    if "labels" in prediction:
        return json.dumps(prediction["labels"], ensure_ascii=False)
    return str(prediction["label"])
