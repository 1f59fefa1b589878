"""A new version takes the place of the old one, and no answer is lost or mixed."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from fenlei import TfidfClassifier, save
from fenlei.exceptions import ModelFolderError
from fenlei.serve.app import create_app
from fenlei.serve.loading import Loaded, read_version
from fenlei.serve.settings import ServeSettings


def test_answers_fit_their_version_while_versions_are_exchanged(serving, toys, run):
    models = [toys.ToyClassifier(a_batch=0.002, turned=i % 2 == 1) for i in range(6)]

    async def ask(one, client, seen):
        for i in range(40):
            texts = [f"客户 {client}, {i}, {j}" for j in range(3)]
            found = (await one.post("/v1/predict", {"inputs": texts, "scores": True})).json()
            turned = int(found["version"][1:]) % 2 == 0
            for text, prediction in zip(texts, found["predictions"], strict=True):
                hi, _ = toys.expected(text, turned=turned)
                assert prediction["scores"]["hi"] == pytest.approx(hi)
                assert prediction["label"] == ("hi" if hi > 0.5 else "lo")
            seen.add(found["version"])

    async def work():
        async with serving(*models) as one:
            seen = set()
            clients = [asyncio.create_task(ask(one, client, seen)) for client in range(8)]
            for number in range(2, 7):
                await asyncio.sleep(0.03)
                answer = await one.post("/v1/models/toy/reload")
                assert answer.json()["version"] == f"v{number}"
            await asyncio.gather(*clients)
            assert len(seen) > 2

    run(work())


def test_requests_in_flight_keep_the_version_they_came_to(serving, toys, run):
    async def work():
        async with serving(toys.ToyClassifier(a_batch=0.1), toys.ToyClassifier(turned=True)) as one:
            flying = [asyncio.create_task(one.post("/predict", {"input": f"{i}"})) for i in range(3)]
            await asyncio.sleep(0.05)
            assert (await one.post("/v1/models/toy/reload")).json()["version"] == "v2"
            assert (await one.post("/predict", {"input": "new"})).json()["version"] == "v2"
            assert [(await answer).json()["version"] for answer in flying] == ["v1"] * 3

    run(work())


def test_an_old_version_that_hangs_does_not_keep_the_service_from_ending(serving, toys, run):
    async def work():
        async with serving(toys.ToyClassifier(), toys.ToyClassifier(), limits={"deadline": 0.3}) as one:
            hanging = asyncio.create_task(one.post("/predict", {"input": "hang"}))
            await asyncio.sleep(0.1)
            assert (await one.post("/v1/models/toy/reload")).json()["version"] == "v2"
            assert (await hanging).json()["error"]["code"] == "deadline"

    run(asyncio.wait_for(work(), 10))


def test_a_load_that_hangs_stops_neither_other_models_nor_the_end(toys, run, running_app):
    hangs, never = False, threading.Event()

    def load(folder):
        if hangs and folder.name == "first":
            never.wait(20)
        return Loaded(toys.ToyClassifier(), "v1")

    async def work():
        nonlocal hangs
        settings = ServeSettings({name: Path(name) for name in ("first", "second")})
        async with running_app(create_app(settings, load)) as one:
            hangs = True
            hanging = asyncio.create_task(one.post("/v1/models/first/reload"))
            await asyncio.sleep(0.1)
            assert (await one.post("/v1/models/second/reload")).status_code == 200
            assert (await one.post("/predict", {"input": "a"})).status_code == 200
            hanging.cancel()

    start = time.monotonic()
    run(work())
    assert time.monotonic() - start < 10
    never.set()


@pytest.mark.parametrize("second", ["damaged", "broken"])
def test_a_version_that_does_not_work_leaves_the_old_one(serving, toys, run, second):
    broken = toys.ToyClassifier()
    broken.broken = True
    models = {"damaged": ModelFolderError("toy: weights are missing"), "broken": broken}

    async def work():
        async with serving(toys.ToyClassifier(), models[second]) as one:
            answer = await one.post("/v1/models/toy/reload")
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, "reload_failed")
            assert "secret" not in answer.text
            assert (await one.post("/predict", {"input": "a"})).json()["version"] == "v1"
            assert 'fenlei_reloads_total{model="toy",outcome="failed"} 1.0' in (await one.get("/metrics")).text
            assert (await one.post("/v1/models/no/reload")).status_code == 404

    run(work())


def test_what_has_not_happened_yet_is_told_as_none(serving, toys, run):
    async def work():
        async with serving(toys.ToyClassifier()) as one:
            told = (await one.get("/metrics")).text
            for name in ("shed_requests", "abstentions", "model_errors"):
                assert f'fenlei_{name}_total{{model="toy"}} 0.0' in told
            assert 'fenlei_reloads_total{model="toy",outcome="failed"} 0.0' in told

    run(work())


def test_a_watched_folder_is_loaded_again(tmp_path, chinese, running_app, run):
    folder = save(TfidfClassifier().fit(chinese.texts, chinese.labels), tmp_path / "model")
    turned = {"好评": "差评", "差评": "好评"}
    other = TfidfClassifier().fit(chinese.texts, [turned[label] for label in chinese.labels])

    async def work():
        app = create_app(ServeSettings({"model": folder, "second": folder}, watch=True))
        async with running_app(app) as one:
            before = (await one.post("/predict", {"input": chinese.new_texts[0]})).json()
            save(other, folder)
            async with asyncio.timeout(10):
                while (after := (await one.post("/predict", {"input": chinese.new_texts[0]})).json())[
                    "version"
                ] == before["version"]:
                    await asyncio.sleep(0.05)
            assert after["label"] == turned[before["label"]]
            assert after["version"] == read_version(folder)
            (folder / "manifest.json").write_text("{}")  # damaged: the version in service stays
            await asyncio.sleep(1.3)
            assert (await one.post("/predict", {"input": "a"})).json()["version"] == after["version"]
            names = [one["name"] for one in (await one.get("/v1/models")).json()["models"]]
            assert names == ["model", "second"]

    run(work())


def test_a_watched_folder_that_goes_back_to_its_first_version_is_followed(tmp_path, chinese, running_app, run):
    first = TfidfClassifier().fit(chinese.texts, chinese.labels)
    second = TfidfClassifier().fit(chinese.texts, chinese.labels[::-1])
    folder = save(first, tmp_path / "model")

    async def work():
        async with running_app(create_app(ServeSettings({"model": folder}, watch=True))) as one:
            before = one.service.registry.get("model").version
            save(second, folder)
            assert (await one.post("/v1/models/model/reload")).json()["version"] != before
            save(first, folder)
            async with asyncio.timeout(10):
                while one.service.registry.get("model").version != before:
                    await asyncio.sleep(0.05)

    run(work())


def test_a_watched_version_that_does_not_work_is_tried_once_each_time_it_comes(serving, toys, run, monkeypatch):
    there = "v1"
    monkeypatch.setattr("fenlei.serve.registry._LOOK_EVERY", 0.01)
    monkeypatch.setattr("fenlei.serve.registry.read_version", lambda folder: there)

    async def work():
        nonlocal there
        async with serving(toys.ToyClassifier(), ModelFolderError("toy: weights are missing"), watch=True) as one:
            for times in (1, 2):
                there = "v2"
                await asyncio.sleep(0.3)
                told = (await one.get("/metrics")).text
                assert f'fenlei_reloads_total{{model="toy",outcome="failed"}} {times}.0' in told
                there = "v1"
                await asyncio.sleep(0.3)

    run(work())
