"""Why did a text get its label? The methods by name, and the one function that applies them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fenlei._checks import check_texts
from fenlei.exceptions import SettingError, UnknownNameError
from fenlei.explain.exact import ExactExplainer
from fenlei.explain.explainer import Explainer
from fenlei.explain.explanation import Explanation, Segment
from fenlei.explain.occlusion import OcclusionExplainer
from fenlei.explain.reading import Reader, Reading
from fenlei.explain.segments import default_segmenter, find_segments, merge_neighbours
from fenlei.segment.registry import make_segmenter
from fenlei.segment.segmenter import Segmenter

if TYPE_CHECKING:
    from fenlei.base import TextClassifier
    from fenlei.features._types import F64

METHODS: Mapping[str, type[Explainer]] = {kind.name: kind for kind in (ExactExplainer, OcclusionExplainer)}
"""Best first: "auto" is the first that knows the model."""
AUTO = "auto"


def explain(
    model: TextClassifier,
    texts: Sequence[str],
    *,
    label: Any = None,
    method: str = AUTO,
    segmenter: Segmenter | str | None = None,
) -> list[Explanation]:
    """Tell how much each segment of a text speaks for its label.

    Segments are words of the cleaned text, at their places in the text as it was given.

    Parameters
    ----------
    model : TextClassifier
        Trained, of any family.
    texts : sequence of str
    label : str or int, optional
        The class to explain; if None the predicted one.
    method : {"auto", "exact", "occlusion"}, default="auto"
        ``exact`` is for linear and folded models, see `fenlei.explain.exact`; ``occlusion`` for all, see
        `fenlei.explain.occlusion`; ``auto`` is ``exact`` where it can be had.
    segmenter : Segmenter or name of one, optional
        What a segment is; if None Chinese words by jieba, words of other scripts, and punctuation.

    Returns
    -------
    list of Explanation
        One a text, in order. Of a multi-label model without `label` one for each predicted label, the likeliest first,
        or for the likeliest label where none is predicted.

    Raises
    ------
    UnknownNameError
        When there is no such label or method.
    SettingError
        When the method is not for this model, or the texts are one string.
    DataError
        When a text is no string.

    Examples
    --------
    >>> import fenlei
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> model = fenlei.TfidfClassifier().fit(texts, ["good", "good", "bad", "bad"])
    >>> (found,) = explain(model, ["<p>房间真脏！</p>"])
    >>> found.label, found.method, [(s.text, s.start, round(s.weight, 1)) for s in found.segments]
    ('bad', 'exact', [('房间', 3, 0.0), ('真脏', 5, 0.1), ('！', 7, 0.0)])
    """
    texts = check_texts(texts)
    explainer = _explainer(model, method)
    reader = Reader(getattr(model, "preparation_", None))
    cut = make_segmenter(segmenter) if isinstance(segmenter, str) else segmenter or default_segmenter(reader.segmenter)
    chosen = None if label is None else [_column(model, label)]
    scores = model.predict_proba(texts)
    found: list[Explanation] = []
    for text, row in zip(texts, scores, strict=True):
        classes = chosen or _predicted(row, multi_label=model.multi_label_)
        found += _explain_one(explainer, reader.read(text), cut, classes, row)
    return found


def _explainer(model: TextClassifier, method: str) -> Explainer:
    if method not in (AUTO, *METHODS):
        raise UnknownNameError("method", str(method), (AUTO, *METHODS))
    if method == AUTO:
        return next(kind for kind in METHODS.values() if kind.explains(model))(model)
    if not METHODS[method].explains(model):
        others = " or ".join(name for name, kind in METHODS.items() if kind.explains(model))
        raise SettingError(f"method {method!r} is not for the family {model.family!r}; take {others}")
    return METHODS[method](model)


def _column(model: TextClassifier, label: Any) -> int:
    """Find a label, written as the command line writes it or as it is."""
    classes = [str(name) for name in model.classes_.tolist()]
    if str(label) not in classes:
        raise UnknownNameError("label", str(label), classes)
    return classes.index(str(label))


def _predicted(row: F64, *, multi_label: bool) -> list[int]:
    order: list[int] = (-row).argsort(kind="stable").tolist()
    return [k for k in order if multi_label and row[k] >= 0.5] or order[:1]


def _explain_one(
    explainer: Explainer, reading: Reading, segmenter: Segmenter, classes: list[int], row: F64
) -> list[Explanation]:
    spans, size = find_segments(reading.alignment, segmenter), 1
    if explainer.most_segments is not None:
        spans, size = merge_neighbours(spans, explainer.most_segments)
    weights = explainer.weigh(reading, spans, classes)
    text, labels = reading.alignment.original, explainer.model.classes_.tolist()
    found = []
    for k, base, column in zip(classes, weights.base.tolist(), weights.segments.T.tolist(), strict=True):
        segments = tuple(Segment(text[a:b], a, b, weight) for (a, b), weight in zip(spans, column, strict=True))
        found.append(Explanation(text, labels[k], explainer.name, float(row[k]), base, segments, size))
    return found
