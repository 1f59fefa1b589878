"""Models of several families trained on the same texts, their figures side by side, and the better one kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fenlei.engine.recipe import Run
from fenlei.persistence import load, read_manifest, save
from fenlei.train.run import TrainPlan, train_model
from fenlei.train.unfinished import Unfinished

if TYPE_CHECKING:
    from fenlei.base import TextClassifier
    from fenlei.compress.measure import Measured
    from fenlei.data.dataset import Dataset
    from fenlei.train.run import Trained

_REPORT = "report.html"


@dataclass(frozen=True)
class Contender:
    """A trained model and what it comes to.

    Attributes
    ----------
    trained : Trained
    measured : Measured
        On the test texts, of the model as trained.
    folded : Measured or None
        Of its look-up tables; None for families that do not fold.
    folder : Path
        Of the model to use: the look-up tables if there are any.
    """

    trained: Trained
    measured: Measured
    folded: Measured | None
    folder: Path

    @property
    def validation(self) -> float:
        """Accuracy on the texts that were held out of training; 0 to 1."""
        assert self.trained.validation is not None  # noqa: S101  (a training always measures)
        return self.trained.validation.metrics["accuracy"] or 0.0

    @property
    def bytes(self) -> int:
        """Size of the model to use."""
        return (self.folded or self.measured).bytes

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found = self.trained.to_dict()
        folded = None if self.folded is None else {"model": str(self.folder), **asdict(self.folded)}
        return {**found, "measured": asdict(self.measured), "folded": folded}


def train_contender(
    train: Dataset,
    test: Dataset,
    plan: TrainPlan,
    out: str | Path,
    *,
    progress: Callable[[str], None] = lambda step: None,
    run: Run | None = None,
) -> Contender:
    """Train one of the models that stand side by side, and measure it.

    Plans with equal seeds, fractions and repairs hold out the same texts, so that their figures can be compared.
    Nothing of an interrupted training stays.

    Parameters
    ----------
    train, test : Dataset
    plan : TrainPlan
    out : path
        The model goes to the folder ``OUT-FAMILY``, the look-up tables of a textcnn to ``OUT-folded``.
    progress : callable, optional
        Told the name of each step as it begins.
    run : Run, optional
        Whom to tell of each step of a network's training.
    """
    from fenlei.compress.measure import measure

    folder, run = _beside(Path(out), plan.model), run or Run()
    try:
        trained = train_model(train, test=test, plan=plan, out=folder, progress=progress, run=run)
    except BaseException:  # Ctrl-C too: there is no way to resume
        Unfinished(folder, run).remove()
        raise
    progress("measure")
    measured = measure(trained.model, test.texts, test.targets)
    if trained.model.family != "textcnn":
        return Contender(trained, measured, None, folder)
    beside = _beside(Path(out), "folded")
    folded = _fold(trained.model, folder, beside)
    return Contender(trained, measured, measure(folded, test.texts, test.targets), beside)


def keep_better(contenders: Sequence[Contender], out: str | Path) -> Contender:
    """Copy the better one, with its report, to the folder `out`, and return it.

    The better one has the higher accuracy on the validation texts; of equals, the smaller one is. Figures on the test
    texts decide nothing, so they stay what the kept model can be expected to reach.
    """
    best = max(contenders, key=lambda one: (one.validation, -one.bytes))
    report = (Path(best.trained.folder or best.folder) / _REPORT).read_bytes()
    save(load(best.folder), out, facts=read_manifest(best.folder).facts, extra={_REPORT: report})
    return best


def folders(out: str | Path, families: Sequence[str]) -> list[Path]:
    """All folders that `train_contender` and `keep_better` write.

    Examples
    --------
    >>> [folder.as_posix() for folder in folders("demo/news", ["tfidf", "textcnn"])]
    ['demo/news', 'demo/news-tfidf', 'demo/news-textcnn', 'demo/news-folded']
    """
    names = [*families, *(["folded"] if "textcnn" in families else [])]
    return [Path(out), *(_beside(Path(out), name) for name in names)]


def _fold(model: TextClassifier, source: Path, folder: Path) -> TextClassifier:
    from fenlei.compress.methods import compress

    folded = compress(model, "folded")
    save(folded, folder, facts={"compressed": {"to": "folded", "source_facts": read_manifest(source).facts}})
    return folded


def _beside(out: Path, name: str) -> Path:
    return out.with_name(f"{out.name}-{name}")
