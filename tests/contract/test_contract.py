"""What holds for every model family, whatever it is made of."""

from __future__ import annotations

import copy
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fenlei
from fenlei.exceptions import DataError, NotFittedError, SettingError

ODD_TEXTS = [
    "", " ", "\u3000\t\r\n", "\x00", "a\x00b", "\ud800", "好\udfff看", "好" * 100_000, "a" * 100_000, "好 " * 5_000,
    "😀👩‍👩‍👧🏽", "שלום مرحبا", "e\u0301\u0301\u0301", "\u202egood", "\ufeff", "NaN", "None", "<b>", "&#0;",
    "\U0010ffff", "'", "’", "ＧＯＯＤ", "İstanbul", "ß", "กินข้าว",
]  # fmt: skip


class TestSettings:
    def test_are_kept_as_they_are_given_and_not_checked(self, kind: Any) -> None:
        values = {name: object() for name in inspect.signature(kind).parameters}
        model = kind(**values)
        assert all(getattr(model, name) is value for name, value in values.items())
        assert model.get_params() == values
        assert set(vars(model)) == set(values)

    def test_can_be_changed(self, make: Any) -> None:
        model = make()
        assert model.set_params(seed=5) is model
        assert model.get_params()["seed"] == 5

    def test_an_unknown_one_is_refused_with_the_nearest(self, make: Any) -> None:
        with pytest.raises(SettingError, match=r"unknown setting of .* 'sed'; did you mean 'seed'?"):
            make().set_params(sed=5)
        with pytest.raises(TypeError):
            make(sed=5)

    def test_fitting_changes_none(self, quick: Any, english: Any) -> None:
        model = quick()
        before = copy.deepcopy(model.get_params())
        model.fit(english.texts, english.labels)
        assert model.get_params() == before

    def test_repr_names_what_differs_from_the_defaults(self, kind: Any) -> None:
        assert repr(kind()) == f"{kind.__name__}()"
        assert repr(kind(seed=5)) == f"{kind.__name__}(seed=5)"


class TestLearning:
    @pytest.mark.parametrize("examples", ["chinese", "english", "topics"])
    def test_what_is_plain_is_learned(self, fitted: Any, examples: str, request: Any) -> None:
        data = request.getfixturevalue(examples)
        model = fitted(examples)
        assert model.predict(data.texts).tolist() == data.labels
        assert model.predict(data.new_texts).tolist() == data.new_labels
        assert model.score(data.new_texts, data.new_labels) == 1.0

    def test_fit_returns_the_model(self, quick: Any, chinese: Any) -> None:
        model = quick()
        assert model.fit(chinese.texts, chinese.labels) is model

    def test_fitting_again_forgets_all(self, fitted: Any, topics: Any) -> None:
        fresh = fitted("topics")
        again = fitted("chinese").fit(topics.texts, topics.labels)
        assert again.classes_.tolist() == fresh.classes_.tolist()
        assert_same_bits(again, fresh, topics.texts)

    def test_the_same_seed_gives_the_same_model(self, quick: Any, topics: Any) -> None:
        assert_same_bits(*(quick(seed=3).fit(topics.texts, topics.labels) for _ in range(2)), topics.texts)

    def test_a_copy_is_a_model_of_its_own(self, fitted: Any, chinese: Any, topics: Any) -> None:
        model = fitted("topics")
        twin = copy.deepcopy(model)
        assert_same_bits(twin, model, topics.texts)
        twin.fit(chinese.texts, chinese.labels)
        assert model.predict(topics.new_texts).tolist() == topics.new_labels

    def test_input_is_left_as_it_was(self, quick: Any, topics: Any) -> None:
        texts, labels = list(topics.texts), list(topics.labels)
        quick().fit(texts, labels).predict(texts)
        assert (texts, labels) == (topics.texts, topics.labels)

    @pytest.mark.parametrize("as_kind", [tuple, np.array, lambda items: np.array(items, dtype=object)])
    def test_any_sequence_of_texts_and_labels_will_do(self, make: Any, fitted: Any, english: Any, as_kind: Any) -> None:
        model = make().fit(as_kind(english.texts), as_kind(english.labels))
        assert_same_bits(model, fitted("english"), english.new_texts)
        assert model.predict(as_kind(english.new_texts)).tolist() == english.new_labels


