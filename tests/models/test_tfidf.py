from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from fenlei.exceptions import DataError, ModelFolderError, SettingError, UnknownNameError
from fenlei.models.tfidf import TfidfClassifier


@pytest.mark.parametrize(
    ("classifier", "prior"),
    [("svm", "informed"), ("svm", "flat"), ("logistic", "informed"), ("logistic", "flat"), ("nb", "informed")],
)
@pytest.mark.parametrize("examples", ["chinese", "english", "topics"])
def test_every_classifier_learns(classifier: Any, prior: Any, examples: str, request: Any) -> None:
    data = request.getfixturevalue(examples)
    model = TfidfClassifier(classifier=classifier, prior=prior).fit(data.texts, data.labels)
    assert model.predict(data.new_texts).tolist() == data.new_labels


@pytest.mark.parametrize(("classifier", "cost"), [("svm", 20), ("logistic", 20), ("nb", None)])
def test_every_classifier_learns_sets_of_labels(classifier: Any, cost: Any, topics: Any) -> None:
    labels = [[label, "english"] if text.isascii() else [label] for text, label in zip(*topics[:2], strict=True)]
    model = TfidfClassifier(classifier=classifier, C=cost).fit(topics.texts, labels)
    found = [set(row) for row in model.predict(topics.texts)]
    assert np.mean([row == set(wanted) for row, wanted in zip(found, labels, strict=True)]) >= 0.9


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"classifier": "tree"}, "classifier"), ({"prior": "wide"}, "prior"), ({"C": 0}, "C"), ({"C": "1"}, "C"),
        ({"smoothing": -1}, "smoothing"), ({"tolerance": 0}, "tolerance"), ({"max_iter": 0}, "max_iter"), ({"tf":
        "sqrt"}, "tf"), ({"ngrams": (0, 1)}, "ngrams"), ({"min_df": -1}, "min_df"), ({"hash_bits": 40}, "bits"),
        ({"language": "fr"}, "language"), ({"class_weight": "even"}, "class_weight"), ({"stop_words": "zh"},
        "segmenter"), ({"clean": {"htm": True}}, "'htm'"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused_by_fit(settings: dict[str, Any], named: str, chinese: Any) -> None:
    model = TfidfClassifier(**settings)
    with pytest.raises(SettingError, match=named):
        model.fit(chinese.texts, chinese.labels)


def test_an_unknown_segmenter_is_refused_with_the_nearest(chinese: Any) -> None:
    with pytest.raises(UnknownNameError, match="'jeba'; did you mean 'jieba'"):
        TfidfClassifier(segmenter="jeba").fit(chinese.texts, chinese.labels)


def test_texts_without_any_n_gram_are_an_error() -> None:
    with pytest.raises(DataError, match="no n-gram"):
        TfidfClassifier().fit(["", " "], ["a", "b"])


def test_class_weights_may_be_given_by_label(english: Any) -> None:
    plain, lifted = (
        TfidfClassifier(class_weight=weight).fit(english.texts, english.labels) for weight in (None, {"neg": 20.0})
    )
    texts = ["a film", "cast"]
    assert (lifted.predict_proba(texts)[:, 0] > plain.predict_proba(texts)[:, 0]).all()


def test_the_language_is_detected_or_given(chinese: Any, english: Any) -> None:
    assert TfidfClassifier().fit(chinese.texts, chinese.labels).language_ == "zh"
    assert TfidfClassifier().fit(english.texts, english.labels).language_ == "en"
    assert TfidfClassifier(language="other").fit(english.texts, english.labels).language_ == "other"


def test_telling_n_grams_stand_in_order_of_weight(chinese: Any) -> None:
    telling = TfidfClassifier().fit(chinese.texts, chinese.labels).telling_ngrams(5)
    assert list(telling) == ["好评", "差评"]
    for ngrams in telling.values():
        weights = [weight for _, weight in ngrams]
        assert len(weights) == 5
        assert weights == sorted(weights, reverse=True)
        assert min(weights) > 0
    assert "又" in [ngram for ngram, _ in telling["差评"]]


def test_hashed_n_grams_have_no_names(chinese: Any) -> None:
    model = TfidfClassifier(hash_bits=12).fit(chinese.texts, chinese.labels)
    assert model.predict(chinese.new_texts).tolist() == chinese.new_labels
    assert model.telling_ngrams() == {}
    assert set(model.to_files()) == {"learned.json", "weights.safetensors"}


def test_a_segmenter_and_stop_words_prepare_the_text(chinese: Any) -> None:
    model = TfidfClassifier(
        segmenter="jieba", segment={"user_dict": ["服务热情 9999"]}, stop_words="zh", ngrams=(1, 1), boundaries=False
    ).fit(chinese.texts, chinese.labels)
    words = model.features_.vocabulary_
    assert "服务热情" in words
    assert "很" in words  # weighs a judgement, so it is no stop word
    other = TfidfClassifier(**model.get_params())
    other.classes_, other.multi_label_ = model.classes_, model.multi_label_
    other.from_files(model.to_files())
    assert other.predict_proba(chinese.texts).tobytes() == model.predict_proba(chinese.texts).tobytes()


def test_cleaning_is_on_unless_it_is_turned_off() -> None:
    texts, labels = ["<b>好</b>", "<b>差</b>"], ["x", "y"]
    assert "b" not in TfidfClassifier().fit(texts, labels).features_.vocabulary_
    assert "b" in TfidfClassifier(clean={"html": False}).fit(texts, labels).features_.vocabulary_


def test_copies_of_texts_do_not_make_the_model_surer() -> None:
    random = np.random.default_rng(3)
    texts = [" ".join(f"w{word}" for word in random.integers(0, 300, 8)) for _ in range(600)]
    labels = random.integers(0, 2, 600).tolist()  # that nothing tells: sure is who remembers
    copies = [f"<p>{text.upper()}</p>" for text in texts]
    once, twice = (
        TfidfClassifier().fit(*data).linear_.slope for data in ((texts, labels), (texts + copies, labels * 2))
    )
    assert twice < max(2 * once, 1)


class TestParts:
    def model(self) -> TfidfClassifier:
        return TfidfClassifier(hash_bits=10)

    def test_need_hashed_features(self) -> None:
        with pytest.raises(SettingError, match="hash_bits"):
            TfidfClassifier().partial_fit(["a"], ["x"], classes=["x", "y"])

    def test_many_labels_are_read_in_the_first_call(self) -> None:
        texts, labels = ["红 圆", "红 方", "蓝 圆", "蓝 方"], [["red", "round"], ["red"], ["round"], []]
        said_once, said_always = self.model(), self.model()
        for i in range(8):
            first = {"classes": ["red", "round"]} if i == 0 else {}
            said_once.partial_fit(texts, labels, **first, multi_label=i == 0)
            said_always.partial_fit(texts, labels, **first, multi_label=True)
        assert said_once.multi_label_
        assert said_once.predict_proba(texts).tolist() == said_always.predict_proba(texts).tolist()
        assert [set(row) for row in said_once.predict(texts)] == [set(row) for row in labels]

    def test_may_lack_classes_and_weigh_rows(self, topics: Any) -> None:
        model = self.model().partial_fit(topics.texts[:4], topics.labels[:4], classes=["tech", "sport", "finance"])
        assert model.classes_.tolist() == ["finance", "sport", "tech"]
        before = model.predict_proba(topics.texts)
        model.partial_fit(topics.texts[4:6], topics.labels[4:6], sample_weight=[1e-9, 0])
        np.testing.assert_allclose(model.predict_proba(topics.texts), before, atol=1e-3)

    def test_must_hold_as_many_texts_as_labels(self) -> None:
        with pytest.raises(DataError, match="3 texts but 1 labels"):
            self.model().partial_fit(["a", "b", "c"], ["x"], classes=["x", "y"])

    def test_a_label_that_was_not_named_is_an_error(self) -> None:
        with pytest.raises(DataError, match="row 2: the label 'z'"):
            self.model().partial_fit(["a", "b"], ["x", "z"], classes=["x", "y"])

    def test_two_classes_must_be_named(self) -> None:
        with pytest.raises((DataError, SettingError), match="class"):
            self.model().partial_fit(["a"], ["x"], classes=["x"])


class TestFiles:
    def test_are_json_and_safetensors(self, chinese: Any) -> None:
        model = TfidfClassifier().fit(chinese.texts, chinese.labels)
        files = model.to_files()
        assert set(files) == {"learned.json", "vocabulary.json", "weights.safetensors"}
        assert json.loads(files["vocabulary.json"]) == model.features_.vocabulary_
        np.testing.assert_array_equal(load(files["weights.safetensors"])["weights"], model.linear_.weights)

    @pytest.mark.parametrize("name", ["learned.json", "vocabulary.json", "weights.safetensors"])
    def test_that_are_missing_are_refused(self, name: str, chinese: Any) -> None:
        files = TfidfClassifier().fit(chinese.texts, chinese.labels).to_files()
        with pytest.raises(ModelFolderError):
            self.loaded({key: data for key, data in files.items() if key != name})

    @pytest.mark.parametrize("name", ["learned.json", "weights.safetensors"])
    @pytest.mark.parametrize("damage", [b"", b"{}", b"[1, 2]", b"\xff"])
    def test_that_are_damaged_are_refused(self, name: str, damage: bytes, chinese: Any) -> None:
        files = TfidfClassifier().fit(chinese.texts, chinese.labels).to_files()
        with pytest.raises(ModelFolderError):
            self.loaded(files | {name: damage})

    @pytest.mark.parametrize(
        "change",
        [
            lambda arrays: arrays | {"weights": arrays["weights"][1:]},
            lambda arrays: arrays | {"weights": arrays["weights"].astype(np.float64)},
            lambda arrays: arrays | {"weights": arrays["weights"] * np.float32("nan")},
            lambda arrays: arrays | {"bias": np.zeros(3, np.float32)},
            lambda arrays: arrays | {"hashes": arrays["hashes"][1:]},
            lambda arrays: arrays | {"n_documents": np.zeros(0, np.int64)},
            lambda arrays: {"weights": arrays["weights"]},
        ],
    )
    def test_whose_arrays_do_not_fit_are_refused(self, change: Any, chinese: Any) -> None:
        files = TfidfClassifier().fit(chinese.texts, chinese.labels).to_files()
        files["weights.safetensors"] = save(change(load(files["weights.safetensors"])))
        with pytest.raises(ModelFolderError):
            self.loaded(files)

    def loaded(self, files: dict[str, bytes]) -> TfidfClassifier:
        model = TfidfClassifier()
        model.classes_, model.multi_label_ = np.array(["好评", "差评"]), False
        model.from_files(files)
        return model


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"calibrate": "no"}, "calibrate"), ({"lowercase": "False"}, "lowercase"), ({"idf": 1}, "idf"),
        ({"char_weight": 0}, "char_weight"), ({"char_weight": float("nan")}, "char_weight"), ({"max_iter": 1.5},
        "max_iter"), ({"seed": -1}, "seed"), ({"clean": "html"}, "clean"), ({"segment": 5}, "segment"),
        ({"stop_words": 5}, "stop_words"), ({"min_df": float("nan")}, "min_df"), ({"hash_bits": 12, "min_df": 3},
        "min_df has no effect with hashed features"), ({"classifier": "nb", "C": 2.0}, "C has no effect"),
    ],
)  # fmt: skip
def test_settings_out_of_range_or_without_effect_are_refused_at_once(settings: Any, named: str) -> None:
    with pytest.raises(SettingError, match=named):
        TfidfClassifier(**settings).check_settings()


