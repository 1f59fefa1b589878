"""The JSON of requests and answers; unknown fields and wrong types are refused, nothing is converted."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Label = str | int


class Request(BaseModel):
    """A body that holds nothing but what is told here."""

    model_config = ConfigDict(extra="forbid", strict=True)


class TextsRequest(Request):
    """One text, or a list of texts: a list is always a batch."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"input": "房间很干净，下次还来"}, {"inputs": ["房间很干净", "A dull, boring film"]}],
            "oneOf": [{"required": ["input"]}, {"required": ["inputs"]}],
        }
    )
    input: str = Field("", description="One text.")
    inputs: list[str] = Field([], description="Texts, each answered by itself.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if len({"input", "inputs"} & self.model_fields_set) != 1:
            raise ValueError("give either input, one text, or inputs, a list of texts")
        return self

    @property
    def texts(self) -> list[str]:
        """The texts, as a list."""
        return [self.input] if "input" in self.model_fields_set else self.inputs


class PredictRequest(TextsRequest):
    """Texts, and what is wished of their predictions."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"input": "房间很干净", "scores": True}, {"inputs": ["很好", "太差"], "top_k": 2}],
            "oneOf": [{"required": ["input"]}, {"required": ["inputs"]}],
        }
    )
    model: str = Field("", description="Name of a model; the first one without.")
    top_k: int = Field(0, ge=0, le=100_000, description="Show the probabilities of so many of the likeliest classes.")
    scores: bool = Field(False, description="Show the probabilities of all classes.")
    explain: bool = Field(False, description="Say how much each part of a text counts.")


class Prediction(BaseModel):
    """What a model says of one text; `label`, or `labels` of a multi-label model."""

    id: str = Field(description="By which feedback names the prediction.")
    label: Label | None = None
    labels: list[Label] | None = None
    score: float = Field(description="The highest probability of a class.")
    abstained: Literal[True] | None = Field(None, description="There when the score is below the one to abstain at.")
    scores: dict[str, float] | None = Field(None, description="Probability by class, best first.")
    explanation: dict[str, Any] | None = None


class SimplePrediction(Prediction):
    """The answer to one text."""

    model: str
    version: str


class Predictions(BaseModel):
    """The answer to a list of texts, in their order."""

    model: str
    version: str = Field(description="Beginning of the SHA-256 of the model's manifest.")
    predictions: list[Prediction]


class ModelFacts(BaseModel):
    """A model in service."""

    name: str
    family: str
    version: str
    classes: list[Label]
    multi_label: bool
    language: str
    ready: bool


class Models(BaseModel):
    """The models in service, the default one first."""

    models: list[ModelFacts]


class FeedbackRequest(Request):
    """The true label of a prediction."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "01a3185c50009f86d081884c7d659a2f-0", "label": "好评"}],
            "oneOf": [{"required": ["label"]}, {"required": ["labels"]}],
        }
    )
    id: str = Field(max_length=100)
    label: str = Field("", max_length=1000)
    labels: list[str] = Field([], max_length=1000)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if len({"label", "labels"} & self.model_fields_set) != 1:
            raise ValueError("give either label or labels")
        return self

    @property
    def truth(self) -> str | list[str]:
        """The label, or the list of labels."""
        return self.label if "label" in self.model_fields_set else self.labels


class Status(BaseModel):
    """How something is."""

    status: str


class Readiness(BaseModel):
    """Whether requests are taken, and which models work."""

    ready: bool
    models: dict[str, bool]


class Table(BaseModel):
    """The rows of a file, as texts."""

    columns: list[str]
    text: str | None = Field(description="Name of the column of the texts; null when no name tells which it is.")
    rows: list[list[str]]
    encoding: str


class ErrorFacts(BaseModel):
    """What went wrong."""

    code: str
    message: str


class Error(BaseModel):
    """Every answer that is no success."""

    error: ErrorFacts
