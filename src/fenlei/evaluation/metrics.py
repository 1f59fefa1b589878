"""Measure a classifier on labelled texts: every figure of the report, from one pass over the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fenlei._checks import check_seed, check_texts
from fenlei._unread import Unread, counted
from fenlei.evaluation import _confidence, _counts
from fenlei.evaluation._answers import Answers, FloatArray, Labels, check_targets, encode
from fenlei.evaluation._errors import WrongAnswer, worst_errors
from fenlei.evaluation.curves import CurveSet, make_curves
from fenlei.evaluation.evaluation import ClassScores, Evaluation, Note
from fenlei.evaluation.intervals import Intervals, bootstrap
from fenlei.exceptions import DataError

_FEW = 5


class Classifier(Protocol):
    """What `evaluate` needs of a model; its answers are lists if its ``multi_label_`` is true."""

    classes_: Any

    def predict_proba(self, texts: list[str], /) -> NDArray[Any]:
        """Scores of shape (n_texts, n_classes)."""


def evaluate(
    model: Classifier,
    texts: Sequence[str],
    targets: Labels | None,
    *,
    rows: Sequence[int] | None = None,
    seed: int = 13,
    resamples: int = 1000,
    threshold: float = 0.5,
    n_errors: int = 50,
) -> Evaluation:
    """Score `texts` with `model` and measure the answers against `targets`.

    Parameters
    ----------
    model : Classifier
        Anything with ``classes_`` and ``predict_proba``. The labels are those that its ``labels_from_scores``
        picks, or else the class of the highest score, or for multi-label all classes of at least `threshold`.
    texts : sequence of str
    targets : sequence of str, or of lists of str for a multi-label model
        May hold labels that the model does not know; they count as wrong, and a note says so.
    rows : sequence of int, optional
        Where each text came from; default 1, 2, ...
    seed, resamples : int, default 13 and 1000
        Of the bootstrap intervals.
    threshold : float in [0, 1], default 0.5
    n_errors : int, default 50
        How many of the worst errors to keep.

    Raises
    ------
    DataError
        If there are no texts, a text has no label, or labels are of the wrong kind.
    SettingError
        If `seed` is no whole number from 0.

    Examples
    --------
    >>> import numpy as np
    >>> class Lengthy:
    ...     classes_ = ["long", "short"]
    ...     def predict_proba(self, texts):
    ...         return np.array([[0.9, 0.1] if len(text) > 3 else [0.2, 0.8] for text in texts])
    >>> found = evaluate(Lengthy(), ["好", "非常好吃", "很好"], ["short", "long", "long"])
    >>> found.n, found.n_wrong, found.errors[0].text
    (3, 1, '很好')
    """
    check_seed(seed)
    multi_label = bool(getattr(model, "multi_label_", False))
    texts = check_texts(texts)
    labels = check_targets(targets, multi_label=multi_label, rows=rows)
    _parallel(texts, labels, "texts")
    with counted() as unread:
        scores = np.asarray(model.predict_proba(texts), dtype=float)
    decide = getattr(model, "labels_from_scores", None)
    found = evaluate_scores(
        model.classes_,
        scores,
        labels,
        texts=texts,
        rows=rows,
        predicted=None if decide is None else decide(scores),
        multi_label=multi_label,
        seed=seed,
        resamples=resamples,
        threshold=threshold,
        n_errors=n_errors,
    )
    return replace(found, notes=(*found.notes, *_notes_of_model(unread)))


def evaluate_scores(
    classes: Iterable[str],
    scores: FloatArray,
    targets: Labels | None,
    *,
    texts: Sequence[str] | None = None,
    rows: Sequence[int] | None = None,
    predicted: Labels | None = None,
    multi_label: bool = False,
    seed: int = 13,
    resamples: int = 1000,
    threshold: float = 0.5,
    n_errors: int = 50,
) -> Evaluation:
    """Measure scores that are already there; like `evaluate`, without a model.

    Parameters
    ----------
    classes : iterable of str
        One for each column of `scores`.
    scores : array of shape (n_texts, n_classes)
        Probabilities in [0, 1].
    predicted : sequence like `targets`, optional
        The labels that were given; default: by the highest score, or `threshold` for multi-label.

    Examples
    --------
    >>> found = evaluate_scores(["差", "好"], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], ["差", "好", "好"])
    >>> round(found.metrics["accuracy"], 3), found.per_class["差"].precision, found.confusion.tolist()
    (0.667, 0.5, [[1, 0], [1, 1]])
    """
    check_seed(seed)
    labels = check_targets(targets, multi_label=multi_label, rows=rows)
    matrix = np.asarray(scores, dtype=float)
    answers = encode(classes, matrix, labels, predicted=predicted, multi_label=multi_label, threshold=threshold)
    texts = _parallel(texts, [""] * len(labels), "texts")
    rows = _parallel(rows, range(1, len(labels) + 1), "rows")
    bounds = bootstrap(answers, resamples=resamples, seed=seed)
    return _measure(answers, bounds, worst_errors(answers, texts, rows, n_errors))


def _parallel(values: Sequence[Any] | None, default: Sequence[Any], what: str) -> Sequence[Any]:
    values = default if values is None else values
    if len(values) != len(default):
        raise DataError(f"{len(values)} {what} but {len(default)} labels; there must be one for each")
    return values


def _measure(answers: Answers, bounds: Intervals, errors: tuple[WrongAnswer, ...]) -> Evaluation:
    counts = _counts.count(answers.truth, answers.given)
    roc, precision_recall = make_curves(answers)
    reliability = _confidence.reliability(answers)
    return Evaluation(
        n=len(answers.truth),
        n_wrong=int((~answers.right).sum()),
        multi_label=answers.multi_label,
        classes=answers.classes,
        metrics=_metrics(answers, counts, roc, precision_recall) | {"calibration_error": reliability.error},
        intervals=bounds.overall,
        per_class=_per_class(answers, counts, bounds.f1, roc, precision_recall),
        confusion=_confusion(answers),
        roc=roc,
        precision_recall=precision_recall,
        histogram=_confidence.histogram(answers),
        reliability=reliability,
        errors=errors,
        notes=tuple(_notes(answers)),
    )


def _metrics(
    answers: Answers, counts: _counts.Counts, roc: CurveSet, precision_recall: CurveSet
) -> dict[str, float | None]:
    metrics: dict[str, float | None] = {
        "accuracy": float(answers.right.mean()),
        "baseline_accuracy": _baseline(answers),
    }
    total = counts.total()
    for name, measure in (("precision", _counts.precision), ("recall", _counts.recall), ("f1", _counts.f1)):
        values = measure(counts)
        metrics[f"{name}_micro"] = float(measure(total)[0])
        metrics[f"{name}_macro"] = float(_counts.macro(values, counts))
        metrics[f"{name}_weighted"] = float(_counts.weighted(values, counts))
    for name, curve_set in (("roc_auc", roc), ("average_precision", precision_recall)):
        metrics[f"{name}_micro"] = curve_set.micro.area if curve_set.micro else None
        metrics[f"{name}_macro"] = curve_set.macro.area if curve_set.macro else None
    metrics |= {"log_loss": _confidence.log_loss(answers), "brier_loss": _confidence.brier_loss(answers)}
    return metrics | ({"hamming_loss": float((answers.truth != answers.given).mean())} if answers.multi_label else {})


def _baseline(answers: Answers) -> float:
    """Accuracy of always giving the commonest label, or set of labels."""
    _, times = np.unique(answers.truth, axis=0, return_counts=True)
    return float(times.max() / times.sum())


def _per_class(
    answers: Answers, counts: _counts.Counts, bounds: FloatArray, roc: CurveSet, precision_recall: CurveSet
) -> dict[str, ClassScores]:
    values = zip(_counts.precision(counts), _counts.recall(counts), _counts.f1(counts), strict=True)
    return {
        label: ClassScores(
            support=int(support),
            given=int(given),
            precision=float(precision) if given else None,
            recall=float(recall) if support else None,
            f1=float(f1) if given or support else None,
            f1_interval=None if np.isnan(low) else (float(low), float(high)),
            roc_auc=roc.area(label),
            average_precision=precision_recall.area(label),
        )
        for label, support, given, (precision, recall, f1), (low, high) in zip(
            answers.classes, counts.support, counts.given, values, bounds, strict=True
        )
    }


def _confusion(answers: Answers) -> NDArray[np.int64]:
    truth, given = answers.truth, answers.given
    if answers.multi_label:
        cells = [[~truth & ~given, ~truth & given], [truth & ~given, truth & given]]
        return np.array([[cell.sum(axis=0) for cell in row] for row in cells], dtype=np.int64).transpose(2, 0, 1)
    size = len(answers.classes)
    pairs = truth.argmax(axis=1) * size + given.argmax(axis=1)
    return np.bincount(pairs, minlength=size * size).astype(np.int64).reshape(size, size)


def _notes(answers: Answers) -> Iterable[Note]:
    unseen = answers.classes[answers.n_known :]
    if unseen:
        texts = int(answers.truth[:, answers.n_known :].any(axis=1).sum())
        names = ", ".join(unseen[:10]) + ("…" if len(unseen) > 10 else "")
        yield Note(
            f"{texts} texts have labels that the model does not know, which count as wrong: {names}",
            f"{texts} 条文本的标签是模型不认识的，均计为错误：{names}",
        )
    untested = [answers.classes[column] for column in np.flatnonzero(~np.any(answers.truth, axis=0))]
    if untested:
        names = ", ".join(untested[:10]) + ("…" if len(untested) > 10 else "")
        yield Note(f"no test text has these labels: {names}", f"测试数据中没有这些标签：{names}")
    wrong = int((~answers.right).sum())
    if min(wrong, len(answers.right) - wrong) < _FEW:
        yield Note(
            f"only {wrong} wrong and {len(answers.right) - wrong} right answers: too few for the intervals, "
            "which come out too narrow",
            f"仅有 {wrong} 个错误、{len(answers.right) - wrong} 个正确答案，数量太少，置信区间会偏窄",
        )


def _notes_of_model(unread: Unread) -> Iterable[Note]:
    if unread.n_texts:
        yield Note(str(unread), unread.in_chinese())
