from __future__ import annotations

import json
import shutil

import pytest
from click.testing import CliRunner

from fenlei.cli.encoders import encoders_command

COMMIT = "a" * 40


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch, tiny_encoder):
    """One encoder in the cache of each hub, and one whose weights are missing."""
    monkeypatch.setenv("FENLEI_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "modelscope"))
    for name in ("hfl--chinese-macbert-base", "half--fetched"):
        folder = tmp_path / "hub" / f"models--{name}"
        shutil.copytree(tiny_encoder, folder / "snapshots" / COMMIT)
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text(COMMIT, "ascii")
    (folder / "snapshots" / COMMIT / "model.safetensors").unlink()
    card = tmp_path / "hub" / "models--hfl--chinese-macbert-base" / "snapshots" / COMMIT / "README.md"
    card.write_text("---\nlanguage:\n- zh\nlicense: apache-2.0\n---\n# Card", "utf-8")
    shutil.copytree(tiny_encoder, tmp_path / "modelscope" / "models" / "owner" / "name___1")


def test_json_lists_packaged_and_cached_encoders() -> None:
    result = CliRunner().invoke(encoders_command, ["--json"])
    assert result.exit_code == 0
    found = {one["name"]: one for one in json.loads(result.stdout)}
    assert set(found) == {"e5-small", "minilm", "hfl/chinese-macbert-base", "modelscope:owner/name.1"}
    one = found["hfl/chinese-macbert-base"]
    assert (one["at_hand"], one["licence"], one["network"]) == (True, "apache-2.0", "bert")
    assert one["size"] > 10_000
    assert not found["e5-small"]["at_hand"] and found["e5-small"]["how"]


def test_the_table_shows_every_name_and_where_it_is_from() -> None:
    result = CliRunner().invoke(encoders_command, [])
    assert result.exit_code == 0
    plain = " ".join(result.stdout.split())
    for part in ("e5-small", "minilm", "Hugging Face cache", "ModelScope cache", "HF_ENDPOINT"):
        assert part in plain
    assert "half" not in plain