class TestLabels:
    def test_classes_are_sorted_whatever_the_order_of_the_rows(self, make: Any, topics: Any) -> None:
        order = np.random.default_rng(1).permutation(len(topics.texts))
        model = make().fit([topics.texts[i] for i in order], [topics.labels[i] for i in order])
        assert model.classes_.tolist() == ["finance", "sport", "tech"]
        assert model.predict(topics.new_texts).tolist() == topics.new_labels

    @pytest.mark.parametrize("values", [(7, -2), (True, False)], ids=["int", "bool"])
    def test_need_not_be_strings(self, make: Any, english: Any, values: tuple[Any, Any]) -> None:
        value_of = dict(zip(("pos", "neg"), values, strict=True))
        model = make().fit(english.texts, [value_of[label] for label in english.labels])
        assert model.classes_.tolist() == sorted(values)
        predicted = model.predict(english.new_texts).tolist()
        assert predicted == [value_of[label] for label in english.new_labels]
        assert {type(label) for label in predicted} == {type(values[0])}

    def test_unseen_in_training_are_wrong_answers_not_errors(self, fitted: Any, english: Any) -> None:
        assert fitted("english").score(english.new_texts, ["pos", "pos", "neg", "mixed"]) == 0.75

    def test_one_class_is_not_enough(self, make: Any) -> None:
        with pytest.raises(DataError, match="only the class 'a'"):
            make().fit(["x", "y"], ["a", "a"])

    def test_a_missing_label_is_named_by_its_row(self, make: Any) -> None:
        with pytest.raises(DataError, match="row 2"):
            make().fit(["x", "y", "z"], ["a", None, "b"])


class TestTexts:
    def test_odd_ones_can_be_predicted(self, fitted: Any) -> None:
        model = fitted("english")
        assert_probabilities(model.predict_proba(ODD_TEXTS), (len(ODD_TEXTS), 2))
        assert set(model.predict(ODD_TEXTS).tolist()) <= {"neg", "pos"}

    def test_odd_ones_can_be_learned_from_saved_and_loaded(self, make: Any, chinese: Any, tmp_path: Path) -> None:
        texts = ODD_TEXTS + chinese.texts
        labels = ["odd"] * len(ODD_TEXTS) + chinese.labels
        model = make().fit(texts, labels)
        assert_probabilities(model.predict_proba(texts), (len(texts), 3))
        fenlei.save(model, tmp_path / "model")
        assert_same_bits(fenlei.load(tmp_path / "model"), model, texts)

    @pytest.mark.parametrize("method", ["predict", "predict_proba"])
    def test_one_bare_string_is_refused(self, fitted: Any, method: str) -> None:
        model = fitted("english")
        with pytest.raises(SettingError, match="one string"):
            getattr(model, method)("a great film")

    def test_one_bare_string_is_refused_in_training(self, make: Any) -> None:
        with pytest.raises(SettingError, match="one string"):
            make().fit("ab", ["x", "y"])
        with pytest.raises(SettingError, match="one string"):
            make().fit(["a", "b"], "xy")

    def test_a_missing_one_is_named_by_its_row(self, make: Any, fitted: Any) -> None:
        with pytest.raises(DataError, match="row 2: expected a text, got None"):
            make().fit(["a", None], ["x", "y"])
        with pytest.raises(DataError, match="row 1: expected a text, got nan"):
            fitted("english").predict([float("nan")])

    def test_none_to_learn_from(self, make: Any) -> None:
        with pytest.raises(DataError):
            make().fit([], [])

    def test_none_to_predict(self, fitted: Any) -> None:
        model = fitted("topics")
        assert model.predict([]).tolist() == []
        assert model.predict_proba([]).shape == (0, 3)

    def test_as_many_as_labels(self, make: Any) -> None:
        with pytest.raises(DataError, match="3 texts but 2 labels"):
            make().fit(["a", "b", "c"], ["x", "y"])


class TestProbabilities:
    @pytest.mark.parametrize("examples", ["chinese", "topics"])
    def test_are_a_distribution_whose_mode_is_predicted(self, fitted: Any, examples: str, request: Any) -> None:
        data = request.getfixturevalue(examples)
        model = fitted(examples)
        chances = model.predict_proba(data.new_texts)
        assert_probabilities(chances, (len(data.new_texts), len(model.classes_)))
        assert model.classes_[chances.argmax(axis=1)].tolist() == model.predict(data.new_texts).tolist()

    def test_of_a_text_do_not_depend_on_its_neighbours(self, fitted: Any, topics: Any) -> None:
        model = fitted("topics")
        texts = topics.texts + topics.new_texts + ODD_TEXTS[:7]
        together = model.predict_proba(texts)
        alone = np.vstack([model.predict_proba([text]) for text in texts])
        backwards = model.predict_proba(texts[::-1])[::-1]
        for other in (alone, backwards):
            np.testing.assert_allclose(other, together, atol=1e-5, rtol=0)
            assert (other.argmax(axis=1) == together.argmax(axis=1)).all()


