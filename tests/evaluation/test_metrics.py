"""Figures against hand-worked examples and against scikit-learn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as reference

from fenlei._unread import Unread
from fenlei.evaluation.metrics import evaluate, evaluate_scores
from fenlei.exceptions import DataError, SettingError

CLASSES = ["体育", "娱乐", "finance"]


def random_single(n=400, seed=0):
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, n)
    scores = random.dirichlet([0.6, 0.6, 0.6], n)
    scores[np.arange(n), truth] += 0.35
    scores /= scores.sum(axis=1, keepdims=True)
    return scores, [CLASSES[i] for i in truth]


def random_multi(n=400, k=5, seed=1):
    random = np.random.default_rng(seed)
    truth = random.random((n, k)) < np.linspace(0.05, 0.5, k)
    scores = (0.6 * random.random((n, k)) + 0.4 * truth).clip(0, 1)
    names = [f"标签{i}" for i in range(k)]
    return names, scores, [[names[j] for j in np.flatnonzero(row)] for row in truth], truth


class Fixed:
    def __init__(self, classes, scores, multi_label=False):
        self.classes_, self.scores, self.multi_label_ = np.array(classes), scores, multi_label
        self.calls = 0

    def predict_proba(self, texts):
        self.calls += 1
        return np.array(self.scores)[: len(texts)]


def test_hand_worked_single_label():
    # answers: a a b b; truth: a b b a  ->  per class one right, one false alarm, one miss
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    found = evaluate_scores(["a", "b"], scores, ["a", "b", "b", "a"], texts=["t1", "t2", "t3", "t4"])
    assert found.metrics["accuracy"] == 0.5
    assert found.confusion.tolist() == [[1, 1], [1, 1]]
    assert found.per_class["a"].precision == found.per_class["a"].recall == found.per_class["a"].f1 == 0.5
    # pairs of a positive and a negative of class a: (.9 > .8) (.9 > .3) (.4 < .8) (.4 > .3)
    assert found.per_class["a"].roc_auc == 0.75
    assert found.metrics["log_loss"] == pytest.approx(-np.log([0.9, 0.2, 0.7, 0.4]).mean())
    assert found.metrics["brier_loss"] == pytest.approx(2 * (0.1**2 + 0.8**2 + 0.3**2 + 0.6**2) / 4)
    # bins .6, .7, .8, .9 hold one answer each: wrong, right, wrong, right
    assert found.metrics["calibration_error"] == pytest.approx((0.6 + 0.3 + 0.8 + 0.1) / 4)
    assert [(e.text, e.true, e.predicted, e.score, e.row) for e in found.errors] == [
        ("t2", ("b",), ("a",), 0.8, 2),
        ("t4", ("a",), ("b",), 0.6, 4),
    ]
    assert found.histogram.right.sum() == found.histogram.wrong.sum() == 2


def test_single_label_like_scikit_learn():
    scores, targets = random_single()
    found = evaluate_scores(CLASSES, scores, targets).metrics
    given = [CLASSES[i] for i in scores.argmax(axis=1)]
    for average in ("micro", "macro", "weighted"):
        p, r, f, _ = reference.precision_recall_fscore_support(targets, given, average=average)
        assert [found[f"{m}_{average}"] for m in ("precision", "recall", "f1")] == pytest.approx([p, r, f])
    order = np.argsort(CLASSES)  # scikit-learn wants the columns in sorted order
    names = np.array(CLASSES)[order]
    assert found["accuracy"] == reference.accuracy_score(targets, given)
    assert found["log_loss"] == pytest.approx(reference.log_loss(targets, scores[:, order], labels=names))
    auc = reference.roc_auc_score(targets, scores[:, order], multi_class="ovr", labels=names)
    assert found["roc_auc_macro"] == pytest.approx(auc)


def test_confusion_like_scikit_learn():
    scores, targets = random_single()
    given = [CLASSES[i] for i in scores.argmax(axis=1)]
    expected = reference.confusion_matrix(targets, given, labels=CLASSES)
    assert (evaluate_scores(CLASSES, scores, targets).confusion == expected).all()


def test_multi_label_like_scikit_learn():
    names, scores, targets, truth = random_multi()
    found = evaluate_scores(names, scores, targets, multi_label=True)
    given = scores >= 0.5
    for average in ("micro", "macro", "weighted"):
        p, r, f, _ = reference.precision_recall_fscore_support(truth, given, average=average, zero_division=0)
        expected = pytest.approx([p, r, f])
        assert [found.metrics[f"{m}_{average}"] for m in ("precision", "recall", "f1")] == expected
        if average != "weighted":
            auc = reference.roc_auc_score(truth, scores, average=average)
            ap = reference.average_precision_score(truth, scores, average=average)
            areas = [found.metrics[f"{m}_{average}"] for m in ("roc_auc", "average_precision")]
            assert areas == pytest.approx([auc, ap])
    assert found.metrics["accuracy"] == reference.accuracy_score(truth, given)
    assert found.metrics["hamming_loss"] == pytest.approx(reference.hamming_loss(truth, given))
    assert (found.confusion == reference.multilabel_confusion_matrix(truth, given)).all()


def test_multi_label_worst_error_is_the_surest_mistake():
    scores = np.array([[0.9, 0.1], [0.95, 0.02], [0.6, 0.7]])
    found = evaluate_scores(["x", "y"], scores, [["x"], ["x", "y"], []], multi_label=True)
    # text 2 misses y with 1 - 0.02, text 3 has two false alarms, the surer one 0.7
    assert [(e.row, e.score) for e in found.errors] == [(2, 0.98), (3, 0.7)]
    assert found.errors[1].true == () and found.errors[1].predicted == ("x", "y")


def test_labels_the_model_does_not_know_count_as_wrong():
    scores = [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]
    found = evaluate_scores(["a", "b"], scores, ["a", "b", "新类"])
    assert found.metrics["accuracy"] == pytest.approx(2 / 3)
    assert found.classes == ("a", "b", "新类")
    assert found.per_class["新类"].recall == 0 and found.per_class["新类"].roc_auc is None
    assert found.errors[0].true_score is None
    assert any("新类" in warning for warning in found.warnings)


def test_untested_class_has_no_figures_and_no_weight():
    scores = [[0.9, 0.05, 0.05], [0.1, 0.8, 0.1]]
    found = evaluate_scores(["a", "b", "c"], scores, ["a", "b"])
    scores_of_c = found.per_class["c"]
    assert (scores_of_c.precision, scores_of_c.recall, scores_of_c.f1) == (None, None, None)
    assert scores_of_c.f1_interval is None
    assert found.metrics["f1_macro"] == 1.0
    assert any("c" in warning for warning in found.warnings)


@pytest.mark.parametrize("targets", [["a"], ["a", "a"]])
def test_one_class_only_has_no_curves(targets):
    found = evaluate_scores(["a"], np.ones((len(targets), 1)), targets)
    assert found.metrics["roc_auc_macro"] is None and found.roc.by_class == {}
    json.dumps(found.to_dict(), allow_nan=False)


def test_json_is_valid_and_printable():
    scores = [[0.9, 0.1], [0.6, 0.4]]
    found = evaluate_scores(["a\ud800", "b"], scores, ["a\ud800", "b"], texts=["\ud800\x00", "坏\udfff"])
    plain = found.to_dict(errors=True)
    text = json.dumps(plain, allow_nan=False, ensure_ascii=False)
    assert text.encode("utf-8")
    assert {"n", "accuracy", "f1_macro", "f1_micro", "per_class", "intervals"} <= set(plain)
    assert plain["errors"][0]["text"] == "坏\ufffd"
    assert "errors" not in found.to_dict()


def test_model_is_asked_once_and_its_own_rule_decides():
    class Reluctant(Fixed):
        def labels_from_scores(self, scores):
            return [["a"] if row[0] >= 0.9 else [] for row in scores]

    model = Reluctant(["a", "b"], [[0.95, 0.1], [0.6, 0.9]], multi_label=True)
    found = evaluate(model, ["一", "二"], [["a"], []], rows=[2, 3])
    assert model.calls == 1
    assert found.metrics["accuracy"] == 1.0


def test_threshold():
    model = Fixed(["a"], [[0.4], [0.2]], multi_label=True)
    assert evaluate(model, ["一", "二"], [["a"], []], threshold=0.3).metrics["accuracy"] == 1.0
    assert evaluate(model, ["一", "二"], [["a"], []]).metrics["accuracy"] == 0.5


@pytest.mark.parametrize(
    ("texts", "targets", "message"),
    [
        (["一", "二"], None, "needs labels"),
        ([], [], "no texts"),
        (["一", "二"], ["a", None], "row 2"),
        (["一", "二"], [["a"], ["b"]], "one label"),
        (["一"], ["a", "b"], "1 texts but 2 labels"),
        (["一", 2], ["a", "b"], "row 2: expected a text"),
    ],
)
def test_what_cannot_be_measured_is_refused(texts, targets, message):
    with pytest.raises(DataError, match=message):
        evaluate(Fixed(["a", "b"], [[0.9, 0.1], [0.1, 0.9]]), texts, targets)


def test_a_refusal_names_the_row_where_the_text_came_from():
    model = Fixed(["a", "b"], [[0.9, 0.1], [0.1, 0.9]])
    with pytest.raises(DataError, match="row 7: the model needs one label"):
        evaluate(model, ["x", "y"], ["a", ["b"]], rows=[3, 7])
    with pytest.raises(DataError, match="1 rows but 2 labels"):
        evaluate(model, ["x", "y"], ["a", "b"], rows=[3])


def test_scores_of_another_shape_are_refused():
    with pytest.raises(DataError, match="scores of shape"):
        evaluate_scores(["a", "b"], [[1.0]], ["a"])


def test_not_a_number_is_refused():
    with pytest.raises(DataError, match="finite"):
        evaluate_scores(["a", "b"], [[np.nan, 1.0]], ["a"])


def test_same_inputs_same_figures():
    scores, targets = random_single()
    first, second = (evaluate_scores(CLASSES, scores, targets).to_dict() for _ in range(2))
    assert first == second
    assert evaluate_scores(CLASSES, scores, targets, seed=1).to_dict()["intervals"] != first["intervals"]


def test_texts_that_are_read_in_part_are_noted():
    class Short(Fixed):
        def predict_proba(self, texts):
            Unread(len(texts), 1, 7, max_length=3).tell()
            return super().predict_proba(texts)

    found = evaluate(Short(["a", "b"], [[0.9, 0.1], [0.1, 0.9]]), ["短", "很长很长"], ["a", "b"])
    (note,) = (note for note in found.notes if "max_length" in note.en)
    assert note.en == "1 of 2 texts are longer than max_length=3: 7 tokens at their ends are not read"
    assert note.zh.startswith("2 条文本中有 1 条长于 max_length=3")
    assert note.en in found.to_dict()["warnings"]


@pytest.mark.parametrize("seed", [-1, 1.5, True])
def test_a_wrong_seed_is_refused_before_the_model_is_asked(seed):
    model = Fixed(["a", "b"], np.eye(2))
    with pytest.raises(SettingError, match="seed must be a whole number from 0"):
        evaluate(model, ["x", "y"], ["a", "b"], seed=seed)
    assert model.calls == 0
    with pytest.raises(SettingError, match="seed"):
        evaluate_scores(["a", "b"], np.eye(2), ["a", "b"], seed=seed)
