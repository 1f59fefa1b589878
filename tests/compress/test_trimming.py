"""Texts whose tokens stay get the same scores; what is gone is read as pieces, or unknown."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import fenlei
from fenlei.compress.trimming import trim
from fenlei.engine.recipe import Run
from fenlei.exceptions import NotFittedError, SettingError

pytest.importorskip("torch")

CORPUS = ["房间很干净", "又脏又差，a bit"]
COVERED = [*CORPUS, "很差", "a 房间", ""]


def gap(one, other, texts=COVERED):
    return float(np.abs(one.predict_proba(texts) - other.predict_proba(texts)).max())


def size(model):
    return sum(map(len, model.to_files().values()))


class TestNetworks:
    @pytest.mark.parametrize("unit", ["token", "char", "both", "wordpiece", "bpe", "unigram"])
    @pytest.mark.parametrize("embedding", ["random", "multichannel"])
    def test_scores_of_covered_texts_stay(self, network, unit, embedding, tmp_path):
        model = network(unit=unit, embedding=embedding)
        model.vectors = "words.txt" if embedding == "multichannel" else None
        before = copy.deepcopy(model.network_.state_dict())
        small = trim(model, texts=CORPUS, characters=False)
        covered = CORPUS if unit in ("both", "wordpiece", "bpe", "unigram") else COVERED
        assert gap(small, model, [*covered, ""]) < 1e-6
        assert len(small.inputs_.tokens_) < len(model.inputs_.tokens_)
        assert size(small) < size(model)
        loaded = fenlei.load(fenlei.save(small, tmp_path / "small"))
        assert gap(loaded, small, [*COVERED, "没见过的 words"]) == 0
        assert all((value == before[name]).all() for name, value in model.network_.state_dict().items())
        assert small.get_params() == model.get_params()

    def test_tokens_that_are_gone_are_unknown(self, network):
        model = network()
        small = trim(model, texts=CORPUS)
        assert small.inputs_.tokens_[:2] == ["[PAD]", "[UNK]"]
        assert set(small.inputs_.tokens_[2:]) == {*"房间很干净又脏差,a", "bit"} & set(model.inputs_.tokens_)
        assert small.inputs_.transform(["服务"])[0][0].tolist() == [1, 1]
        vocabulary, old = small.inputs_.vocabularies_[0], model.inputs_.vocabularies_[0]
        assert vocabulary.counts_.sum() == old.counts_.sum()

    def test_rare_ones_go_too(self, network):
        small = trim(network(), texts=[*CORPUS, "房间", "很"], min_count=2)
        assert sorted(small.inputs_.tokens_[2:]) == sorted("房间很又")

    def test_what_is_told(self, network):
        told = []
        texts = ["房间很干净", "很房间", "很干净", "服务"]
        trim(network(), texts=texts, min_count=2, run=Run(message=told.append))
        assert told == [
            f"7 of {len(network().inputs_.tokens_)} tokens stay; 75.00% of the 4 texts are read as before, and some "
            "75.00% of others like them would be"
        ]

    def test_other_families(self, english):
        from fenlei.models.fasttext import FastTextClassifier
        from fenlei.models.mlp import MlpClassifier

        model = MlpClassifier(epochs=1, hidden=(4,), dim=4).fit(english.texts, english.labels)
        assert gap(trim(model, texts=english.texts[:4]), model, english.texts[:4]) < 1e-6
        model = FastTextClassifier(epochs=1, dim=4, ngrams=1).fit(english.texts, english.labels)
        assert gap(trim(model, texts=english.texts[:4]), model, english.texts[:4]) < 1e-6
        model = FastTextClassifier(epochs=1, dim=4, buckets=100).fit(english.texts, english.labels)
        with pytest.raises(SettingError, match="the n-grams of a fasttext go by the ids of its tokens"):
            trim(model, texts=english.texts)


@pytest.mark.parametrize("family", ["encoder", "probe"])
@pytest.mark.parametrize("long_text", ["head", "windows"])
def test_encoders(family, long_text, tiny_encoder, chinese, english, tmp_path):
    kind = fenlei.families.find_family(family)
    more = {"epochs": 1, "precision": "float32"} if family == "encoder" else {"C": 1.0}
    model = kind(encoder=str(tiny_encoder), max_length=12, long_text=long_text, **more)
    model.fit(chinese.texts + english.texts, chinese.labels + english.labels)
    corpus = [*chinese.texts[:6], "a great film " * 9]
    small = trim(model, texts=corpus, characters=False)
    assert gap(small, model, [*corpus, "", "房间"]) < 1e-6
    assert len(small.tokenizer_) < len(model.tokenizer_) / 2
    assert size(small) < size(model)
    loaded = fenlei.load(fenlei.save(small, tmp_path / "small"))
    assert gap(loaded, small, [*corpus, "别的 wonderful \ud800"]) < 1e-6
    spelled = trim(model, texts=corpus)
    assert len(small.tokenizer_) < len(spelled.tokenizer_) < len(model.tokenizer_)
    assert spelled.tokenizer_.tokens(spelled.tokenizer_.encode(["wise"])[0]) == ["w", "##i", "##s", "##e"]


class TestRefusals:
    def test_of_other_families(self):
        model = fenlei.TfidfClassifier().fit(["好", "差"], ["a", "b"])
        with pytest.raises(SettingError, match="networks and encoders have a vocabulary to trim, and this is a tfidf"):
            trim(model, texts=CORPUS)

    def test_of_an_untrained_model(self):
        from fenlei.models.textcnn import TextCnnClassifier

        with pytest.raises(NotFittedError):
            trim(TextCnnClassifier(), texts=CORPUS)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"texts": []}, "a vocabulary is trimmed to texts, and there are none"),
            ({"texts": CORPUS, "min_count": 0}, "min_count must be a whole number from 1"),
            ({"texts": CORPUS, "min_count": "two"}, "min_count must be a whole number from 1"),
            ({"texts": CORPUS, "characters": "no"}, "characters must be true or false; got 'no'"),
            ({"texts": ["ξένος"]}, "the texts hold none of the model's tokens"),
        ],
    )
    def test_of_what_cannot_be(self, network, options, message):
        with pytest.raises(SettingError, match=message):
            trim(network(), **options)
