"""The files of deploy/ agree with the service and with one another."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fenlei.serve.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"


def told_figures():
    """Names of all figures of the service."""
    names = {line.split()[2] for line in Metrics().render().decode().splitlines() if line.startswith("# TYPE")}
    return names | {f"{name}{part}" for name in names for part in ("_bucket", "_sum", "_count")}


@pytest.mark.parametrize("name", ["grafana/dashboards/fenlei.json", "alerts.yml"])
def test_figures_that_are_shown_exist(name):
    text = (DEPLOY / name).read_text(encoding="utf-8")
    used = set(re.findall(r"\b(?:fenlei|process)_\w+", text))
    assert used
    assert used <= told_figures()


def test_the_dashboard_fills_rows():
    panels = json.loads((DEPLOY / "grafana" / "dashboards" / "fenlei.json").read_text(encoding="utf-8"))["panels"]
    places = [panel["gridPos"] for panel in panels]
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(cells) == len(set(cells)) == 24 * (max(y for _, y in cells) + 1)
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_what_is_mounted_is_there():
    compose = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    for path in re.findall(r"^ +- \./(\S+?):", compose, re.MULTILINE):
        assert (DEPLOY / path).exists()
    assert "dockerfile: deploy/Dockerfile" in compose


def test_the_image_starts_the_service_with_options_it_has():
    from fenlei.cli.serve import serve_command

    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    started = "".join(re.findall(r"^(?:ENTRYPOINT|CMD) (\[.*\])$", text, re.MULTILINE))
    options = {option for parameter in serve_command.params for option in parameter.opts}
    assert set(re.findall(r"--[a-z-]+", started)) <= options
