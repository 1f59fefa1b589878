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

    monkeypatch.setattr("fenlei.explain.methods.explain", explain)
    run(work())
