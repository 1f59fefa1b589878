"""The whole road in one call: read, mend, audit, split, fit, measure, report, save."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fenlei._processes import is_first_process
from fenlei.data.dataset import Dataset
from fenlei.data.label_kind import with_label_kind
from fenlei.data.repair import Repairs, repair
from fenlei.data.split import split
from fenlei.engine.recipe import Run
from fenlei.exceptions import DataError, SettingError
from fenlei.families import find_family
from fenlei.persistence import check_replaceable
from fenlei.train.saving import save_trained
from fenlei.train.unfinished import Unfinished, check_logs, check_resumable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fenlei.base import TextClassifier
    from fenlei.data.audit import Audit
    from fenlei.evaluation.evaluation import Evaluation

_CURVE = (0.1, 0.25, 0.5)  # shares of the training texts; the whole is measured anyway
_FEWEST_FOR_CURVE = 200
_FEW = 50  # texts on which a share is uncertain by ten points and more


@dataclass(frozen=True)
class TrainPlan:
    """What to train and how; everything but the data.

    Attributes
    ----------
    model : str, default "tfidf"
        Model family.
    settings : mapping
        Hyper-parameters that differ from the family's defaults; a dotted name reaches into a dictionary.
    repairs : Repairs
        What to mend in the data first.
    fraction : float, default 0.1
        Share of the training texts to measure on when no validation set is given.
    refit : bool, default True
        Whether to learn from those texts too, after they have been measured on.
    audit : bool, default True
        Whether the report has this section.
    learning_curve : bool or None, default None
        Whether the report has this section, for which models are trained on parts of the texts; None is yes, but for
        families that train in epochs no.
    seed : int, default 13
    command : str
        What to type to do this again, for the report.
    """

    model: str = "tfidf"
    settings: Mapping[str, Any] = field(default_factory=dict)
    repairs: Repairs = field(default_factory=Repairs)
    fraction: float = 0.1
    refit: bool = True
    audit: bool = True
    learning_curve: bool | None = None
    seed: int = 13
    command: str = ""


@dataclass(frozen=True)
class Trained:
    """A trained model and what was measured on the way.

    Attributes
    ----------
    model : TextClassifier
    folder : Path or None
        Where it was saved.
    validation, test : Evaluation or None
    n_train : int
        Texts the model learned from.
    seconds : dict of str to float
        How long each step took.
    messages : tuple of str
        What the user should know: warnings of the reader, repairs, texts that were cut.
    history : tuple of dict
        Loss and accuracy of each epoch of the fit that was measured; empty for families without epochs.
    """

    model: TextClassifier
    folder: Path | None
    validation: Evaluation | None
    test: Evaluation | None
    n_train: int
    seconds: dict[str, float]
    messages: tuple[str, ...]
    history: tuple[dict[str, float], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "model": None if self.folder is None else str(self.folder),
            "family": self.model.family,
            "language": getattr(self.model, "language_", None),
            "classes": [str(label) for label in self.model.classes_.tolist()],
            "n_train": self.n_train,
            "seconds": round(sum(self.seconds.values()), 3),
            "steps": self.seconds,
            "validation": None if self.validation is None else self.validation.to_dict(),
            "test": None if self.test is None else self.test.to_dict(),
            "history": list(self.history),
            "messages": list(self.messages),
        }


def train_model(
    train: Dataset,
    *,
    valid: Dataset | None = None,
    test: Dataset | None = None,
    plan: TrainPlan | None = None,
    out: str | Path | None = None,
    progress: Callable[[str], None] = lambda step: None,
    run: Run | None = None,
) -> Trained:
    """Train a model on labelled texts, measure it, and save it with its report.

    Without `valid`, a seeded stratified part of `train` is held out, copies of a text staying together; when it has
    been measured, the model learns from it too, so that nothing is wasted: a family that trains in epochs begins anew
    with all texts, and ends after as many epochs as were best. The test set is touched once, by the final model.

    Families that train in epochs leave checkpoints in a folder beside `out`, which is removed when the model is saved.
    Of several processes started by ``torchrun``, the first one writes.

    Parameters
    ----------
    train, valid, test : Dataset
    plan : TrainPlan, optional
    out : path, optional
        Folder of the model, written whole or not at all; None saves nothing.
    progress : callable, optional
        Told the name of each step as it begins.
    run : Run, optional
        Of families that train in epochs: whether to resume, how often to write a checkpoint, where to put logs, whom
        to tell of each step; its folder of checkpoints is set here. Of all families: whom to tell at once what the user
        should know.

    Raises
    ------
    DataError, SettingError, UnknownNameError
        When data, settings or the name of the family are not as they must be.
    UnavailableError, MissingExtraError, ModelFolderError
        When an encoder is not to be had.

    Examples
    --------
    >>> texts = [f"第{i}次来，{word}" for i in range(10) for word in ("很好", "很差")]
    >>> trained = train_model(Dataset(texts, ["good", "bad"] * 10, range(2, 22), "memory"))
    >>> trained.model.predict(["很好"]).tolist(), trained.n_train
    (['good'], 20)
    """
    folder = None if out is None else Path(out)
    return _Training(plan or TrainPlan(), folder, progress, run or Run()).run(train, valid, test)


def make_model(plan: TrainPlan) -> TextClassifier:
    """Make the unfitted model of a plan; unknown settings are refused with the nearest known ones."""
    model = find_family(plan.model)()
    names = model.parameter_names()
    seed = {"seed": plan.seed} if "seed" in names else {}
    model.set_params(**seed | nested(plan.settings))
    model.check_settings()
    return model


def check_early(plan: TrainPlan, out: str | Path | None, run: Run) -> None:
    """Refuse bad settings and folders, what is not at hand and what cannot be resumed, before long work."""
    model = make_model(plan)
    if not model.trains_in_epochs and (run.resume or run.tensorboard):
        name = "resume" if run.resume else "tensorboard"
        raise SettingError(f"{name} has no effect with {model.family!r}, which has no epochs; leave it out")
    if out is not None:
        check_replaceable(out)
    folder = None if out is None else Path(out)
    check_logs(folder, run.tensorboard)
    if run.resume:
        check_resumable(folder)
    model.check_at_hand(run.message)


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Fold dotted names into dictionaries.

    Examples
    --------
    >>> nested({"C": 2, "clean.urls": "remove", "clean.html": False})
    {'C': 2, 'clean': {'urls': 'remove', 'html': False}}
    """
    folded: dict[str, Any] = {}
    for name, value in settings.items():
        head, dot, rest = name.partition(".")
        if dot:
            before = folded.get(head, {})
            folded[head] = {**before, rest: value} if isinstance(before, dict) else {rest: value}
        else:
            folded[head] = value
    return folded


