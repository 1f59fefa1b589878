"""Figures, headers, and defects that do not tell what a client wrote."""

from __future__ import annotations

import re
import time

import pytest


def figures(text):
    """Values by name and labels, as Prometheus reads them."""
    from prometheus_client.parser import text_string_to_metric_families

    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_figures(serving, toys, run):
    async def work():
        async with serving(toys.ToyClassifier(a_batch=0.01), abstain_below=0.9999) as one:
            await one.post("/predict", {"inputs": ["a", "b", "c"]})
            await one.post("/predict", {"inputs": 7})
            await one.get("/nowhere/17")
            return figures((await one.get("/metrics")).text)

    found = run(work())
    assert found["fenlei_requests_total", ("method", "POST"), ("route", "/predict"), ("status", "200")] == 1
    assert found["fenlei_requests_total", ("method", "POST"), ("route", "/predict"), ("status", "422")] == 1
    assert found["fenlei_requests_total", ("method", "GET"), ("route", "other"), ("status", "404")] == 1
    labels = [value for key, value in found.items() if key[0] == "fenlei_predictions_total"]
    assert sum(labels) == found["fenlei_abstentions_total", ("model", "toy")] == 3
    assert found["fenlei_batch_texts_sum", ("model", "toy")] == 3
    for stage in ("queue", "tokenize", "inference"):
        assert found["fenlei_stage_seconds_count", ("model", "toy"), ("stage", stage)] == 1
    assert found["fenlei_stage_seconds_sum", ("model", "toy"), ("stage", "inference")] >= 0.01
    assert found["fenlei_model_info", ("family", "toy"), ("model", "toy"), ("version", "v1")] == 1
    assert found["fenlei_model_ready", ("model", "toy")] == 1
    assert found["fenlei_queue_texts", ("model", "toy")] == 0
    assert found["process_resident_memory_bytes",] > 0


def test_stages_of_a_real_model_are_told_apart(tmp_path, chinese, running_app, run):
    from fenlei import TfidfClassifier, save
    from fenlei.serve.app import create_app
    from fenlei.serve.settings import ServeSettings

    folder = save(TfidfClassifier().fit(chinese.texts, chinese.labels), tmp_path / "model")

    async def work():
        async with running_app(create_app(ServeSettings({"m": folder}))) as one:
            await one.post("/predict", {"inputs": chinese.texts})
            return figures((await one.get("/metrics")).text)

    found = run(work())
    for stage in ("tokenize", "inference"):
        assert found["fenlei_stage_seconds_sum", ("model", "m"), ("stage", stage)] > 0


@pytest.mark.parametrize("path", ["/predict", "/health", "/docs", "/nowhere"])
def test_headers_that_guard_a_browser(serving, toys, run, path):
    async def work():
        async with serving(toys.ToyClassifier()) as one:
            headers = (await one.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert "default-src 'none'" in headers["content-security-policy"]

    run(work())


def test_the_description_needs_no_network_and_no_script(serving, toys, run):
    async def work():
        async with serving(toys.ToyClassifier()) as one:
            page = (await one.get("/docs")).text
            assert not re.search(r"<script|<link|https?://|@import", page)
            for path in ("/predict", "/v1/predict", "/v2/models/{name}/infer", "/ready"):
                assert f" {path}</h2>" in page

    run(work())


def test_draining_refuses_what_comes_and_tells_so(serving, toys, run):
    async def work():
        async with serving(toys.ToyClassifier()) as one:
            one.service.drains_since = time.monotonic()
            answer = await one.post("/predict", {"input": "a"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "draining")
            assert answer.headers["connection"] == "close"
            assert answer.headers["retry-after"] == "1"
            assert (await one.get("/ready")).status_code == 503
            assert (await one.get("/health")).status_code == 200
            assert (await one.get("/metrics")).status_code == 200

    run(work())


def test_a_defect_is_told_without_what_the_client_wrote(serving, toys, run, monkeypatch, caplog):
    async def broken(service, wish, receive):
        raise RuntimeError(wish.texts[0])

    monkeypatch.setattr("fenlei.serve.routes.predict.predict", broken)

    async def work():
        async with serving(toys.ToyClassifier()) as one:
            answer = await one.post("/predict", {"input": "保" + "密"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
            assert one.service.n_accepted == 0

    run(work())
    assert "RuntimeError in POST /predict" in caplog.text and "保密" not in caplog.text


def test_a_crowd_is_refused_unread(serving, toys, run):
    async def work():
        async with serving(toys.ToyClassifier(), limits={"deadline": 0.5}) as one:
            one.service.n_accepted = 100  # 200 a second, for half a second
            answer = await one.client.post("/predict", content=b"no JSON")
            assert (answer.status_code, answer.json()["error"]["code"]) == (429, "crowded")
            assert answer.headers["retry-after"] == "1"
            assert (await one.get("/ready")).status_code == 200
            one.service.n_accepted = 99
            assert (await one.post("/predict", {"input": "a"})).status_code == 200
            found = figures((await one.get("/metrics")).text)
            assert found["fenlei_refused_requests_total", ("reason", "crowded")] == 1

    run(work())
