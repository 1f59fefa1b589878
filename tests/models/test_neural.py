"""What the families of networks share: files that do not fit, and the texts held out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from fenlei import base
from fenlei._unread import counted
from fenlei.engine import trainer
from fenlei.exceptions import ModelFolderError, SettingError
from fenlei.models import _gradient
from fenlei.models.textcnn import TextCnnClassifier

SETTINGS = {"filters": 4, "widths": (1, 2), "dim": 8, "epochs": 1}


@pytest.fixture(scope="module")
def model():
    return TextCnnClassifier(parts=50, **SETTINGS).fit(["good room", "bad room"], ["a", "b"])


def _changed(name, change):
    def apply(weights):
        weights[name] = change(weights[name].clone())

    return apply


@pytest.mark.parametrize(
    "change",
    [
        _changed("embedding.parts", lambda x: x + 50),
        _changed("embedding.parts", lambda x: x - 50),
        _changed("embedding.part_bounds", lambda x: x * 2),
        _changed("embedding.part_bounds", lambda x: x.flip(0)),
        _changed("embedding.weight", lambda x: x[:-1]),
        _changed("head.bias", lambda x: x * torch.nan),
        lambda weights: weights.pop("head.bias"),
    ],
)
def test_weights_that_do_not_fit_are_refused(model, change):
    files = model.to_files()
    weights = load(files["weights.safetensors"])
    change(weights)
    with pytest.raises(ModelFolderError, match="do not fit together"):
        _fresh(model).from_files({**files, "weights.safetensors": save(weights)})


def test_a_size_without_weights_takes_no_memory(model):
    files = model.to_files()
    learned = files["learned.json"].replace(b'"dim":8', b'"dim":1000000000000')
    assert learned != files["learned.json"]
    with pytest.raises(ModelFolderError, match="shapes"):
        _fresh(model).from_files({**files, "learned.json": learned})


def _fresh(model):
    fresh = TextCnnClassifier(**model.get_params())
    fresh.classes_, fresh.multi_label_ = model.classes_, model.multi_label_
    return fresh


def _held_out(monkeypatch, labels, weights=None, texts=None, **settings):
    """Fit, and give what is learned and what is held out."""
    seen = []

    def watched(network, train, valid, *rest):
        seen.extend([train, valid])
        return trainer.train_network(network, train, valid, *rest)

    monkeypatch.setattr(_gradient, "train_network", watched)
    texts = texts or [f"第{i}次" for i in range(len(labels))]
    TextCnnClassifier(**SETTINGS | settings).fit(texts, labels, sample_weight=weights)
    return seen


def test_the_only_text_of_a_class_is_learned(monkeypatch):
    labels = ["a", *["b"] * 40, *["c"] * 19, "d"]
    train, valid = _held_out(monkeypatch, labels)
    assert set(train.targets.tolist()) == {0, 1, 2, 3}
    assert len(valid) == 6


def test_copies_of_a_text_are_never_learned_and_held_out(monkeypatch):
    words = [chr(0x4E00 + i) for i in range(40)]
    train, valid = _held_out(monkeypatch, ["a", "b"] * 60, texts=words * 3)
    read = [
        {text[text > 1].item() for text in part.batch(np.arange(len(part)))["input_ids"]} for part in (train, valid)
    ]
    assert len(read[0]) == 36
    assert len(read[1]) == 4
    assert not read[0] & read[1]


@pytest.mark.parametrize(("share", "n"), [(0.05, 5), (0.3, 30), (0.45, 45), (0.5, 50)])
def test_as_many_are_held_out_as_is_said(monkeypatch, share, n):
    assert len(_held_out(monkeypatch, ["a", "b"] * 50, hold_out=share)[1]) == n


def test_texts_without_weight_choose_no_epoch(monkeypatch):
    weights = np.zeros(60)
    weights[:2] = 1
    train, valid = _held_out(monkeypatch, ["a", "b"] * 30, weights)
    assert valid is None or valid.weights.any()
    assert train.weights.any()


def test_more_than_half_is_not_held_out():
    with pytest.raises(SettingError, match="hold_out"):
        TextCnnClassifier(hold_out=0.7).fit(["good room", "bad room"], ["a", "b"])


@pytest.mark.parametrize("unit", ["token", "char", "both"])
def test_what_is_not_read_is_told_when_scoring(monkeypatch, unit):
    monkeypatch.setattr(base, "_BATCH", 2)
    model = TextCnnClassifier(unit=unit, max_length=3, **SETTINGS).fit(["好坏好坏好", "坏"], ["a", "b"])
    with counted() as unread:
        model.predict_proba(["好", "好坏好坏好", "坏坏坏坏", "", "好坏好"])
    assert (unread.n, unread.n_texts, unread.n_ids, unread.max_length) == (5, 2, 3, 3)
    with counted() as unread:
        model.predict(["好", "好坏好"])
    assert (unread.n, unread.n_texts) == (2, 0)
