from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from fenlei.exceptions import SettingError
from fenlei.features.ngrams import NgramCounts
from fenlei.models.nbsvm import NbsvmClassifier


def test_equals_a_linear_svm_over_log_count_ratios(english: Any) -> None:
    counts = NgramCounts(ngrams=(1, 2), char_ngrams=None)
    present = (counts.fit_transform(english.texts).toarray() > 0).astype(float)
    positive = np.array(english.labels) == "pos"
    p, q = 1 + present[positive].sum(axis=0), 1 + present[~positive].sum(axis=0)
    ratios = np.log((p / p.sum()) / (q / q.sum()))
    rows = present / np.linalg.norm(present, axis=1, keepdims=True)
    theirs = LinearSVC(C=2.0, tol=1e-9, max_iter=1_000_000, random_state=0).fit(rows * ratios, positive)
    ours = NbsvmClassifier(C=2.0, ngrams=(1, 2), char_ngrams=None, tolerance=1e-4).fit(english.texts, english.labels)
    assert ours.features_.vocabulary_ == counts.vocabulary_
    np.testing.assert_allclose(ours.linear_.weights[:, 0], theirs.coef_[0] * ratios, atol=1e-3)
    np.testing.assert_allclose(ours.linear_.bias, theirs.intercept_, atol=1e-3)


def test_beta_leads_from_naive_bayes_directions_to_the_svm(english: Any) -> None:
    def weights(beta: float) -> Any:
        return NbsvmClassifier(beta=beta).fit(english.texts, english.labels).linear_.weights[:, 0]

    bayes, middle, svm = (weights(beta) for beta in (0, 0.25, 1))
    np.testing.assert_allclose(middle, 0.75 * bayes + 0.25 * svm, rtol=1e-4, atol=1e-6)
    assert abs(np.corrcoef(bayes, svm)[0, 1]) > 0.5
    assert not np.allclose(bayes, svm)


@pytest.mark.parametrize("beta", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("examples", ["chinese", "english", "topics"])
def test_learns_with_any_beta(beta: float, examples: str, request: Any) -> None:
    data = request.getfixturevalue(examples)
    model = NbsvmClassifier(beta=beta).fit(data.texts, data.labels)
    assert model.predict(data.new_texts).tolist() == data.new_labels


@pytest.mark.parametrize("settings", [{"beta": -0.1}, {"beta": 1.1}, {"beta": "1"}, {"C": 0}, {"smoothing": 0}])
def test_settings_out_of_range_are_refused_by_fit(settings: dict[str, Any], english: Any) -> None:
    with pytest.raises(SettingError, match=next(iter(settings))):
        NbsvmClassifier(**settings).fit(english.texts, english.labels)
