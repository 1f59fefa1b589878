"""Every family works inside scikit-learn's tools, with plain lists of strings; warnings are errors here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score, learning_curve
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from fenlei.clean.cleaner import Cleaner


def test_clone_copies_settings_and_forgets_what_was_learned(make: Any, english: Any) -> None:
    copied = clone(make(seed=5).fit(english.texts, english.labels))
    assert copied.get_params() == make(seed=5).get_params()
    assert not hasattr(copied, "classes_")
    assert copied.fit(english.texts, english.labels).predict(english.new_texts).tolist() == english.new_labels


def test_is_known_as_a_classifier_and_whether_it_is_fitted(quick: Any, english: Any) -> None:
    model = quick()
    assert is_classifier(model)
    with pytest.raises(ValueError, match="not fitted"):
        check_is_fitted(model)
    check_is_fitted(model.fit(english.texts, english.labels))


def test_pipeline_passes_texts_and_weights(make: Any) -> None:
    pipeline = Pipeline([("clean", Cleaner()), ("model", make())])
    texts, labels = ["<b>same text</b>"] * 2 + ["other words"], ["a", "b", "a"]
    pipeline.fit(texts, labels, model__sample_weight=[1, 9, 1])
    assert pipeline.predict(["same text"]).tolist() == ["b"]
    assert pipeline.set_params(model__seed=5).named_steps["model"].seed == 5
    assert type(pipeline[-1]).__name__ in pipeline._repr_html_()


def test_grid_search(make: Any, topics: Any) -> None:
    search = GridSearchCV(make(), {"seed": [1, 2]}, cv=2)
    search.fit(topics.texts, topics.labels)
    assert search.best_params_["seed"] in (1, 2)
    assert search.predict(topics.new_texts).tolist() == topics.new_labels


def test_cross_validation(quick: Any, chinese: Any) -> None:
    assert cross_val_score(quick(), chinese.texts, chinese.labels, cv=2).shape == (2,)
    assert cross_val_predict(quick(), chinese.texts, chinese.labels, cv=2).shape == (10,)
    chances = cross_val_predict(quick(), chinese.texts, chinese.labels, cv=2, method="predict_proba")
    np.testing.assert_allclose(chances.sum(axis=1), 1)


def test_learning_curve(quick: Any, chinese: Any) -> None:
    texts, labels = chinese.texts[::5] + chinese.texts, chinese.labels[::5] + chinese.labels
    sizes, train, _ = learning_curve(quick(), texts, labels, cv=2, train_sizes=[1.0])
    assert sizes.tolist() == [6]
    assert train.shape == (1, 2)


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_voting(make: Any, english: Any, voting: str) -> None:
    vote = VotingClassifier([("a", make(seed=1)), ("b", make(seed=2))], voting=voting)
    assert vote.fit(english.texts, english.labels).predict(english.new_texts).tolist() == english.new_labels


def test_stacking(quick: Any, english: Any) -> None:
    stack = StackingClassifier([("a", quick(seed=1)), ("b", quick(seed=2))], LogisticRegression(C=100), cv=2)
    assert stack.fit(english.texts, english.labels).predict(english.new_texts).shape == (4,)


def test_bagging_whose_texts_scikit_learn_wants_as_one_column(make: Any, english: Any) -> None:
    column = np.array(english.texts * 2, dtype=object)[:, None]
    bag = BaggingClassifier(make(), n_estimators=3, random_state=0).fit(column, english.labels * 2)
    assert bag.predict(np.array(english.new_texts, dtype=object)[:, None]).tolist() == english.new_labels


def test_calibration(quick: Any, english: Any) -> None:
    calibrated = CalibratedClassifierCV(quick(), cv=2).fit(english.texts, english.labels)
    chances = calibrated.predict_proba(english.new_texts)
    np.testing.assert_allclose(chances.sum(axis=1), 1)


def test_one_against_the_rest(make: Any, topics: Any) -> None:
    model = OneVsRestClassifier(make()).fit(topics.texts, topics.labels)
    assert model.predict(topics.new_texts).tolist() == topics.new_labels