class TestWeights:
    # which token is how frequent stays as it is, since what a network begins with depends on it
    texts = ("好好好好", "坏坏坏", "中中", "大")
    labels = ("pos", "neg", "pos", "neg")

    def test_two_is_as_good_as_the_row_twice(self, make: Any) -> None:
        weighted = make().fit(self.texts, self.labels, sample_weight=[2, 1, 1, 1])
        repeated = make().fit(self.texts[:1] + self.texts, self.labels[:1] + self.labels)
        assert_alike(weighted, repeated, ["好", "坏坏", "大中", "好中"])

    def test_zero_is_as_good_as_no_row(self, make: Any) -> None:
        weighted = make().fit((*self.texts, "好"), (*self.labels, "neg"), sample_weight=[1, 1, 1, 1, 0])
        assert_alike(weighted, make().fit(self.texts, self.labels), ["好", "坏坏", "大中", "好中"])

    def test_decide_between_rows_that_contradict(self, make: Any) -> None:
        texts, labels = ["same text"] * 2 + ["other words"], ["a", "b", "a"]
        assert make().fit(texts, labels, sample_weight=[1, 9, 1]).predict(["same text"]).tolist() == ["b"]
        assert make().fit(texts, labels, sample_weight=[9, 1, 1]).predict(["same text"]).tolist() == ["a"]

    @pytest.mark.parametrize("weights", [[1], [1, -1], [0, 0], [1, float("nan")], [1, float("inf")]])
    def test_must_be_finite_and_one_a_text(self, make: Any, weights: list[float]) -> None:
        with pytest.raises(SettingError, match="sample_weight"):
            make().fit(["a", "b"], ["x", "y"], sample_weight=weights)

    def test_of_classes_lift_the_rare_one(self, make: Any) -> None:
        if "class_weight" not in make().get_params():
            pytest.skip("the family has no class_weight")
        texts, labels = ["a film"] * 20, ["pos"] * 18 + ["neg"] * 2
        plain, balanced = (make(class_weight=weight).fit(texts, labels) for weight in (None, "balanced"))
        rare = [model.predict_proba(["a film"])[0, 0] for model in (plain, balanced)]
        assert rare[1] > rare[0]


class TestMultiLabel:
    texts = ("红 圆", "红 方", "蓝 圆", "蓝 方", "圆 红 大", "方 蓝 大", "灰", "灰 灰")
    labels = (["red", "round"], ["red"], ["round"], [], ["round", "red", "red"], [], [], [])

    def test_each_text_gets_a_set_that_may_be_empty(self, make: Any) -> None:
        model = make().fit(self.texts, self.labels)
        assert model.multi_label_
        assert model.classes_.tolist() == ["red", "round"]
        assert [sorted(found) for found in model.predict(["红 圆", "蓝 圆", "灰 灰"])] == [
            ["red", "round"],
            ["round"],
            [],
        ]
        assert model.score(self.texts, [set(row) for row in self.labels]) == 1.0

    def test_probabilities_stand_for_themselves(self, make: Any) -> None:
        chances = make().fit(self.texts, self.labels).predict_proba(["红 圆", "灰 灰", "\ud800", ""])
        assert chances.shape == (4, 2)
        assert ((chances >= 0) & (chances <= 1)).all()
        assert chances[0].sum() > 1 > chances[1].sum()

    def test_a_label_of_all_rows_is_always_predicted(self, make: Any) -> None:
        labels = [["all", *row] for row in self.labels]
        model = make().fit(self.texts, labels)
        assert all("all" in found for found in model.predict(["红 圆", "灰", "蓝"]))

    def test_save_and_load(self, make: Any, tmp_path: Path) -> None:
        model = make().fit(self.texts, self.labels)
        fenlei.save(model, tmp_path / "model")
        loaded = fenlei.load(tmp_path / "model")
        assert loaded.multi_label_
        assert_same_bits(loaded, model, list(self.texts))
        assert loaded.predict(self.texts) == model.predict(self.texts)

    def test_none_to_predict(self, make: Any) -> None:
        assert make().fit(self.texts, self.labels).predict([]) == []

    def test_no_label_anywhere_is_refused(self, make: Any) -> None:
        with pytest.raises(DataError, match="no class at all"):
            make().fit(["a", "b"], [[], []])


