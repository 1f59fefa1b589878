r"""Distillation: a small network learns to answer as a trained model does, from texts with or without labels.

A student with logits z learns the teacher's probabilities p, both softened by a temperature T:

.. math:: \mathcal{L} = -T^2 \sum_k \operatorname{soft}_T(p)_k \log \operatorname{softmax}(z / T)_k

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015. Of an encoder by a small network over word
vectors, with more texts made of the given ones: Tang, Lu, Liu, Mou, Vechtomova, Lin, "Distilling Task-Specific
Knowledge from BERT into Simple Neural Networks", 2019.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fenlei._checks import check_value
from fenlei.compress.teaching import Labelled, check_truth, make_lesson
from fenlei.exceptions import SettingError
from fenlei.families import find_family

if TYPE_CHECKING:
    from fenlei.base import TextClassifier
    from fenlei.engine.recipe import Run

_STUDENT = "textcnn"
_LONGER = 2.5  # times the epochs that the family takes from labels: probabilities are harder to learn by heart
_DROPOUT, _EASIER = ("dropout", "embedding_dropout"), 0.5  # nor need it be made harder
_MOST_MADE, _ENOUGH = 5, 30_000  # texts made of each, and texts with which no more are made
_PIECE = (0.3, 0.8)  # share of a text that is cut out


def distill(
    teacher: TextClassifier, *, train: Labelled | None = None, texts: Sequence[str] = (), seed: int = 13,
    run: Run | None = None, student: str = _STUDENT, temperature: float = 2.0, truth: float = 0.0,
    augment: int | None = None, **settings: Any,
) -> TextClassifier:  # fmt: skip
    """Train a student on a teacher's answers.

    Parameters
    ----------
    teacher : TextClassifier
        Trained, of any family.
    train : (texts, labels), optional
    texts : sequence of str, optional
        Texts without labels: the more, the better, if they are of the kind that will be scored.
    seed : int, default=13
        Of the student, and of what is cut and mixed.
    run : Run, optional
    student : str, default="textcnn"
        Family of the new model: one that learns in epochs.
    temperature : float, default=2.0
        Above 1 the probabilities of unlikely classes are heard more.
    truth : float, default=0.0
        Share of the label in what is learned of a labelled text, 0 to 1; the rest is the teacher's answer.
    augment : int or None, default=None
        Texts made of each given text: by cutting out a piece, or joining pieces of two. None is up to 5, as long as
        there are some 30,000 texts together.
    **settings
        Of the student; those that are not given are the family's defaults, but for 2.5 times as many epochs and half as
        much dropout.

    Raises
    ------
    SettingError
        When there are no texts, or the family cannot learn from probabilities, or has no such setting, or an option is
        out of its range; all before the teacher is asked.
    NotFittedError
        When the teacher is not trained.

    Examples
    --------
    >>> import fenlei
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> teacher = fenlei.TfidfClassifier().fit(texts, ["good", "good", "bad", "bad"])
    >>> small = distill(teacher, texts=texts, temperature=1.0, epochs=60, dim=16, filters=8)
    >>> small.predict(texts).tolist()
    ['good', 'good', 'bad', 'bad']
    """
    teacher._check_fitted("classes_")
    check_value("temperature", temperature, above=0)
    check_truth(truth)
    pupil = _make(student, {"seed": seed} | settings)
    given = [*(train[0] if train else ()), *texts]
    if not given:
        raise SettingError("a student learns from texts, and there are none; give labelled ones or others")
    times = min(_MOST_MADE, max(0, _ENOUGH // len(given) - 1)) if augment is None else augment
    made = made_texts(given, times, seed=seed)
    lesson = make_lesson(teacher, train, [*texts, *made], truth=truth, run=run)
    learned: TextClassifier = pupil.learn_from(
        lesson.texts, lesson.probabilities, teacher.classes_, multi_label=teacher.multi_label_,
        temperature=temperature, run=run,
    )  # fmt: skip
    return learned


def student_settings(options: Mapping[str, Any]) -> list[str]:
    """Name the settings of the student that the options of a distillation choose."""
    kind = find_family(str(options.get("student", _STUDENT)))
    return [name for name in kind.parameter_names() if name != "seed"]


def made_texts(texts: Sequence[str], times: int, *, seed: int = 13) -> list[str]:
    """Make texts of given ones: pieces cut out, and two pieces joined, by turns.

    A piece begins and ends at a space in texts with spaces, else anywhere.

    Parameters
    ----------
    texts : sequence of str
    times : int
        How many texts are made of each.
    seed : int

    Examples
    --------
    >>> made_texts(["a warm and funny film", "很好看的电影"], 1)
    ['warm and funny film', '好看的电影']
    """
    check_value("augment", times, least=0, whole=True)
    rng = np.random.default_rng(seed)
    made = []
    for turn in range(times):
        partners = rng.permutation(len(texts))
        for text, partner in zip(texts, partners, strict=True):
            pieces = [text] if turn % 2 == 0 else [text, texts[partner]]
            made.append(_joined([_piece(one, rng) for one in pieces]))
    return made


def _joined(pieces: list[str]) -> str:
    return (" " if any(" " in piece for piece in pieces) else "").join(pieces)


def _piece(text: str, rng: np.random.Generator) -> str:
    words = text.split()
    parts, joint = (words, " ") if len(words) > 2 else (list(text), "")
    length = math.ceil(rng.uniform(*_PIECE) * len(parts))
    begin = int(rng.integers(0, len(parts) - length + 1))
    return joint.join(parts[begin : begin + length])


def _make(student: str, settings: dict[str, Any]) -> Any:
    kind: Any = find_family(student)
    if not hasattr(kind, "learn_from"):
        raise SettingError(f"a {student} does not learn from probabilities; choose a network or an encoder as student")
    made = kind()
    defaults: dict[str, Any] = {name: _EASIER * getattr(made, name) for name in _DROPOUT if hasattr(made, name)}
    if isinstance(made.epochs, int):
        defaults["epochs"] = round(_LONGER * made.epochs)
    made.set_params(**(defaults | settings)).check_settings()
    return made
