"""Reasons on request, as long as somebody waits for them."""

from __future__ import annotations

import asyncio
import time


class Explanation:
    def to_dict(self):
        return {}


def test_texts_are_not_explained_after_the_deadline(serving, toys, run, monkeypatch):
    explained = []

    def explain(model, texts):
        explained.extend(texts)
        time.sleep(0.2)
        return [Explanation()]

    async def work():
        async with serving(toys.ToyClassifier(), limits={"deadline": 0.1}) as one:
            body = {"inputs": [f"text {i}" for i in range(16)], "explain": True}
            late = await one.post("/v1/predict", body)
            assert (late.status_code, late.json()["error"]["code"]) == (429, "deadline")
            await asyncio.sleep(0.5)
            assert explained == ["text 0"]
            assert 'fenlei_shed_requests_total{model="toy"} 1.0' in (await one.get("/metrics")).text

    monkeypatch.setattr("fenlei.explain.methods.explain", explain)
    run(work())


def test_what_the_model_has_used_of_the_deadline_is_not_given_again(serving, toys, run, monkeypatch):
    model, used = toys.ToyClassifier(), []

    def submit(self, calls, *, shed, since):
        used.append(asyncio.get_running_loop().time() - since)
        return asyncio.gather(*(asyncio.to_thread(call) for call in calls))

    async def work():
        async with serving(model) as one:
            model.a_batch = 0.3
            assert (await one.post("/v1/predict", {"input": "a", "explain": True})).status_code == 200

    monkeypatch.setattr("fenlei.serve.side.SideWorker.submit", submit)
    monkeypatch.setattr("fenlei.explain.methods.explain", lambda model, texts: [Explanation()])
    run(work())
    assert used[0] >= 0.3


def test_a_failing_explanation_is_an_error_of_the_model(serving, toys, run, monkeypatch, caplog):
    def explain(model, texts):
        raise ValueError("secret: " + texts[0])

    async def work():
        async with serving(toys.ToyClassifier()) as one:
            answer = await one.post("/v1/predict", {"input": "机密", "explain": True})
            assert (answer.status_code, answer.json()["error"]["code"]) == (500, "model_error")
            assert 'fenlei_model_errors_total{model="toy"} 1.0' in (await one.get("/metrics")).text

    monkeypatch.setattr("fenlei.explain.methods.explain", explain)
    run(work())
    assert "secret" not in caplog.text and "机密" not in caplog.text