class TestSaving:
    @pytest.mark.parametrize("examples", ["chinese", "english", "topics"])
    def test_a_loaded_model_answers_bit_for_bit(self, make: Any, examples: str, request: Any, tmp_path: Path) -> None:
        data = request.getfixturevalue(examples)
        model = make(seed=5).fit(data.texts, data.labels)
        fenlei.save(model, tmp_path / "model")
        loaded = fenlei.load(tmp_path / "model")
        assert type(loaded) is type(model)
        assert_same_bits(loaded, model, data.texts + data.new_texts + ODD_TEXTS)

    def test_settings_come_back_as_they_were(self, quick: Any, english: Any, tmp_path: Path) -> None:
        model = quick(seed=5).fit(english.texts, english.labels)
        fenlei.save(model, tmp_path / "model")
        loaded = fenlei.load(tmp_path / "model")
        assert loaded.get_params() == model.get_params()
        assert repr(loaded) == repr(model)

    @pytest.mark.parametrize("values", [(7, -2), (True, False)], ids=["int", "bool"])
    def test_labels_keep_their_type(self, make: Any, values: tuple[Any, Any], tmp_path: Path) -> None:
        fenlei.save(make().fit(["很好", "很差"], values), tmp_path / "model")
        predicted = fenlei.load(tmp_path / "model").predict(["好", "差"]).tolist()
        assert predicted == list(values)
        assert {type(label) for label in predicted} == {type(values[0])}

    def test_an_unfitted_model_is_refused(self, make: Any, tmp_path: Path) -> None:
        with pytest.raises(NotFittedError):
            fenlei.save(make(), tmp_path / "model")


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score"])
@pytest.mark.parametrize("error", [NotFittedError, ValueError, AttributeError])
def test_use_before_fit_is_refused(make: Any, method: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="not fitted yet; call fit"):
        getattr(make(), method)(*[["a"]] * (2 if method == "score" else 1))


@pytest.mark.parametrize("language", ["chinese", "english"])
def test_learning_goes_on_part_by_part(make: Any, language: str, request: Any) -> None:
    model = _learner_of_parts(make)
    data = request.getfixturevalue(language)
    model.partial_fit(data.texts[::2], data.labels[::2], classes=sorted(set(data.labels)))
    for _ in range(5):
        assert model.partial_fit(data.texts[1::2], data.labels[1::2]) is model
        model.partial_fit(data.texts[::2], data.labels[::2])
    assert model.predict(data.new_texts).tolist() == data.new_labels


def test_the_first_part_must_name_the_classes(make: Any) -> None:
    with pytest.raises(SettingError, match="needs classes="):
        _learner_of_parts(make).partial_fit(["a", "b"], ["x", "y"])


def test_fitting_after_parts_forgets_them(make: Any, chinese: Any, topics: Any) -> None:
    model = _learner_of_parts(make).partial_fit(topics.texts, topics.labels, classes=sorted(set(topics.labels)))
    fresh = _learner_of_parts(make).fit(chinese.texts, chinese.labels)
    assert_same_bits(model.fit(chinese.texts, chinese.labels), fresh, chinese.new_texts)


def test_a_loaded_model_goes_on_where_it_stopped(make: Any, topics: Any, tmp_path: Path) -> None:
    model = _learner_of_parts(make).partial_fit(topics.texts, topics.labels, classes=sorted(set(topics.labels)))
    fenlei.save(model, tmp_path / "model")
    loaded = fenlei.load(tmp_path / "model")
    assert_same_bits(loaded, model, topics.texts)
    for learner in (loaded, model):
        learner.partial_fit(topics.texts[::-1], topics.labels[::-1])
    assert_same_bits(loaded, model, topics.texts)


def test_a_model_trained_by_fit_does_not_silently_begin_again(make: Any, topics: Any) -> None:
    model = _learner_of_parts(make).fit(topics.texts, topics.labels)
    with pytest.raises(SettingError, match="trained by fit"):
        model.partial_fit(topics.texts, topics.labels, classes=sorted(set(topics.labels)))


def _learner_of_parts(make: Any) -> Any:
    model = make()
    if not hasattr(model, "partial_fit"):
        pytest.skip(f"{model.family} does not learn in parts")
    return model.set_params(hash_bits=10) if "hash_bits" in model.get_params() else model


def assert_same_bits(model: Any, other: Any, texts: list[str]) -> None:
    assert model.predict_proba(texts).tobytes() == other.predict_proba(texts).tobytes()


def assert_alike(model: Any, other: Any, texts: list[str]) -> None:
    """Nearly the same; what is counted over texts, such as document frequencies, knows no weights."""
    assert model.predict(texts).tolist() == other.predict(texts).tolist()
    np.testing.assert_allclose(model.predict_proba(texts), other.predict_proba(texts), atol=0.05, rtol=0)


def assert_probabilities(chances: Any, shape: tuple[int, int]) -> None:
    assert chances.shape == shape
    assert ((chances >= 0) & (chances <= 1)).all()
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-9)
