"""The files of deploy/ agree with the service and with one another."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from fenlei.serve.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture(scope="module")
def told(tmp_path_factory, drifting):
    """Names of all figures of the service, those of its monitor apart."""
    pytest.importorskip("sqlalchemy", reason="the monitor needs sqlalchemy")
    from fenlei.monitor.gauges import monitor_gauges
    from fenlei.monitor.records import PredictionRecord
    from fenlei.monitor.reference import load_reference
    from fenlei.monitor.store import PredictionStore

    now, metrics = time.time(), Metrics()
    with PredictionStore(str(tmp_path_factory.mktemp("monitor") / "monitor.db")) as store:
        store.add([PredictionRecord(f"{i}", now, "a", "v1", 4, "zh", "good", 0.9, 1.2) for i in range(200)])
        store.feedback("7", "bad")
        metrics.monitored.gauges = monitor_gauges(store, load_reference(drifting.folder), model="a")
    names = {line.split()[2] for line in metrics.render().decode().splitlines() if line.startswith("# TYPE")}
    parts = {f"{name}{part}" for name in names for part in ("_bucket", "_sum", "_count")}
    return names | parts, {name for name in names if name.startswith("fenlei_monitor_")}


@pytest.mark.parametrize("name", ["grafana/dashboards/fenlei.json", "alerts.yml"])
def test_figures_that_are_shown_exist(told, name):
    text = (DEPLOY / name).read_text(encoding="utf-8")
    used = set(re.findall(r"\b(?:fenlei|process)_\w+", text))
    assert used
    assert used <= told[0]


def test_the_figures_of_the_monitor_are_shown_told_of_and_watched(told):
    shown = (DEPLOY / "grafana" / "dashboards" / "fenlei.json").read_text(encoding="utf-8")
    page = (DEPLOY.parent / "docs" / "monitor.md").read_text(encoding="utf-8")
    assert len(told[1]) == 8
    assert told[1] - set(re.findall(r"fenlei_monitor_\w+", shown)) == {"fenlei_monitor_drifted"}  # by its index
    assert told[1] == set(re.findall(r"`(fenlei_monitor_\w+)`", page))
    assert "fenlei_monitor_alerts" in (DEPLOY / "alerts.yml").read_text(encoding="utf-8")


def test_the_dashboard_fills_rows():
    panels = json.loads((DEPLOY / "grafana" / "dashboards" / "fenlei.json").read_text(encoding="utf-8"))["panels"]
    places = [panel["gridPos"] for panel in panels]
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(cells) == len(set(cells)) == 24 * (max(y for _, y in cells) + 1)
    assert len({panel["id"] for panel in panels}) == len(panels)


def mounts(commented=""):
    """What the compose file mounts: path outside by path inside."""
    compose = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    pattern = rf'^ +{commented}- "?(\S.*?):(/\S+?)(?::ro)?"?$'
    return {inside: outside for outside, inside in re.findall(pattern, compose, re.MULTILINE)}


def test_what_is_mounted_is_there():
    files = [path for path in mounts().values() if path.startswith("./")]
    assert len(files) > 3
    assert all((DEPLOY / path).exists() for path in files)
    assert "dockerfile: deploy/Dockerfile" in (DEPLOY / "compose.yaml").read_text(encoding="utf-8")


def test_a_model_folder_can_be_replaced_under_its_mount():
    """It is replaced by a rename: what is mounted must be the folder around it."""
    compose = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    (served,) = re.findall(r'^ +- "?(/models/[^/\s]+) ?.*"$', compose, re.MULTILINE)
    assert "--watch" in compose
    assert str(Path(served).parent) in mounts()
    assert not any(path.startswith("/models/") for path in mounts())


def test_files_of_keys_have_a_mount_that_is_offered():
    offered = mounts("# ")
    assert offered == {"/keys.txt": "./keys.txt", "/etc/prometheus/key": "./key.txt"}
    assert "--api-key-file=/keys.txt" in (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert "credentials_file: /etc/prometheus/key" in (DEPLOY / "prometheus.yml").read_text(encoding="utf-8")
    hidden = (DEPLOY.parent / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/deploy/key.txt", "/deploy/keys.txt"} <= set(hidden)


def test_the_image_starts_the_service_with_options_it_has():
    from fenlei.cli.serve import serve_command

    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    started = "".join(re.findall(r"^(?:ENTRYPOINT|CMD) (\[.*\])$", text, re.MULTILINE))
    options = {option for parameter in serve_command.params for option in parameter.opts}
    assert set(re.findall(r"--[a-z-]+", started)) <= options
