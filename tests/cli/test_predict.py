"""``fenlei predict``: every way in and out, flat memory, a light start."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fenlei import TfidfClassifier, save
from fenlei.cli.predict import predict_command
from fenlei.exceptions import DataError

TEXTS = ["很好", "好看 good", "很差", "难看 bad", "一般", "so so"]


@pytest.fixture(scope="module")
def model():
    return TfidfClassifier().fit(TEXTS, ["好评", "好评", "差评", "差评", "一般", "一般"])


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    return str(save(model, tmp_path_factory.mktemp("models") / "m"))


@pytest.fixture(scope="module")
def multi(tmp_path_factory):
    model = TfidfClassifier().fit(["很好", "好看", "很差", "难看"], [["a"], ["a", "b"], [], ["b"]])
    return str(save(model, tmp_path_factory.mktemp("models") / "multi"))


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """A model that reads four tokens of a text."""
    pytest.importorskip("torch")
    from fenlei.models.textcnn import TextCnnClassifier

    settings = {"max_length": 4, "filters": 2, "widths": (1,), "dim": 4, "epochs": 1}
    model = TextCnnClassifier(**settings).fit(["很好", "很差"], ["好评", "差评"])
    return str(save(model, tmp_path_factory.mktemp("models") / "short"))


def run(*arguments, stdin=None):
    result = CliRunner().invoke(predict_command, arguments, input=stdin, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_json_agrees_with_python(folder, model):
    found = json.loads(run(folder, "-t", "很好", "-t", "bad\ud800", "-t", "", "--json", "--proba"))
    scores = model.predict_proba(["很好", "bad\ud800", ""])
    assert [row["text"] for row in found] == ["很好", "bad\ud800", ""]
    assert [row["label"] for row in found] == model.predict(["很好", "bad\ud800", ""]).tolist()
    for row, expected in zip(found, scores.tolist(), strict=True):
        assert row["score"] == max(expected)
        assert row["scores"] == dict(zip(model.classes_.tolist(), expected, strict=True))
        assert list(row["scores"].values()) == sorted(expected, reverse=True)


def test_a_doubtful_encoding_is_told_once(folder, tmp_path):
    (tmp_path / "b.txt").write_bytes(("這個產品的質量非常好\n服務態度太差了\n" * 5).encode("big5"))
    result = CliRunner().invoke(predict_command, [folder, str(tmp_path / "b.txt")], catch_exceptions=False)
    assert result.stderr.count(f"fenlei: warning: {tmp_path}/b.txt: read as gb18030, but") == 1
    assert len(result.stdout.splitlines()) == 10


def test_top(folder):
    (row,) = json.loads(run(folder, "-t", "很好", "--json", "--top", "2"))
    assert len(row["scores"]) == 2
    assert row["scores"][row["label"]] == row["score"]


def test_several_labels(multi):
    good, nothing = json.loads(run(multi, "-t", "好看", "-t", "很差", "--json"))
    assert "label" not in good
    assert "a" in good["labels"]
    assert nothing["labels"] == []
    assert nothing["score"] < 0.5
    assert run(multi, "-t", "很差").startswith("-  ")


def test_a_table_for_people(folder):
    lines = run(folder, "-t", "很好\x1b[1m\nx", "-t", "好" * 100, "--top", "2").splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("好评  0.")
    assert lines[0].endswith("很好\\x1b[1m x")
    assert lines[1].endswith("好…")


def test_a_file_with_labels_in_order(folder, model, tmp_path):
    data, out = tmp_path / "data.csv", tmp_path / "out.jsonl"
    texts = [TEXTS[i % 6] + str(i) for i in range(9000)]  # more than a batch
    data.write_text("text,label\n" + "".join(f"{text},unknown\n" for text in texts), encoding="utf-8")
    assert run(folder, str(data), "--output", str(out)) == ""
    found = rows(out)
    assert [row["label"] for row in found] == model.predict(texts).tolist()
    assert found[0].keys() == {"label", "score"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "out.jsonl"]


def test_a_compressed_output(folder, tmp_path):
    out = tmp_path / "out.jsonl.gz"
    run(folder, "-t", "很好", "-t", "很差", "--output", str(out))
    with gzip.open(out, "rt", encoding="utf-8") as file:
        assert [json.loads(line)["label"] for line in file] == ["好评", "差评"]


def test_long_texts_make_short_batches(folder, tmp_path):
    data = tmp_path / "data.jsonl"
    line = json.dumps({"text": "很好 " * 1_500_000}, ensure_ascii=False)
    data.write_text(f"{line}\n" * 3, encoding="utf-8")
    assert len(json.loads(run(folder, str(data), "--json"))) == 3


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_standard_input_and_output(folder, arguments):
    found = run(folder, *arguments, "--output", "-", stdin="很好\n很差\n").splitlines()
    assert [json.loads(line)["label"] for line in found] == ["好评", "差评"]


def test_columns(folder, tmp_path):
    data = tmp_path / "data.csv"
    data.write_bytes("编号;评论\n1;很好\n".encode("gb18030"))
    found = run(folder, str(data), "--text", "评论", "--delimiter", ";", "--encoding", "gb18030", "--json")
    assert json.loads(found)[0]["text"] == "很好"


def test_a_broken_file_leaves_the_old_output(folder, tmp_path):
    data, out = tmp_path / "data.jsonl", tmp_path / "out.jsonl"
    data.write_text('{"text": "a"}\n' * 9000 + '{"text": \n')
    out.write_text("old")
    with pytest.raises(DataError, match="row 9001"):
        run(folder, str(data), "--output", str(out))
    assert out.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("data.txt", "is the file that is read"),
        (".", "is a folder"),
        ("no/out.jsonl", "does not exist"),
        ("out.CSV", "as jsonl"),
    ],
)
def test_outputs_that_cannot_be(folder, tmp_path, monkeypatch, output, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.txt").write_text("很好\n", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        run(folder, "data.txt", "--output", output)
    assert (tmp_path / "data.txt").read_text(encoding="utf-8") == "很好\n"


def test_either_input_or_texts(folder):
    result = CliRunner().invoke(predict_command, [folder, "data.txt", "-t", "很好"])
    assert result.exit_code == 2
    assert "not both" in result.stderr


def test_a_single_text_starts_light(folder):
    code = (
        "import sys\nfrom fenlei.cli.main import main\n"
        "try:\n    main(['predict', sys.argv[1], '-t', '很好'])\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.startswith("好评")
    # numba imports scipy.linalg by itself, when it loads compiled functions that use arrays
    assert not {"sklearn", "torch", "rich", "scipy.sparse", "scipy.stats", "pandas"} & set(done.stderr.split())


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's account of a process's memory")
def test_memory_does_not_grow_with_the_file(folder, tmp_path):
    import_peak = (
        "import pathlib, sys\nfrom fenlei.cli.predict import predict_command\n"
        "predict_command(sys.argv[1:], standalone_mode=False)\n"
        # not getrusage, whose peak is at least that of the process which started this one
        "lines = pathlib.Path('/proc/self/status').read_text().splitlines()\n"
        "print(next(line.split()[1] for line in lines if line.startswith('VmHWM')))"
    )
    peaks = []
    for count in (20_000, 200_000):
        data = tmp_path / f"{count}.txt"
        data.write_text("".join(f"很好 {number}\n" for number in range(count)), encoding="utf-8")
        command = [sys.executable, "-c", import_peak, folder, str(data), "--output", str(tmp_path / "out.jsonl")]
        peaks.append(int(subprocess.run(command, capture_output=True, check=True).stdout))
    assert len(rows(tmp_path / "out.jsonl")) == 200_000
    assert peaks[1] < peaks[0] * 1.1


@pytest.mark.parametrize("arguments", [(), ("--json",), ("--output", "-")])
def test_texts_that_are_read_in_part_are_told_of(short, arguments):
    def run_with(*texts):
        options = [part for text in texts for part in ("-t", text)]
        return CliRunner().invoke(predict_command, [short, *options, *arguments], catch_exceptions=False)

    result = run_with("很好", "很差很差很", "很好很好很好")
    assert result.stderr == ("fenlei: 2 of 3 texts are longer than max_length=4: 3 tokens at their ends are not read\n")
    assert "max_length" not in result.stdout
    assert run_with("很好", "很差很差").stderr == ""
