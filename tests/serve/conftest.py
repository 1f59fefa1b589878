"""The service in this process, without a socket, and toy models of known speed."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from fenlei import TfidfClassifier, save
from fenlei.evaluation.metrics import evaluate_scores
from fenlei.monitor.reference_builder import training_reference
from fenlei.persistence import REFERENCE

pytest.importorskip("fastapi", reason="needs the extra serve")
httpx = pytest.importorskip("httpx2", reason="the tests' client")

from fenlei.serve.app import create_app  # noqa: E402
from fenlei.serve.loading import Loaded  # noqa: E402
from fenlei.serve.settings import Limits, ServeSettings  # noqa: E402


@pytest.fixture(scope="session")
def toys():
    """The module toys.py."""
    spec = importlib.util.spec_from_file_location("toys", Path(__file__).with_name("toys.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Drifting(NamedTuple):
    """A model folder that tells what training looked like, the texts of that, and others that are unlike them."""

    folder: Path
    texts: list[str]
    drifted: list[str]


@pytest.fixture(scope="session")
def drifting(tmp_path_factory):
    texts, labels = ["房间很干净，服务也好", "又脏又差，很失望"] * 150, ["好评", "差评"] * 150
    model = TfidfClassifier().fit(texts, labels)
    measured = evaluate_scores(["好评", "差评"], np.eye(2)[[0, 1] * 150], labels, resamples=1)
    extra = {REFERENCE: training_reference(texts, labels, measured).to_bytes()}
    folder = save(model, tmp_path_factory.mktemp("drifting") / "hotel", extra=extra)
    return Drifting(folder, texts, [f"The room was clean, and the bed was number {i}" for i in range(200)])


class Running:
    """An application between its start and its end."""

    def __init__(self, app, client):
        self.app, self.client, self.service = app, client, app.state.service

    async def post(self, path, body=None, **more):
        return await self.client.post(path, json=body, **more)

    async def get(self, path, **more):
        return await self.client.get(path, **more)


@pytest.fixture
def serving():
    """`async with serving(model, ...)`: each load of the toy gives the next of the models, the last one for ever."""

    @asynccontextmanager
    async def serve(*models, limits=None, **settings):
        versions = itertools.chain(enumerate(models, 1), itertools.repeat((len(models), models[-1])))

        def load(folder):
            number, model = next(versions)
            if isinstance(model, Exception):
                raise model
            return Loaded(model, f"v{number}")

        limits = Limits(**(limits or {}))
        app = create_app(ServeSettings({"toy": Path("toy")}, limits=limits, **settings), load)
        async with running(app) as one:
            yield one

    return serve


@asynccontextmanager
async def running(app):
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test", timeout=30) as client,
    ):
        yield Running(app, client)


@pytest.fixture
def running_app():
    """`async with running_app(app)`."""
    return running


@pytest.fixture
def run():
    """Run a coroutine, within a minute."""
    return lambda work: asyncio.run(asyncio.wait_for(work, 60))
