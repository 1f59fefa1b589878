"""The pages for people: the page to try models on, and the description of all addresses."""

from __future__ import annotations

import functools
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from fenlei.serve.description import describe_in_html

PAGE = Path(__file__).parents[1] / "page"
router = APIRouter(include_in_schema=False)
files = Mount("/page", StaticFiles(directory=PAGE), name="page")


@router.get("/")
async def page() -> FileResponse:
    """Give the page to try models on."""
    return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Describe all addresses."""
    return HTMLResponse(_rendered(request.app))


_rendered = functools.lru_cache(1)(lambda app: describe_in_html(app.openapi()))
