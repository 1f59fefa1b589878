"""``/predict`` and ``/v1/predict``: texts in, labels out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from fenlei.serve.predicting import Answer, Wish, predict
from fenlei.serve.routes._common import OF_A_MODEL, JsonRoute, answer, errors, service_of
from fenlei.serve.schemas import Predictions, PredictRequest, SimplePrediction, TextsRequest

router = APIRouter(route_class=JsonRoute, tags=["predict"], responses=errors(*OF_A_MODEL))


@router.post("/predict", response_model=SimplePrediction | Predictions, response_model_exclude_unset=True)
async def predict_simply(body: TextsRequest, request: Request) -> Response:
    """Label one text, or each of a list, with the default model."""
    found = await predict(service_of(request), Wish(body.texts), request.receive)
    if "inputs" in body.model_fields_set:
        return answer(_document(found))
    return answer({**found.predictions[0], "model": found.served.name, "version": found.served.version})


@router.post("/v1/predict", response_model=Predictions, response_model_exclude_unset=True)
async def predict_fully(body: PredictRequest, request: Request) -> Response:
    """Label texts with any model; on request with probabilities, and with the reasons."""
    shown = None if body.scores and not body.top_k else body.top_k
    model = body.model if "model" in body.model_fields_set else None
    wish = Wish(body.texts, model, shown, body.explain)
    return answer(_document(await predict(service_of(request), wish, request.receive)))


def _document(found: Answer) -> dict[str, object]:
    return {"model": found.served.name, "version": found.served.version, "predictions": found.predictions}
