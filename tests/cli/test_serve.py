"""``fenlei serve``: from a model folder to an answer, and one line for what cannot work."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from fenlei import TfidfClassifier, save
from fenlei.cli.main import main

pytest.importorskip("fastapi", reason="needs the extra serve")


@pytest.fixture
def folder(tmp_path, chinese):
    return save(TfidfClassifier().fit(chinese.texts, chinese.labels), tmp_path / "reviews")


def ask(url, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_serves_until_it_is_told_to_end(folder, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("0123456789abcdef\n")
    options = ["--port", "0", "--api-key-file", str(keys), "--deadline", "3"]
    command = [sys.executable, "-m", "fenlei", "serve", str(folder), f"second={folder}", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        told = process.stderr.readline()
        assert told.startswith("Serving reviews, second at http://127.0.0.1:")
        base = told.split(" at ")[1].split()[0]
        body = {"inputs": ["房间干净，很满意", "又脏又难吃"], "model": "second"}
        found = ask(f"{base}/v1/predict", body, **{"X-API-Key": "0123456789abcdef"})
        assert [one["label"] for one in found["predictions"]] == ["好评", "差评"]
        assert ask(f"{base}/ready")["models"] == {"reviews": True, "second": True}
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(["serve", *map(str, arguments)])
    return end.value.code or 0, capsys.readouterr().err


def test_what_cannot_be_served(folder, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for arguments, told in (
            ([tmp_path / "none", "--port", 0], "no such model folder"),
            ([folder, "--deadline", "100"], "deadline"),
            ([folder, folder], "two models"),
            ([folder, "--api-key-file", tmp_path / "none"], "API keys"),
            ([folder, "--port", taken.getsockname()[1]], "is in use"),
        ):
            code, error = run(capsys, *arguments)
            assert code == 2
            assert error.startswith("fenlei: error: ") and told in error and error.count("\n") == 1


def test_options_reach_the_service(folder, capsys, monkeypatch):
    apps = []

    def answer(app, listening, tell):
        apps.append(app)
        tell()

    monkeypatch.setattr("fenlei.serve.server.run_server", answer)
    code, told = run(
        capsys, f"a={folder}", "--host", "0.0.0.0", "--port", 0, "--watch", "--abstain-below", 0.5, "--queue", 7,
        "--max-texts", 8, "--max-characters", 9, "--max-body", 10,
    )  # fmt: skip
    warning, serving = told.splitlines()
    assert code == 0
    assert "0.0.0.0 is open to others, and no API key" in warning
    assert serving.startswith("Serving a at http://0.0.0.0:")
    settings = apps[0].state.service.settings
    limits = settings.limits
    assert (settings.watch, settings.abstain_below, limits.queue) == (True, 0.5, 7)
    assert (limits.texts, limits.characters, limits.body) == (8, 9, 10)
