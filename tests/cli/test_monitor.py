"""``fenlei monitor`` as a user types it."""

from __future__ import annotations

import hashlib
import json
import time

import pytest

from fenlei.cli.main import main
from fenlei.data.dataset import Dataset
from fenlei.monitor.records import PredictionRecord
from fenlei.monitor.reference import describe_text
from fenlei.train.run import TrainPlan, train_model

pytest.importorskip("sqlalchemy")

from fenlei.monitor.store import PredictionStore

TEXTS = [f"第{i}次来，{word}" for i in range(60) for word in ("很好", "很差")]
PLAN = TrainPlan(audit=False, learning_curve=False)


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return end.value.code or 0, said.out, said.err


def fill(path, texts, version, *, label="好评", days=3.0, name="shop"):
    now = time.time()
    with PredictionStore(str(path)) as store:
        store.add([
            PredictionRecord(
                f"{name}-{i}", now - days * 86_400 * i / len(texts), name, version, describe_text(text).length,
                describe_text(text).language, label if i % 2 else "差评", 0.9, 1.5,
            )
            for i, text in enumerate(texts)
        ])  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "shop"
    train_model(Dataset(TEXTS, ["好评", "差评"] * 60, range(1, 121), "memory"), plan=PLAN, out=out)
    return out


@pytest.fixture
def database(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    version = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()[:16]
    fill("m.db", TEXTS, version)
    return "m.db"


def test_all_is_well(capsys, database, folder):
    code, out, err = run(capsys, "monitor", database, "--model-folder", folder, "--alert")
    assert (code, err) == (0, "")
    assert "shop" in out
    assert "No alerts." in out
    assert "差评" in out
    assert "too few to say" not in out.partition("language")[0].partition("against")[2]


def test_the_world_has_changed(capsys, database, folder):
    fill(database, ["Completely different texts, in English, and much longer"] * 200, "v2")
    code, out, err = run(capsys, "monitor", database, "--model", "shop", "--alert")
    assert (code, "ALERT" in out) == (0, False)  # nothing to compare with
    fill(database, ["Completely different texts, in English, and much longer"] * 200, "v2", name="other")
    code, out, err = run(capsys, "monitor", database, "--model", "other", "--model-folder", folder, "--alert")
    assert code == 3
    assert "ALERT  language has drifted" in out
    assert "no predictions of this very version" in err
    code, out, _ = run(capsys, "monitor", database, "--model", "other", "--model-folder", folder)
    assert (code, "ALERT" in out) == (0, True)
    assert run(
        capsys, "monitor", database, "--model", "other", "--model-folder", folder, "--alert", "--max-psi", "99"
    )[0] == 0  # fmt: skip


def test_json_is_one_document(capsys, database, folder):
    code, out, _ = run(
        capsys, "monitor", database, "--model-folder", folder, "--since", "7d", "--window", "1d", "--json"
    )
    found = json.loads(out)
    assert (code, found["database"], found["alerts"]) == (0, "m.db", [])
    (summary,) = found["models"]
    assert (summary["model"], summary["n"], summary["n_trained"], summary["window"]) == ("shop", 120, 120, 86_400)
    assert len(summary["windows"]) in (8, 9)
    assert {drift["feature"]: drift["verdict"] for drift in summary["drift"]}["length"] == "none"


def test_a_shorter_time(capsys, database):
    _, out, _ = run(capsys, "monitor", database, "--since", "36h", "--until", "12h", "--json")
    assert json.loads(out)["models"][0]["n"] == pytest.approx(40, abs=1)


def test_a_page(capsys, database, folder, tmp_path):
    code, out, _ = run(capsys, "monitor", database, "--model-folder", folder, "--html", "page.html")
    assert code == 0
    assert "page.html" in out
    assert "差评" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_feedback_from_a_file_and_a_drop_is_an_alert(capsys, database, folder, tmp_path):
    lines = [json.dumps({"id": f"shop-{i}", "label": "中评"}) for i in range(60)]
    (tmp_path / "f.jsonl").write_text("\n".join([*lines, '{"id": "nobody", "label": "x"}']), encoding="utf-8")
    code, out, _ = run(capsys, "monitor", database, "--feedback", "f.jsonl")
    assert (code, out) == (0, "60 feedbacks added, 1 of unknown predictions\n")
    code, out, _ = run(capsys, "monitor", database, "--model-folder", folder, "--alert", "--max-drop", "10")
    assert (code, "accuracy has dropped" in " ".join(out.split())) == (3, True)
    (tmp_path / "f.csv").write_text("prediction,truth\nshop-1,好评\n", encoding="utf-8")
    code, out, _ = run(
        capsys, "monitor", database, "--feedback", "f.csv", "--text", "prediction", "--label", "truth", "--json"
    )
    assert json.loads(out) == {"added": 1, "unknown": 0}
    (tmp_path / "g.jsonl").write_text('{"id": "shop-1"}', encoding="utf-8")
    code, _, err = run(capsys, "monitor", database, "--feedback", "g.jsonl")
    assert (code, "g.jsonl, row 1: there is no label" in err) == (2, True)


def test_a_doubtful_encoding_of_feedback_is_told(capsys, database, tmp_path):
    (tmp_path / "b.csv").write_bytes("id,label\nshop-1,質量非常好\nshop-2,態度太差了\n".encode("big5"))
    code, _, err = run(capsys, "monitor", database, "--feedback", "b.csv")
    assert (code, err.count("fenlei: warning: b.csv: read as gb18030, but")) == (0, 1)


def test_forgetting(capsys, database):
    code, out, _ = run(capsys, "monitor", database, "--forget", "36h")
    assert code == 0
    assert out == "60 predictions forgotten\n"
    assert json.loads(run(capsys, "monitor", database, "--json")[1])["models"][0]["n"] == 60


def test_an_empty_database(capsys, tmp_path):
    path = tmp_path / "m.db"
    PredictionStore(str(path)).close()
    code, out, _ = run(capsys, "monitor", path, "--alert")
    assert (code, out) == (0, "No predictions yet.\n")
    assert json.loads(run(capsys, "monitor", path, "--json")[1])["models"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.db"], "no such database"),
        (["m.db", "--model", "shp"], "did you mean 'shop'"),
        (["m.db", "--since", "tomorrow"], "no moment"),
        (["m.db", "--window", "1y"], "no span"),
        (["m.db", "--window", "1s"], "too many"),
        (["m.db", "--max-psi", "0"], "thresholds"),
        (["m.db", "--html", "page.pdf"], "name it *.html"),
        (["m.db", "--html", "none/page.html"], "does not exist"),
        (["m.db", "--model-folder", "none"], "no such model folder"),
        (["m.db", "--feedback", "none.jsonl"], "none.jsonl"),
        (["m.db", "--forget", "soon"], "no span"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_line(capsys, database, arguments, words):
    code, out, err = run(capsys, "monitor", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