def test_learning_in_parts_refuses_settings_that_it_would_ignore() -> None:
    model = TfidfClassifier(hash_bits=10, classifier="logistic")
    with pytest.raises(SettingError, match="classifier has no effect when learning in parts"):
        model.partial_fit(["a", "b"], ["x", "y"], classes=["x", "y"])


def test_a_failed_first_part_leaves_the_model_unfitted(chinese: Any) -> None:
    model = TfidfClassifier(hash_bits=10)
    with pytest.raises(DataError):
        model.partial_fit(["a"], ["zzz"], classes=["x", "y"])
    assert not model.__sklearn_is_fitted__()
    model.partial_fit(chinese.texts, chinese.labels, classes=sorted(set(chinese.labels)))


def test_a_failed_refit_forgets_the_model(chinese: Any) -> None:
    model = TfidfClassifier().fit(chinese.texts, chinese.labels)
    with pytest.raises(DataError):
        model.set_params(min_df=1000).fit(chinese.texts, chinese.labels)
    assert not [name for name in vars(model) if name.endswith("_")]


def test_balanced_weights_do_not_depend_on_the_scale_of_the_sample_weights(chinese: Any) -> None:
    texts, labels = chinese.texts[:6], chinese.labels[:6]
    large = TfidfClassifier(class_weight="balanced", prior="flat", C=1.0).fit(texts, labels, sample_weight=[1.0] * 6)
    small = TfidfClassifier(class_weight="balanced", prior="flat", C=1000.0).fit(
        texts, labels, sample_weight=[1e-3] * 6
    )
    np.testing.assert_allclose(small.predict_proba(texts), large.predict_proba(texts), atol=1e-4)
