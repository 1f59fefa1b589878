"""``probe``: the vectors of transformers' own network, and what is made, kept and told of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load, load_file, save_file
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer
from transformers import AutoModel

import fenlei
from fenlei._unread import counted
from fenlei.encoders.packaged import wanted_prefix
from fenlei.engine.recipe import Run
from fenlei.exceptions import ModelFolderError, SettingError
from fenlei.models import _embedding
from fenlei.models._embedding import distinct
from fenlei.models.probe import ProbeClassifier
from fenlei.targets import Targets


@pytest.fixture
def vectors_of(tiny_encoder):
    """Mean of the states of each text, by transformers and tokenizers alone, one text at a time."""
    network = AutoModel.from_pretrained(tiny_encoder).eval()
    tokenizer = Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))

    def embed(texts):
        ids = [torch.tensor([tokenizer.encode(text).ids]) for text in texts]
        with torch.no_grad():
            return np.stack([network(one).last_hidden_state[0].mean(0).numpy() for one in ids])

    return embed


@pytest.mark.parametrize("normalize", [True, False])
def test_equals_transformers_and_scikit_learn(tiny_encoder, vectors_of, topics, normalize):
    model = ProbeClassifier(encoder=str(tiny_encoder), C=3.0, normalize=normalize).fit(topics.texts, topics.labels)

    def features(texts):
        found = vectors_of(model.prepare(texts))
        return found / np.linalg.norm(found, axis=1, keepdims=True) if normalize else found

    X = features(topics.texts)
    scale = np.sqrt(((X - X.mean(0)) ** 2).sum(1).mean())
    theirs = LogisticRegression(C=3.0, tol=1e-10, max_iter=10_000).fit(X / scale, topics.labels)
    expected = theirs.predict_proba(features(topics.new_texts) / scale)
    np.testing.assert_allclose(model.predict_proba(topics.new_texts), expected, atol=1e-3)


@pytest.mark.parametrize("pooling", ["mean", "cls", "last", "max", "cls+max"])
def test_any_pooling_without_weights(tiny_encoder, chinese, pooling):
    model = ProbeClassifier(encoder=str(tiny_encoder), pooling=pooling, C=1000).fit(chinese.texts, chinese.labels)
    assert model.network_.classifier.in_features == 32 * len(pooling.split("+"))
    assert model.score(chinese.texts, chinese.labels) >= 0.9


@pytest.mark.parametrize("kind", ["tiny_decoder", "tiny_qwen"])
def test_a_decoder_is_read_at_its_last_token(request, kind, chinese, tmp_path):
    folder = request.getfixturevalue(kind)
    model = ProbeClassifier(encoder=str(folder), C=1000, normalize=False).fit(chinese.texts, chinese.labels)
    network, texts = AutoModel.from_pretrained(folder).eval(), ["好", "房间很干净，下次还来", "又脏"]
    prepared = model.prepare(texts)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    with torch.no_grad():
        ids = [torch.tensor([tokenizer.encode(text).ids]) for text in prepared]
        expected = np.stack([network(one).last_hidden_state[0, -1].numpy() for one in ids])
    np.testing.assert_allclose(model._encode(model._windows(prepared)), expected, atol=1e-5)
    assert model.score(chinese.texts, chinese.labels) == 1.0
    assert np.isfinite(model.predict_proba(["", "☃", "好" * 500])).all()
    fenlei.save(model, tmp_path / "model")
    loaded = fenlei.load(tmp_path / "model")
    assert loaded.predict_proba(texts).tobytes() == model.predict_proba(texts).tobytes()


def test_the_first_token_of_a_decoder_is_refused(tiny_decoder, chinese):
    with pytest.raises(SettingError, match=r"pooling=cls\+max reads the first token.*take pooling=last"):
        ProbeClassifier(encoder=str(tiny_decoder), pooling="cls+max").fit(chinese.texts, chinese.labels)


def test_of_a_text_in_windows_the_mean_is_taken(tiny_encoder, vectors_of, chinese):
    settings = {"encoder": str(tiny_encoder), "max_length": 12, "normalize": False}
    model = ProbeClassifier(long_text="windows", **settings).fit(chinese.texts, chinese.labels)
    ten, overlap = "服务热情房间干净很满", 2
    text = ten + "意"
    found = model._encode(model._windows([text]))
    np.testing.assert_allclose(found[0], vectors_of([ten, text[10 - overlap :]]).mean(0), atol=1e-5)


def test_what_is_not_read_is_told(tiny_encoder, chinese):
    told = []
    model = ProbeClassifier(encoder=str(tiny_encoder), max_length=8)
    model.fit(chinese.texts, chinese.labels, run=Run(message=told.append))
    assert any("longer than max_length=8" in message for message in told)
    with counted() as unread:
        model.predict_proba(["好", "服务热情房间干净"])
    assert str(unread) == "1 of 2 texts are longer than max_length=8: 2 of their tokens are not read (long_text=head)"
    with pytest.raises(SettingError, match="max_length=65 is more than the 64 tokens"):
        ProbeClassifier(encoder=str(tiny_encoder), max_length=65).fit(chinese.texts, chinese.labels)


def test_the_prefix_stands_before_every_text(tiny_encoder, vectors_of, chinese):
    model = ProbeClassifier(encoder=str(tiny_encoder), prefix="so: ", normalize=False)
    model.fit(chinese.texts, chinese.labels)
    expected = vectors_of([f"so: {text}" for text in chinese.new_texts])
    np.testing.assert_allclose(model._encode(model._windows(chinese.new_texts)), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("e5-small", "query: "), ("intfloat/multilingual-e5-small", "query: "), ("minilm", ""), ("./e5-small", "")],
)
def test_the_prefix_of_an_encoder(name, expected):
    assert wanted_prefix(name) == expected


@pytest.mark.parametrize(("facts", "expected"), [({"prefix": "so: "}, "so: "), ({}, ""), ({"prefix": 3}, "")])
def test_the_prefix_of_an_encoder_that_was_pretrained_further(facts, expected, tiny_encoder, chinese, tmp_path):
    folder = shutil.copytree(tiny_encoder, tmp_path / "further")
    (folder / "pretraining.json").write_text(json.dumps(facts), encoding="utf-8")
    assert ProbeClassifier(encoder=str(folder)).fit(chinese.texts, chinese.labels).prefix_ == expected


def test_the_prefix_is_kept_with_the_model(tiny_encoder, chinese, tmp_path, monkeypatch):
    monkeypatch.setattr("fenlei.models._pretrained.wanted_prefix", {str(tiny_encoder): "so: "}.__getitem__)
    model = ProbeClassifier(encoder=str(tiny_encoder)).fit(chinese.texts, chinese.labels)
    fenlei.save(model, tmp_path / "model")
    monkeypatch.undo()
    loaded = fenlei.load(tmp_path / "model")
    assert (loaded.prefix, loaded.prefix_) == (None, "so: ")
    assert loaded.predict_proba(chinese.new_texts).tobytes() == model.predict_proba(chinese.new_texts).tobytes()


def test_copies_of_a_text_are_one_of_their_joint_weight():
    targets = Targets(np.eye(2, dtype=bool)[[0, 1, 0, 0, 1]], multi_label=False)
    texts, kept, weights = distinct(["a", "a", "b", "a", "c"], targets, np.array([1.0, 2, 3, 4, 0]))
    assert texts == ["a", "a", "b"]
    assert kept.indices.tolist() == [0, 1, 0]
    assert weights.tolist() == [5, 2, 3]


def test_out_of_memory_it_says_what_to_lower(tiny_encoder, chinese, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr(_embedding, "encode_vectors", fail)
    with pytest.raises(SettingError, match=r"does not fit into the memory; lower max_length, or take a smaller"):
        ProbeClassifier(encoder=str(tiny_encoder)).fit(chinese.texts, chinese.labels)


def test_each_text_goes_through_the_encoder_once(tiny_encoder, chinese):
    told = []
    run = Run(progress=told.append)
    ProbeClassifier(encoder=str(tiny_encoder)).fit(chinese.texts * 3, chinese.labels * 3, run=run)
    assert [(progress.step, progress.steps) for progress in told] == [(10, 10)]
    assert told[0].before


def test_C_is_chosen_and_kept_for_a_refit(tiny_encoder, chinese):
    model = ProbeClassifier(encoder=str(tiny_encoder)).fit(chinese.texts, chinese.labels)
    assert model.settings_to_refit() == {"C": model.C_}
    assert ProbeClassifier(encoder=str(tiny_encoder), C=2.5).fit(chinese.texts, chinese.labels).C_ == 2.5


@pytest.mark.parametrize(("device", "expected"), [("auto", "cuda"), ("cpu", "cpu")])
def test_the_encoder_reads_on_the_device(tiny_encoder, chinese, monkeypatch, device, expected):
    placed = []
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr(_embedding.EmbeddingNetwork, "to", lambda self, place: placed.append(place.type) or self)
    ProbeClassifier(encoder=str(tiny_encoder), device=device).fit(chinese.texts, chinese.labels)
    assert placed == [expected]


def test_a_gpu_that_is_not_there_is_refused(tiny_encoder, chinese, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    model = ProbeClassifier(encoder="/no/such/folder", device="cuda")
    for begin in (model.check_at_hand, lambda: model.fit(chinese.texts, chinese.labels)):
        with pytest.raises(SettingError, match="device=cuda, but torch finds no GPU"):
            begin()


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_an_encoder_published_in_halves_is_kept_so(tiny_encoder, chinese, tmp_path, kind):
    folder = tmp_path / "halves"
    folder.mkdir()
    for file in tiny_encoder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    halves = {name: value.to(kind) for name, value in load_file(tiny_encoder / "model.safetensors").items()}
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
    model = ProbeClassifier(encoder=str(folder)).fit(chinese.texts, chinese.labels)
    saved = load(model.to_files()["weights.safetensors"])
    widths = {name: value.element_size() for name, value in saved.items()}
    assert {width for name, width in widths.items() if name.startswith("encoder.")} == {2}
    assert widths["classifier.weight"] == 4
    fenlei.save(model, tmp_path / "model")
    loaded = fenlei.load(tmp_path / "model")
    assert {p.dtype for p in loaded.network_.parameters()} == {torch.float32}
    assert loaded.predict_proba(chinese.texts).tobytes() == model.predict_proba(chinese.texts).tobytes()


def test_the_network_is_one_of_hugging_face(tiny_encoder, topics, tmp_path):
    model = ProbeClassifier(encoder=str(tiny_encoder)).fit(topics.texts, topics.labels)
    model.network_.save_pretrained(tmp_path)
    loaded = _embedding.EmbeddingNetwork.from_pretrained(tmp_path).eval()
    tokenizer = Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))
    ids = torch.tensor([tokenizer.encode(topics.texts[0]).ids])
    with torch.no_grad():
        found = loaded(ids, labels=torch.tensor([0]))
    np.testing.assert_allclose(found.logits.softmax(1), model.predict_proba(topics.texts[:1]), atol=1e-5)
    assert found.loss > 0


def test_scoring_needs_no_scikit_learn(tiny_encoder, chinese, tmp_path):
    fenlei.save(ProbeClassifier(encoder=str(tiny_encoder)).fit(chinese.texts, chinese.labels), tmp_path / "model")
    code = "import sys, fenlei; print(fenlei.load(sys.argv[1]).predict(['很满意']).tolist(), 'sklearn' in sys.modules)"
    command = [sys.executable, "-c", code, str(tmp_path / "model")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"


@pytest.mark.parametrize("damage", ["prefix", "C", "encoder", "max_length"])
def test_a_damaged_file_is_refused(tiny_encoder, chinese, damage):
    model = ProbeClassifier(encoder=str(tiny_encoder)).fit(chinese.texts, chinese.labels)
    files = model.to_files()
    learned = json.loads(files["learned.json"])
    del learned[damage]
    with pytest.raises(ModelFolderError, match="do not fit together"):
        model.from_files(files | {"learned.json": json.dumps(learned).encode()})


@pytest.mark.parametrize(
    "wrong",
    [
        {"pooling": "attention"},
        {"pooling": "mean+conv"},
        {"pooling": "men"},
        {"pooling": 5},
        {"normalize": "yes"},
        {"device": "gpu"},
        {"C": 0},
        {"C": "best"},
        {"seed": -1},
        {"encoder": 5},
        {"prefix": 5},
        {"max_length": 3},
        {"long_text": "middle"},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused_before_any_work(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        ProbeClassifier(**wrong).check_settings()


def test_weights_of_unknown_classes_are_refused_before_any_work():
    with pytest.raises(SettingError, match="class_weight names the label 'c'"):
        ProbeClassifier(encoder="/no/such/folder", class_weight={"c": 2.0}).fit(["x", "y"], ["a", "b"])