class _Training:
    """One training, step by step; holds the clock and the messages."""

    def __init__(self, plan: TrainPlan, out: Path | None, progress: Callable[[str], None], run: Run) -> None:
        self.plan = plan
        self.out = out
        self.progress = progress
        self.asked = run
        self.unfinished = Unfinished(out, run)
        self.seconds: dict[str, float] = {}
        self.messages: list[str] = []

    def run(self, train: Dataset, valid: Dataset | None, test: Dataset | None) -> Trained:
        check_early(self.plan, self.out, replace(self.asked, message=self._tell))
        train, valid, test = self._mend(train, valid, test)
        audit = self._audit(train, valid, test)
        sources = _sources(train, valid, test)
        held_out = valid is None
        if valid is None:
            with self._step("split"):
                train, valid = _hold_out(train, self.plan)
        model = self._fit("fit", train, valid)
        validation = self._measure("measure", model, valid)
        if validation.n < _FEW:
            self._tell(f"only {validation.n} texts to measure on: the validation figures say little")
        history = tuple(getattr(model, "history_", ()))
        curve = self._learning_curve(train, valid, validation)
        n_train = len(train)
        if held_out and self.plan.refit:
            train = _join(train, valid)
            model, n_train = self._fit("fit on all", train, None, **model.settings_to_refit()), len(train)
        tested = None if test is None else self._measure("test", model, test)
        messages = tuple(self.messages)
        trained = Trained(model, self.out, validation, tested, n_train, self.seconds, messages, history)
        self._save(trained, train, sources, audit, curve)
        return replace(trained, seconds=dict(self.seconds))

    def _save(
        self, trained: Trained, learned: Dataset, sources: Any, audit: Audit | None, curve: list[dict[str, float]]
    ) -> None:
        from fenlei.monitor.reference_builder import training_reference

        if self.out is None or not is_first_process():
            return
        with self._step("save"):
            reference = training_reference(learned.texts, learned.targets or (), trained.validation, trained.test)
            save_trained(trained, self.out, self.plan, sources, reference, audit, curve)
        self.unfinished.remove()

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self.progress(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)

    def _tell(self, *messages: str) -> None:
        """Tell what is new to the user at once, and keep it for the report."""
        for message in messages:
            if message not in self.messages:
                self.messages.append(message)
                self.asked.message(message)

    def _mend(self, train: Dataset, *others: Dataset | None) -> tuple[Dataset, Dataset | None, Dataset | None]:
        for data in (train, *others):
            _check_labelled(data)
        valid, test = (
            None if data is None else with_label_kind(data, multi_label=train.multi_label) for data in others
        )
        for data in (train, valid, test):
            self._tell(*(data.warnings if data is not None else ()))
        with self._step("mend"):
            mended = repair(train, valid=valid, test=test, repairs=self.plan.repairs)
        self._tell(*mended.messages)
        return mended.train, mended.valid, mended.test

    def _audit(self, *splits: Dataset | None) -> Audit | None:
        from fenlei.data.audit import audit

        if not self.plan.audit:
            return None
        named = {name: data for name, data in zip(("train", "valid", "test"), splits, strict=True) if data is not None}
        with self._step("audit"):
            found = audit(named)
        self._tell(
            *(
                f"{finding.kind}: {finding.message.rstrip('.')}" + (f"; mended by {finding.fix}" if finding.fix else "")
                for finding in found.findings
                if finding.severity == "error"
            )
        )
        return found

    def _fit(self, step: str, data: Dataset, valid: Dataset | None, **changed: Any) -> TextClassifier:
        with self._step(step):
            model = make_model(self.plan).set_params(**changed)
            run = self.unfinished.run_of(step, self._tell)
            try:
                return _learn(model, data, valid, run)
            except DataError as error:
                raise error if error.source else DataError(str(error), source=data.source) from error

    def _measure(self, step: str, model: TextClassifier, data: Dataset) -> Evaluation:
        from fenlei.evaluation.metrics import evaluate

        with self._step(step):
            return evaluate(model, data.texts, data.targets, rows=data.rows, seed=self.plan.seed)

    def _learning_curve(self, train: Dataset, valid: Dataset, whole: Evaluation) -> list[dict[str, float]]:
        wanted = self.plan.learning_curve
        if wanted is None:
            wanted = not find_family(self.plan.model).is_costly
        if not wanted or len(train) < _FEWEST_FOR_CURVE:
            return []
        order = np.random.default_rng(self.plan.seed).permutation(len(train))
        curve = []
        with self._step("learning curve"):
            for share in _CURVE:
                part = train.select(order[: int(share * len(train))].tolist())
                self.progress(f"learning curve, {len(part):,} texts")
                curve += self._point(part, valid)
        return [*curve, _point(len(train), whole)]

    def _point(self, part: Dataset, valid: Dataset) -> list[dict[str, float]]:
        """Measure a model trained on a part; none when the part lacks classes that are needed."""
        from fenlei.evaluation.metrics import evaluate

        try:
            model = _learn(make_model(self.plan), part, valid, None)
        except (DataError, SettingError):
            return []
        return [_point(len(part), evaluate(model, valid.texts, valid.targets, seed=self.plan.seed, resamples=1))]


