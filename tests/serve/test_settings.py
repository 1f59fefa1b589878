"""Settings that cannot work are refused before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from fenlei.exceptions import SettingError
from fenlei.serve.settings import Limits, ServeSettings, is_loopback, models_by_name

MODELS = {"a": Path("a")}


@pytest.mark.parametrize(
    "change",
    [{"models": {}}, {"abstain_below": 1.5}, {"record_text": True}],
)
def test_refused(change):
    with pytest.raises(SettingError):
        ServeSettings(**{"models": MODELS} | change)


@pytest.mark.parametrize("change", [{"deadline": 0}, {"deadline": 16}, {"queue": 0}, {"body": 0}, {"body_seconds": 11}])
def test_refused_limits(change):
    with pytest.raises(SettingError):
        Limits(**change)


def test_names_of_models(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert models_by_name(["x/a", "b=x/a"]) == {"a": Path("x/a"), "b": Path("x/a")}
    assert list(models_by_name(["."])) == [tmp_path.name]
    for given in (["a", "x/a"], ["b/c=a"], ["a b=c"]):
        with pytest.raises(SettingError, match="name"):
            models_by_name(given)


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True),
                           ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("example.org", False)],
)  # fmt: skip
def test_who_reaches_an_address(host, loopback):
    assert is_loopback(host) is loopback
