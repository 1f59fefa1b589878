"""What comes out of a pretraining is fine-tuned: from nothing or from a checkpoint, an encoder or a decoder."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import fenlei
from fenlei.encoders import packaged
from fenlei.models.encoder import EncoderClassifier
from fenlei.models.probe import ProbeClassifier
from fenlei.pretrain.run import pretrain

SMALL = {"layers": 1, "hidden": 32, "heads": 2, "vocabulary": 500}
SHORT = {"length": 24, "batch_size": 8, "steps": 2}
LABELS = ["zh", "en"]


def labelled(corpus_texts):
    chinese, english = corpus_texts[:30], corpus_texts[30:60]
    return chinese + english, [LABELS[0]] * len(chinese) + [LABELS[1]] * len(english)


def fitted(folder, corpus_texts, **settings):
    how = {"epochs": 4, "learning_rate": 0.01, "head_rate": 0.01, "hold_out": 0.0, "precision": "float32"}
    return EncoderClassifier(encoder=str(folder), **how | settings).fit(*labelled(corpus_texts))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"architecture": "bert"},
        {"next_sentence": True},
        {"objective": "next-token", "tokenizer": "bpe"},
    ],
)
def test_a_new_network_of_any_kind_becomes_a_classifier(settings, corpus_texts, tmp_path):
    folder = pretrain(corpus_texts, tmp_path / "out", **SMALL | SHORT | settings).folder
    model = fitted(folder, corpus_texts)
    texts, labels = labelled(corpus_texts)
    assert np.mean(np.array(model.predict(texts)) == labels) > 0.9
    alone = np.concatenate([model.predict_proba([text]) for text in texts[::15]])
    np.testing.assert_allclose(model.predict_proba(texts)[::15], alone, atol=1e-5)  # padding makes no difference
    fenlei.save(model, tmp_path / "model")
    assert np.array_equal(fenlei.load(tmp_path / "model").predict_proba(texts), model.predict_proba(texts))


@pytest.mark.parametrize("kind", ["tiny_encoder", "tiny_decoder"])
def test_a_checkpoint_gets_to_know_texts_and_then_labels(kind, request, corpus_texts, tmp_path):
    known = request.getfixturevalue(kind)
    objective = "masked" if kind == "tiny_encoder" else "next-token"
    adapted = pretrain(corpus_texts, tmp_path / "out", encoder=str(known), objective=objective, **SHORT).folder
    model = fitted(adapted, corpus_texts, strategy="frozen", epochs=1)
    held = load_file(adapted / "model.safetensors")
    state = model.network_.state_dict()
    found = [
        torch.equal(value, weight)
        for name, value in held.items()
        for other, weight in state.items()
        if other.partition(".")[2] in (name, name.partition(".")[2]) and weight.shape == value.shape
    ]
    assert len(found) > 10 and all(found)  # what was learned from the texts is what the head reads
    assert fitted(adapted, corpus_texts).predict(corpus_texts[:1]) == LABELS[:1]


def test_the_prefix_stays_known(tiny_encoder, corpus_texts, tmp_path, monkeypatch):
    one = packaged.PackagedEncoder(
        name="tiny", package="none", inside="", requirement="", languages=(), licence="", origin="o/tiny", prefix="so: "
    )
    monkeypatch.setattr(packaged.PackagedEncoder, "folder", lambda self, message: tiny_encoder)
    monkeypatch.setattr(packaged, "_ALL", (one,))
    monkeypatch.setitem(packaged.PACKAGED, "tiny", one)
    first = pretrain(corpus_texts, tmp_path / "first", encoder="tiny", **SHORT).folder
    second = pretrain(corpus_texts, tmp_path / "second", encoder=str(first), **SHORT).folder
    for folder in (first, second):
        assert json.loads((folder / "pretraining.json").read_bytes())["prefix"] == "so: "
        assert ProbeClassifier(encoder=str(folder)).fit(*labelled(corpus_texts)).prefix_ == "so: "
