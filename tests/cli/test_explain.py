"""``fenlei explain`` as a user types it."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

import fenlei
from fenlei.cli.main import main

TEXTS = ["很好", "好看 good", "很差", "难看 bad"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    trained = fenlei.TfidfClassifier().fit(TEXTS, ["好评", "好评", "差评", "差评"])
    return fenlei.save(trained, tmp_path_factory.mktemp("models") / "reviews")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(["explain", *map(str, arguments)])
    said = capsys.readouterr()
    return end.value.code or 0, said.out, said.err


def test_for_people(capsys, model):
    code, out, _ = run(capsys, model, "-t", "<b>房间</b>很好", "-t", "so bad")
    assert code == 0
    assert "<b>房间</b>很好\n好评" in out and "so bad\n差评" in out
    assert re.search(r"很好\s+\+0\.\d{4}\s+█{20}\s+9-11|好\s+\+0\.\d{4}\s+█{20}\s+10-11", out)
    assert re.search(r"bad\s+\+0\.\d{4}\s+█{20}\s+3-6", out)
    assert "exact, base" in out


def test_as_json(capsys, model):
    code, out, err = run(capsys, model, "-t", "真好！", "--json")
    (found,) = json.loads(out)
    assert (code, err, found["text"], found["label"], found["method"]) == (0, "", "真好！", "好评", "exact")
    places = [(one["text"], one["start"], one["end"]) for one in found["segments"]]
    assert places == [("真", 0, 1), ("好", 1, 2), ("！", 2, 3)]
    assert found["score"] == pytest.approx(found["base"] + sum(one["weight"] for one in found["segments"]))


def test_a_doubtful_encoding_is_told_once(capsys, model, tmp_path):
    (tmp_path / "b.txt").write_bytes(("這個產品的質量非常好\n服務態度太差了\n" * 5).encode("big5"))
    code, _, err = run(capsys, model, "b.txt", "--json")
    assert (code, err.count("fenlei: warning: b.txt: read as gb18030, but")) == (0, 1)


def test_a_label_and_a_method_of_choice(capsys, model):
    _, out, _ = run(capsys, model, "-t", "真好", "--label", "差评", "--method", "occlusion", "--json")
    (found,) = json.loads(out)
    assert (found["label"], found["method"]) == ("差评", "occlusion")
    assert min(found["segments"], key=lambda one: one["weight"])["text"] == "好"


def test_a_file_and_its_page(capsys, model, tmp_path):
    (tmp_path / "in.csv").write_text("comment,label\n很好，<b>,x\nvery bad,y\n" + "好,z\n" * 40, encoding="utf-8")
    code, out, _ = run(capsys, model, "in.csv", "--text", "comment", "--output", "why.html")
    page = (tmp_path / "why.html").read_text(encoding="utf-8")
    assert (code, out) == (0, "Page: why.html\n")
    assert page.count("<article>") == 42
    assert "reviews" in page and "tfidf" in page and 'title="+' in page
    code, out, _ = run(capsys, model, "in.csv", "--text", "comment", "--output", "why.html", "--json")
    assert (code, len(json.loads(out))) == (0, 42)


def test_standard_input(model):
    done = subprocess.run(
        [sys.executable, "-m", "fenlei", "explain", str(model), "--json"],
        input="很好\nso bad\n", capture_output=True, text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert [one["text"] for one in json.loads(done.stdout)] == ["很好", "so bad"]


@pytest.mark.parametrize("text", ["", " ", "\ud800\x1b[1m\r好", "[bold]好[/bold]", "好\n" * 3, "👍🏽"])
def test_texts_do_not_steer_the_terminal(capsys, model, text):
    code, out, _ = run(capsys, model, "-t", text)
    assert code == 0
    assert not set("\x1b\r\ud800") & set(out)
    assert "[bold]" in out or "bold" not in text
    assert run(capsys, model, "-t", text, "--json")[0] == 0


def test_a_long_text_says_that_words_were_put_together(capsys, model):
    _, out, _ = run(capsys, model, "-t", "good，" * 300, "--method", "occlusion")
    assert "a long text: 3 words make one segment" in out


def test_colours(model):
    done = subprocess.run(
        [sys.executable, "-m", "fenlei", "explain", str(model), "-t", "好 bad"],
        env={"FORCE_COLOR": "1", "COLORTERM": "truecolor", "TERM": "xterm-256color", "PATH": ""},
        capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    first = done.stdout.splitlines()[0]
    assert "\x1b[30;48;2;64;150;220m" in first or "\x1b[30;48;2;240;132;62m" in first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in.txt", "-t", "好"], "give either INPUT or -t, not both"),
        (["-t", "好", "--label", "好"], "unknown label '好'; did you mean '好评'?"),
        (["-t", "好", "--method", "lime"], "unknown method 'lime'; known: auto, exact, occlusion"),
        (["-t", "好", "--output", "why.json"], "name the file *.html"),
        (["-t", "好", "--output", "absent/why.html"], "its folder does not exist"),
        (["absent.csv"], "absent.csv"),
    ],
)
def test_mistakes(capsys, model, arguments, message):
    code, out, err = run(capsys, model, *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_no_page_in_a_model_folder(capsys, model):
    code, _, err = run(capsys, model, "-t", "好", "--output", model / "why.html")
    assert code == 2
    assert "lies in the model folder" in err