def _learn(model: TextClassifier, data: Dataset, valid: Dataset | None, run: Run | None) -> TextClassifier:
    """Fit; a family that trains in epochs chooses the best one by those validation texts whose labels it knows."""
    if not model.trains_in_epochs or valid is None:
        return model.fit(data.texts, data.targets, run=run)
    known = {label for target in data.targets or () for label in _labels(target)}
    chosen = [row for row, target in enumerate(valid.targets or ()) if known.issuperset(_labels(target))]
    part = valid.select(chosen)
    return model.fit(data.texts, data.targets, validation=(part.texts, part.targets) if chosen else None, run=run)


def _labels(target: Any) -> list[Any]:
    return list(target) if isinstance(target, list | tuple | set) else [target]


def _point(n: int, found: Evaluation) -> dict[str, float]:
    measures = {name: found.metrics[name] for name in ("accuracy", "f1_macro")}
    return {"n": n, **{name: value for name, value in measures.items() if value is not None}}


def _check_labelled(data: Dataset | None) -> None:
    if data is None:
        return
    if not len(data):
        raise DataError("there are no rows", source=data.source)
    if data.targets is None:
        raise DataError("there are no labels; name their column with --label", source=data.source)


def _hold_out(data: Dataset, plan: TrainPlan) -> tuple[Dataset, Dataset]:
    train, valid = split(data, fraction=plan.fraction, seed=plan.seed)
    if not len(valid):
        raise DataError(
            f"{len(data)} rows are too few to hold some out to measure on; give a validation set",
            source=data.source,
        )
    return train, valid


def _sources(train: Dataset, valid: Dataset | None, test: Dataset | None) -> dict[str, str | None]:
    return {
        "train": train.source,
        "valid": f"held-out part of {train.source}" if valid is None else valid.source,
        "test": None if test is None else test.source,
    }


def _join(first: Dataset, second: Dataset) -> Dataset:
    return replace(
        first,
        texts=first.texts + second.texts,
        targets=list(first.targets or []) + list(second.targets or []),  # type: ignore[arg-type]
        rows=[*first.rows, *second.rows],
    )
