"""The answers of /predict, /v1/predict and /v2, and what is refused."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest

from fenlei import TfidfClassifier, load, save
from fenlei.serve.app import create_app
from fenlei.serve.settings import ServeSettings

JSON = {"content-type": "application/json"}


@pytest.fixture
def folder(tmp_path, topics):
    return save(TfidfClassifier().fit(topics.texts, topics.labels), tmp_path / "topics")


@pytest.fixture
def ask(folder, running_app, run):
    """Ask a real model once: `ask(path, body)` gives status and JSON."""

    def once(path, body, **settings):
        async def work():
            async with running_app(create_app(ServeSettings({"topics": folder}, **settings))) as one:
                answer = await one.post(path, body)
                return answer.status_code, answer.json()

        return run(work())

    return once


def test_one_text(ask, folder):
    status, found = ask("/predict", {"input": "足球比赛"})
    assert status == 200
    assert found.pop("id")
    score = load(folder).predict_proba(["足球比赛"]).max()
    assert found.pop("version")
    assert found == {"label": "sport", "score": pytest.approx(score, abs=1e-12), "model": "topics"}


@pytest.mark.parametrize("path", ["/predict", "/v1/predict"])
def test_a_list_is_a_batch_never_a_pair(ask, folder, path):
    texts = ["足球比赛", "股票基金"]
    _, found = ask(path, {"inputs": texts})
    assert [one["label"] for one in found["predictions"]] == ["sport", "finance"]
    assert len({one["id"] for one in found["predictions"]}) == 2
    assert ask(path, {"inputs": []})[1]["predictions"] == []
    assert ask(path, texts)[0] == 422


def test_probabilities_best_first(ask, folder):
    row = load(folder).predict_proba(["a phone chip"])[0]
    _, found = ask("/v1/predict", {"input": "a phone chip", "scores": True})
    scores = found["predictions"][0]["scores"]
    assert list(scores.values()) == sorted(row, reverse=True)
    assert sum(scores.values()) == pytest.approx(1)
    _, found = ask("/v1/predict", {"input": "a phone chip", "top_k": 2})
    assert found["predictions"][0]["scores"] == dict(list(scores.items())[:2])
    assert "scores" not in ask("/v1/predict", {"input": "a phone chip"})[1]["predictions"][0]


def test_abstains_below_a_score(ask):
    _, found = ask("/v1/predict", {"inputs": ["足球比赛", "?"]}, abstain_below=0.5)
    sure, unsure = found["predictions"]
    assert "abstained" not in sure and unsure["abstained"] is True


def test_several_labels(tmp_path, running_app, run):
    texts, labels = ["红 苹果", "绿 苹果", "红 车", "绿 车"] * 3, [["红", "果"], ["果"], ["红"], []] * 3
    folder = save(TfidfClassifier().fit(texts, labels), tmp_path / "several")

    async def work():
        async with running_app(create_app(ServeSettings({"several": folder}))) as one:
            body = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["红 苹果"]}]}
            plain = (await one.post("/predict", {"inputs": texts[:4]})).json()
            return plain, (await one.post("/v2/models/several/infer", body)).json()

    plain, tensors = run(work())
    assert [one["labels"] for one in plain["predictions"]] == load(folder).predict(texts[:4])
    assert json.loads(tensors["outputs"][0]["data"][0]) == plain["predictions"][0]["labels"]


def test_explains_on_request(ask):
    pytest.importorskip("fenlei.explain.methods")
    text = "足球比赛很好看"
    _, found = ask("/v1/predict", {"input": text, "explain": True})
    explanation = found["predictions"][0]["explanation"]
    assert explanation["label"] == "sport"
    assert all(text[one["start"] : one["end"]] == one["text"] for one in explanation["segments"])
    assert ask("/v1/predict", {"inputs": ["a"] * 17, "explain": True})[1]["error"]["code"] == "too_many_texts"
    assert ask("/v1/predict", {"input": "a" * 2001, "explain": True})[1]["error"]["code"] == "text_too_long"


def test_open_inference_protocol(ask, folder, running_app, run):
    texts = ["足球比赛", "a phone chip"]
    tensor = {"name": "text", "shape": [2, 1], "datatype": "BYTES", "data": [[text] for text in texts]}
    status, found = ask("/v2/models/topics/infer", {"id": "7", "inputs": [tensor]})
    label, score, probabilities = found["outputs"]
    truth = load(folder).predict_proba(texts)
    assert (status, found["id"], found["model_name"]) == (200, "7", "topics")
    assert label == {"name": "label", "shape": [2], "datatype": "BYTES", "data": ["sport", "tech"]}
    assert np.allclose(score["data"], truth.max(1)) and probabilities["shape"] == [2, 3]
    assert np.allclose(probabilities["data"], truth.ravel())
    wish = {"inputs": [tensor], "outputs": [{"name": "score"}]}
    assert [one["name"] for one in ask("/v2/models/topics/infer", wish)[1]["outputs"]] == ["score"]

    async def work():
        async with running_app(create_app(ServeSettings({"topics": folder}))) as one:
            paths = ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/topics", "/v2/models/topics/ready")
            answers = [await one.get(path) for path in paths]
            version = answers[3].json()["versions"][0]
            answers += [await one.get(f"/v2/models/topics/versions/{version}{end}") for end in ("", "/ready")]
            answers += [await one.post(f"/v2/models/topics/versions/{version}/infer", {"inputs": [tensor]})]
            other = (await one.get("/v2/models/topics/versions/0")).json()
            return version, [answer.status_code for answer in answers], other

    version, codes, other = run(work())
    assert codes == [200] * 8
    assert other == {"error": f"the version in service is {version}"}


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/v2/models/toy/infer", b"{", 400),
        ("/v2/models/toy/infer", b'{"inputs": []}', 422),
        ("/v2/models/toy/infer", b" " * 2000, 413),
        ("/v2/nowhere", b"{}", 404),
        ("/v2", b"{}", 405),
    ],
)
def test_an_error_of_the_open_inference_protocol_is_one_text(toys, serving, run, path, content, status):
    async def work():
        async with serving(toys.ToyClassifier(), limits={"body": 1000}, keys=["0123456789abcdef"]) as one:
            headers = JSON | {"x-api-key": "0123456789abcdef"}
            answers = [await one.client.post(path, content=content, headers=headers), await one.client.post(path)]
            one.service.drains_since = 0.0
            answers.append(await one.client.post(path))
            assert [answer.status_code for answer in answers] == [status, 401, 503]
            for answer in answers:
                assert answer.json().keys() == {"error"}
                assert isinstance(answer.json()["error"], str)

    run(work())


@pytest.mark.parametrize(
    ("body", "status", "code", "told"),
    [
        ({"input": "a", "modle": "x"}, 422, "unknown_field", "modle"),
        ({"input": ["a", "b"]}, 422, "wrong_type", "input"),
        ({"inputs": "ab"}, 422, "wrong_type", "inputs"),
        ({"inputs": ["a", 7]}, 422, "wrong_type", "inputs[1]"),
        ({"inputs": ["a", None]}, 422, "wrong_type", "inputs[1]"),
        ({"input": "a", "top_k": "3"}, 422, "wrong_type", "top_k"),
        ({"input": "a", "top_k": True}, 422, "wrong_type", "top_k"),
        ({"input": "a", "top_k": -1}, 422, "invalid", "top_k"),
        ({"input": "a", "scores": 1}, 422, "wrong_type", "scores"),
        ({"input": "a", "inputs": ["a"]}, 422, "invalid", "either"),
        ({}, 422, "invalid", "either"),
        ("a", 422, "wrong_type", ""),
        ({"input": "a", "model": "topisc"}, 404, "unknown_model", "topics"),
        ({"inputs": ["a"] * 1001}, 413, "too_many_texts", "1,001"),
        ({"inputs": ["a", "好" * 20_001]}, 413, "text_too_long", "text 1"),
    ],
)  # fmt: skip
def test_what_is_refused_and_why(ask, body, status, code, told):
    found = ask("/v1/predict", body)
    assert (found[0], found[1]["error"]["code"]) == (status, code)
    assert told in found[1]["error"]["message"]
    assert "\n" not in found[1]["error"]["message"]


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b'{"inputs": ["a", "\\ud800"]}', JSON, 422, "lone_surrogate"),
        (b'{"inputs": ["a", "\xed\xa0\x80"]}', JSON, 422, "lone_surrogate"),
        (b'{"input": "\xff"}', JSON, 400, "bad_request"),
        (b"[" * 200_000, JSON, 400, "bad_request"),
        (b'{"a":' * 100_000, JSON, 400, "bad_request"),
        (b'{"input": ', JSON, 400, "bad_json"),
        (b'{"input": NaN}', JSON, 422, "wrong_type"),
        (b'{"input": ' + b"9" * 5000 + b"}", JSON, 400, "bad_request"),
        (b"", JSON, 422, "missing_field"),
        (b'{"input": "a"}', {"content-type": "text/plain"}, 415, "not_json"),
        (b'{"input": "a"}', {}, 415, "not_json"),
        (b"input=a", {"content-type": "application/x-www-form-urlencoded"}, 415, "not_json"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_bodies_that_are_no_sound_json(serving, toys, run, content, headers, status, code):
    async def work():
        async with serving(toys.ToyClassifier()) as one:
            answer = await one.client.post("/predict", content=content, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
            if code == "lone_surrogate":
                assert "text 1" in answer.json()["error"]["message"]

    run(work())


@pytest.mark.parametrize("text", ["", "\x00", " ", "😀" * 100, "a" * 20_000, "\u202e\ufeff", "\r\n"])
def test_any_unicode_is_a_text(ask, text):
    assert ask("/predict", {"input": text})[0] == 200


def test_clients_at_once_each_get_the_answer_of_a_single_call(folder, running_app, run):
    texts = [f"{word} {i}" for i in range(100) for word in ("足球比赛", "股票基金", "a phone chip")]
    truth = load(folder)

    async def work():
        async with running_app(create_app(ServeSettings({"topics": folder}))) as one:
            return await asyncio.gather(*(one.post("/v1/predict", {"input": text, "scores": True}) for text in texts))

    for text, answer in zip(texts, run(work()), strict=True):
        (found,) = answer.json()["predictions"]
        (row,) = truth.predict_proba([text])
        assert found["label"] == truth.predict([text])[0]
        assert [found["scores"][label] for label in truth.classes_] == pytest.approx(row.tolist(), abs=1e-5)
