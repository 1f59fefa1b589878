"""``/v1/table``: a file in, its rows out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from fenlei.serve.errors import to_bytes
from fenlei.serve.routes._common import ALWAYS, errors, service_of, unless_left
from fenlei.serve.schemas import Table
from fenlei.serve.table import read_table

router = APIRouter(prefix="/v1", tags=["predict"], responses=errors(*ALWAYS, 415, 422, 429))
_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}}


@router.post("/table", response_model=Table, openapi_extra=_BODY)
async def table(
    request: Request,
    name: Annotated[str, Query(max_length=255, description="Name of the file: csv, tsv, xlsx or jsonl.")],
    text: Annotated[str | None, Query(max_length=255, description="Column of the texts; by its name without.")] = None,
) -> Response:
    """Read a file of texts, whatever its encoding, as rows of strings."""
    data, service = await request.body(), service_of(request)
    shed = service.metrics.refused.labels("table").inc
    reading = service.tables.submit([lambda: to_bytes(read_table(data, name, text))], shed=shed)
    [body] = await unless_left(request, reading)
    return Response(body, media_type="application/json")
