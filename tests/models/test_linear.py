"""The solver against LIBLINEAR, naive Bayes against scikit-learn's, the rest against arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.svm import LinearSVC

from fenlei.exceptions import SettingError
from fenlei.models import _linear
from fenlei.models._linear import LinearModel, log_count_ratios, naive_bayes, row_costs, signs_of, take, train
from fenlei.targets import Targets


def liblinear(loss: str, C: float, X: Any, signs: Any, costs: Any = None) -> tuple[Any, Any]:
    """Weights (n_columns, n_problems) and bias, one problem after another."""
    if loss == "logistic":
        make = LogisticRegression(solver="liblinear", C=C, tol=1e-9, max_iter=100_000)
    else:
        make = LinearSVC(C=C, tol=1e-9, max_iter=1_000_000, dual=True, random_state=0)
    solved = [
        make.fit(X, column, sample_weight=costs) and (make.coef_[0].copy(), make.intercept_[0].copy())
        for column in signs.T
    ]
    return np.array([weights for weights, _ in solved]).T, np.array([bias for _, bias in solved])


@pytest.mark.parametrize("loss", ["squared_hinge", "logistic"])
@pytest.mark.parametrize("C", [0.1, 1.0, 10.0])
class TestSolver:
    def test_equals_liblinear(self, problem: Any, loss: str, C: float) -> None:
        signs = signs_of(problem.targets.indicator, exclusive=True)
        model = train(problem.training(signs, loss=loss, C=C), calibrate=False, exclusive=True)
        assert_close(model, *liblinear(loss, C, problem.X, signs))

    def test_equals_liblinear_with_costs_of_rows(self, problem: Any, loss: str, C: float) -> None:
        signs = signs_of(problem.targets.indicator, exclusive=True)
        cost = np.random.default_rng(5).choice([0, 0.3, 1, 2.5], len(problem.y))
        costs = np.repeat(cost[:, None], signs.shape[1], axis=1)
        model = train(problem.training(signs, loss=loss, C=C, costs=costs), calibrate=False, exclusive=True)
        assert_close(model, *liblinear(loss, C, problem.X[cost > 0], signs[cost > 0], cost[cost > 0]))

    def test_prior_variances_are_scales_of_the_features(self, problem: Any, loss: str, C: float) -> None:
        signs = signs_of(problem.targets.indicator, exclusive=True)
        variances = np.random.default_rng(6).uniform(0.1, 3, (problem.X.shape[1], signs.shape[1])).astype(np.float32)
        training = problem.training(signs, loss=loss, C=C, prior=lambda costs: variances)
        model = train(training, calibrate=False, exclusive=True)
        scales = np.sqrt(variances)
        alone = [liblinear(loss, C, problem.X * scales[:, k], signs[:, [k]]) for k in range(signs.shape[1])]
        weights = np.hstack([weights for weights, _ in alone]) * scales
        assert_close(model, weights, np.concatenate([bias for _, bias in alone]))


def test_the_number_of_threads_changes_nothing(problem: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    signs = signs_of(problem.targets.indicator, exclusive=True)
    models = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(_linear, "n_threads", lambda threads=threads: threads)
        models.append(train(problem.training(signs, tolerance=0.1), calibrate=True, exclusive=True))
    for other in models[1:]:
        np.testing.assert_array_equal(other.weights, models[0].weights)
        np.testing.assert_array_equal(other.bias, models[0].bias)


class TestCalibration:
    def test_leaves_the_best_class_the_best(self, many_rows: Any) -> None:
        model = self.trained(many_rows)
        scores = model.scores(many_rows.rows)
        chances = model.probabilities(many_rows.rows, exclusive=True)
        assert model.slope > 0
        np.testing.assert_array_equal(chances.argmax(axis=1), scores.argmax(axis=1))
        np.testing.assert_allclose(chances.sum(axis=1), 1)

    def test_promises_what_is_kept(self, many_rows: Any) -> None:
        chances = self.trained(many_rows).probabilities(many_rows.rows, exclusive=True)
        accuracy = (chances.argmax(axis=1) == many_rows.y).mean()
        assert chances.max(axis=1).mean() == pytest.approx(accuracy, abs=0.06)

    def test_is_near_the_slope_of_least_loss_on_new_rows(self, many_rows: Any) -> None:
        first, second = np.arange(0, 1200, 2), np.arange(1, 1200, 2)
        half = many_rows._replace(rows=take(many_rows.rows, first), X=many_rows.X[first], y=many_rows.y[first])
        model = self.trained(half)
        scores = model.scores(take(many_rows.rows, second))

        def loss(slope: float) -> float:
            linked = LinearModel(model.weights, model.bias, slope=slope, shift=model.shift)
            chances = linked.link_scores(scores, exclusive=True)
            return float(-np.log(chances[np.arange(600), many_rows.y[second]]).mean())

        assert loss(model.slope) < min(loss(slope) for slope in (0.5, 1, 2, 3, 4, 6, 8)) + 0.02

    def test_takes_rows_with_all_their_copies(self, many_rows: Any) -> None:
        copied = self.repeated(many_rows, 3)
        held = _linear._hold_out(copied.training(self.signs(copied)), np.arange(0, 3600, 2))
        assert (len(held), set(held % 2)) == (180, {0})
        left = np.setdiff1d(np.arange(0, 3600, 2), held)
        assert not {row.tobytes() for row in copied.X[held]} & {row.tobytes() for row in copied.X[left]}

    def test_copies_of_a_few_rows_take_the_fixed_slope(self, problem: Any) -> None:
        assert self.trained(self.repeated(problem, 20)).slope == 3.0

    def test_few_rows_take_the_fixed_slope(self, problem: Any) -> None:
        assert (self.trained(problem).slope, self.trained(problem).shift) == (3.0, 0.0)

    def repeated(self, problem: Any, times: int) -> Any:
        chosen = np.tile(np.arange(len(problem.y)), times)
        return problem._replace(rows=take(problem.rows, chosen), X=problem.X[chosen], y=problem.y[chosen])

    def signs(self, problem: Any) -> Any:
        return signs_of(problem.targets.indicator, exclusive=True)

    def trained(self, problem: Any) -> LinearModel:
        return train(problem.training(self.signs(problem), tolerance=0.1), calibrate=True, exclusive=True)


class TestProbabilities:
    def model(self, n_problems: int, **changes: Any) -> LinearModel:
        return LinearModel(np.zeros((0, n_problems), np.float32), np.zeros(n_problems, np.float32), **changes)

    def test_of_two_exclusive_classes(self) -> None:
        chances = self.model(1, slope=2.0).link_scores(np.array([[0.0], [1.0]]), exclusive=True)
        np.testing.assert_allclose(chances, [[0.5, 0.5], [1 / (1 + np.exp(2)), 1 / (1 + np.exp(-2))]])

    def test_of_labels_that_stand_for_themselves(self) -> None:
        chances = self.model(2, shift=1.0).link_scores(np.array([[-1.0, 0.0]]), exclusive=False)
        np.testing.assert_allclose(chances, [[0.5, 1 / (1 + np.exp(-1))]])

    def test_of_three_exclusive_classes_are_shares(self) -> None:
        logistic = 1 / (1 + np.exp(-np.array([1.0, 0.0, -2.0])))
        chances = self.model(3).link_scores(np.array([[1.0, 0.0, -2.0]]), exclusive=True)
        np.testing.assert_allclose(chances, [logistic / logistic.sum()])

    def test_softmax(self) -> None:
        chances = self.model(2, link="softmax").link_scores(np.array([[1000.0, 1000 + np.log(3)]]), exclusive=True)
        np.testing.assert_allclose(chances, [[0.25, 0.75]])

    @pytest.mark.parametrize("size", [1e3, -1e3])
    @pytest.mark.parametrize("exclusive", [True, False])
    def test_of_huge_scores_are_numbers(self, size: float, exclusive: bool) -> None:
        scores = np.array([[size, size + 1, size]], np.float32)
        chances = self.model(3).link_scores(scores, exclusive=exclusive)
        assert np.isfinite(chances).all()
        assert ((chances >= 0) & (chances <= 1)).all()
        if exclusive:
            np.testing.assert_allclose(chances.sum(), 1)


class TestNaiveBayes:
    @pytest.mark.parametrize("smoothing", [0.1, 1.0])
    def test_equals_scikit_learn(self, problem: Any, smoothing: float) -> None:
        weights = np.random.default_rng(7).uniform(0.2, 3, len(problem.y))
        costs = np.repeat(weights[:, None], len(problem.targets.indicator.T), axis=1)
        ours = naive_bayes(problem.rows, problem.X.shape[1], problem.targets, costs, smoothing)
        theirs = MultinomialNB(alpha=smoothing).fit(problem.X, problem.y, sample_weight=weights)
        np.testing.assert_allclose(ours.weights, theirs.feature_log_prob_.T, atol=1e-5)
        np.testing.assert_allclose(ours.bias, theirs.class_log_prior_, atol=1e-5)
        expected = theirs.predict_proba(problem.X)
        np.testing.assert_allclose(ours.probabilities(problem.rows, exclusive=True), expected, atol=1e-5)

    def test_sets_each_of_many_labels_against_its_absence(self, problem: Any) -> None:
        indicator = np.column_stack([problem.y == 0, np.arange(len(problem.y)) % 3 > 0])
        targets = Targets(indicator, multi_label=True)
        model = naive_bayes(problem.rows, problem.X.shape[1], targets, np.ones(indicator.shape), 1.0)
        chances = model.probabilities(problem.rows, exclusive=False)
        for k in range(2):
            expected = MultinomialNB().fit(problem.X, indicator[:, k]).predict_proba(problem.X)[:, 1]
            np.testing.assert_allclose(chances[:, k], expected, atol=1e-5)


class TestLogCountRatios:
    rows = _linear.Rows(
        np.array([0, 2, 3, 4]), np.array([0, 1, 0, 1], np.int32), np.array([0.7, 0.7, 1, 1], np.float32)
    )  # texts "a b", "a", "b"
    signs = np.array([[1], [1], [-1]], np.int8)

    def test_by_hand(self) -> None:
        ratios = log_count_ratios(self.rows, 2, self.signs, np.ones((3, 1)), smoothing=1.0)
        p, q = np.array([1 + 2, 1 + 1]), np.array([1 + 0, 1 + 1])
        np.testing.assert_allclose(ratios[:, 0], np.log((p / 5) / (q / 3)), rtol=1e-6)

    def test_by_hand_with_weights(self) -> None:
        weights = np.array([[2.0], [0.0], [0.5]])
        ratios = log_count_ratios(self.rows, 2, self.signs, weights, smoothing=0.5)
        p, q = np.array([2.5, 2.5]), np.array([0.5, 1.0])
        np.testing.assert_allclose(ratios[:, 0], np.log((p / 5) / (q / 1.5)), rtol=1e-6)

    def test_of_two_classes_are_opposite(self) -> None:
        both = np.hstack([self.signs, -self.signs])
        ratios = log_count_ratios(self.rows, 2, both, np.ones((3, 2)), smoothing=1.0)
        np.testing.assert_allclose(ratios[:, 0], -ratios[:, 1], rtol=1e-6)


class TestCosts:
    classes = np.array(["a", "b"])

    def test_balanced_classes_count_the_same_in_sum(self) -> None:
        targets = Targets(np.array([[1, 0]] * 3 + [[0, 1]], bool), multi_label=False)
        costs = row_costs(targets, self.classes, np.ones(4), "balanced")
        assert costs[:3, 0].sum() == pytest.approx(costs[3, 0]) == pytest.approx(2)

    def test_given_weights_multiply_those_of_the_rows(self) -> None:
        targets = Targets(np.array([[1, 0], [0, 1]], bool), multi_label=False)
        costs = row_costs(targets, self.classes, np.array([1.0, 2.0]), {"b": 3})
        assert costs.tolist() == [[1, 1], [6, 6]]

    def test_of_many_labels_lift_their_own_rows_only(self) -> None:
        targets = Targets(np.array([[1, 0], [1, 1]], bool), multi_label=True)
        assert row_costs(targets, self.classes, np.ones(2), {"b": 3}).tolist() == [[1, 1], [1, 3]]

    @pytest.mark.parametrize("setting", ["even", {"c": 1}, {"a": 0}, {"a": "2"}, 2])
    def test_wrong_class_weights_are_refused(self, setting: Any) -> None:
        targets = Targets(np.array([[1, 0], [0, 1]], bool), multi_label=False)
        with pytest.raises(SettingError, match="class_weight"):
            row_costs(targets, self.classes, np.ones(2), setting)


def test_signs_of_two_exclusive_classes_are_one_problem() -> None:
    indicator = np.array([[1, 0], [0, 1]], bool)
    assert signs_of(indicator, exclusive=True).tolist() == [[-1], [1]]
    assert signs_of(indicator, exclusive=False).tolist() == [[1, -1], [-1, 1]]


def test_take_picks_rows_in_any_order(problem: Any) -> None:
    chosen = np.array([5, 30, 2, 30, 59])  # 30 is empty
    taken = take(problem.rows, chosen).csr(problem.X.shape[1]).toarray()
    np.testing.assert_array_equal(taken, problem.X[chosen])


def assert_close(model: LinearModel, weights: Any, bias: Any) -> None:
    """Within a thousandth of the largest weight."""
    size = np.abs(weights).max()
    np.testing.assert_allclose(model.weights, weights, atol=1e-3 * size, rtol=0)
    np.testing.assert_allclose(model.bias, bias, atol=1e-3 * max(size, 1), rtol=0)
