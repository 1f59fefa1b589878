"""``fenlei demo``: the whole road on real data that packages bring, Chinese and English."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from fenlei.cli._common import json_option, print_json
from fenlei.cli._training import tell_message, training_status
from fenlei.exceptions import MissingExtraError

if TYPE_CHECKING:
    from fenlei.cli._training import Tellers
    from fenlei.compress.measure import Measured
    from fenlei.data.dataset import Dataset
    from fenlei.train.run import TrainPlan
    from fenlei.train.side_by_side import Contender


class Lesson(NamedTuple):
    """Data, and texts that are not among them."""

    name: str
    data: str
    title: str
    texts: tuple[str, ...]


LESSONS = (
    Lesson(
        "reviews-zh", "name:reviews-zh", "Chinese reviews, good or bad",
        ("物流很快，书的质量也不错，推荐！", "屏幕有坏点，客服态度很差", "房间干净，早餐一般，但是下次还会来"),
    ),
    Lesson(
        "bbc-news", "name:bbc-news", "English news, five sections",
        ("The midfielder scored twice before half-time.", "Shares fell after the bank cut its forecast.",
         "The band will play three nights in London."),
    ),
)  # fmt: skip
MODELS: dict[str, Mapping[str, Any]] = {"tfidf": {}, "textcnn": {"filters": 100}}
"""Families side by side, and what they do not have as by default: 100 filters of each width, as in Kim's paper."""
WITH_ENCODER: dict[str, Mapping[str, Any]] = {"encoder": {"strategy": "frozen", "head": "conv"}}
"""What ``--encoder`` adds: a pretrained encoder as it is, and a convolution that learns over its states."""


@click.command("demo")
@click.option("--out", default="demo", show_default=True, metavar="DIR", help="Where the models and reports go.")
@click.option("--encoder", is_flag=True, help="A pretrained encoder takes part too; some minutes more.")
@json_option
def demo_command(out: str, encoder: bool, as_json: bool) -> None:
    """Audit, train, measure and use models on embedded real data, in Chinese and in English.

    A linear model and a network learn from the same texts; the better one is kept.
    """
    if encoder:
        _check_encoder()
    models = MODELS | (WITH_ENCODER if encoder else {})
    results = run_demo(out, say=(lambda line: None) if as_json else click.echo, models=models)
    if as_json:
        print_json(results)
    else:
        click.echo(f"\nNext: open {Path(out) / LESSONS[0].name / 'report.html'}, then try your own file:")
        click.echo("  fenlei audit reviews.csv\n  fenlei train reviews.csv")


def run_demo(
    out: str,
    *,
    say: Callable[[str], None],
    lessons: Sequence[Lesson] | None = None,
    models: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """Give the lessons and return what each came to, as JSON values.

    Parameters
    ----------
    out : path
        Folder for models, reports and the files of the split data.
    say : callable
        Told each line of the story.
    lessons : sequence of Lesson, optional
        `LESSONS` without.
    models : mapping of str to mapping, optional
        Settings of each family that takes part; `MODELS` without.
    """
    from fenlei.persistence import check_replaceable
    from fenlei.train.side_by_side import folders

    lessons = LESSONS if lessons is None else lessons
    models, missing = _installed(MODELS if models is None else models)
    for lesson in lessons:
        for folder in folders(Path(out) / lesson.name, list(models)):
            check_replaceable(folder)
    Path(out).mkdir(parents=True, exist_ok=True)
    if missing:
        say(missing)
    with training_status() as tellers:
        return [_give(lesson, Path(out) / lesson.name, models, say, tellers) for lesson in lessons]


def _check_encoder() -> None:
    """Refuse before the work what would be missing at its end."""
    from fenlei.encoders.find import find_encoder
    from fenlei.families import find_family

    find_encoder(str(find_family("encoder")().get_params()["encoder"]), message=tell_message)


def _installed(models: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Mapping[str, Any]], str]:
    """Leave out the families whose packages are not installed, and say in a line how to get them."""
    from fenlei.families import find_family

    found, missing = {}, ""
    for family, settings in models.items():
        try:
            find_family(family)
        except MissingExtraError as error:
            missing = f"Without {family}: {error}"
        else:
            found[family] = settings
    return found, missing


def _give(
    lesson: Lesson, folder: Path, models: Mapping[str, Mapping[str, Any]], say: Callable[[str], None], tellers: Tellers
) -> dict[str, Any]:
    from fenlei.data.readers import read
    from fenlei.engine.recipe import Run
    from fenlei.train.side_by_side import keep_better, train_contender

    tellers.tell("read")
    data = read(lesson.data)
    say(f"\n{lesson.title}: {len(data):,} texts\n$ fenlei audit {lesson.data}")
    for line in _found(data):
        say(line)
    train, test = _divided(data, folder, say)
    contenders = []
    for plan in _plans(train, test, folder, models):
        say(f"$ {plan.command}")
        run = Run(progress=tellers.advance)
        contenders.append(train_contender(train, test, plan, folder, progress=tellers.tell, run=run))
        for line in _told(contenders[-1]):
            say(line)
    best = keep_better(contenders, folder)
    for line in (*_table(contenders), *_kept(best, contenders, folder)):
        say(line)
    answers = _answers(folder, lesson.texts)
    say(f"$ fenlei predict {folder} -t ...")
    for answer in answers:
        say(f"  {answer['label']:<14} {answer['score']:.3f}  {answer['text']}")
    return {
        "data": lesson.data, "rows": len(data), "train": train.source, "test": test.source, "model": str(folder),
        "better": best.trained.model.family, "models": [one.to_dict() for one in contenders], "answers": answers,
    }  # fmt: skip


def _found(data: Dataset) -> list[str]:
    from fenlei.data.audit import audit

    findings = [finding for finding in audit(data).findings if finding.severity != "note"]
    return [f"  {finding.kind}: {finding.message}" for finding in findings] or ["  nothing to mend"]


def _divided(data: Dataset, folder: Path, say: Callable[[str], None]) -> tuple[Dataset, Dataset]:
    """Mend the data and put a tenth aside to test on; both parts become files, so that each command can be repeated."""
    from fenlei.data.readers import read
    from fenlei.data.repair import Repairs, repair
    from fenlei.data.split import split

    mended = repair(data, repairs=Repairs(drop_duplicates=True, drop_conflicts=True, drop_empty=True))
    for message in mended.messages:
        if not message.startswith("dropped 0 "):
            say(f"  {message}")
    parts = []
    for name, part in zip(("train", "test"), split(mended.train), strict=True):
        path = folder.with_name(f"{folder.name}.{name}.jsonl")
        _write(path, part)
        say(f"  {len(part):,} texts {'to learn from' if name == 'train' else 'to test on, at the end'}: {path}")
        parts.append(read(str(path)))
    return parts[0], parts[1]


def _write(path: Path, data: Dataset) -> None:
    from fenlei._atomic import atomic_file

    with atomic_file(path) as file:
        for text, label in zip(data.texts, data.targets or (), strict=True):
            file.write(json.dumps({"text": text, "label": label}).encode() + b"\n")


def _plans(train: Dataset, test: Dataset, folder: Path, models: Mapping[str, Mapping[str, Any]]) -> list[TrainPlan]:
    from fenlei.train.run import TrainPlan

    plans = []
    for family, settings in models.items():
        chosen = "".join(f" --set {name}={value}" for name, value in settings.items())
        command = f"fenlei train {train.source} --test {test.source} --model {family}{chosen}"
        plans.append(TrainPlan(model=family, settings=settings, command=f"{command} --out {folder}-{family}"))
    return plans


def _told(one: Contender) -> list[str]:
    found, folder = one.trained.validation, one.trained.folder
    assert found is not None  # noqa: S101  (a training always measures)
    low, high = found.intervals["accuracy"]
    lines = [
        *(f"  {message}" for message in one.trained.messages),
        f"  accuracy {100 * one.validation:.1f} % ({100 * low:.1f} to {100 * high:.1f}) on {found.n:,} texts held out; "
        f"learned from {one.trained.n_train:,}",
        f"  report: {folder / 'report.html' if folder else '-'}",
    ]
    return lines if one.folded is None else [*lines, f"$ fenlei compress {folder} --to folded --out {one.folder}"]


def _table(contenders: Sequence[Contender]) -> list[str]:
    """Lay the figures out, a column a model, look-up tables after the network they were made from."""
    names = ("", "validation accuracy", "test accuracy", "seconds to train", "size", "texts a second")
    columns: list[tuple[str, ...]] = [names]
    for one in contenders:
        family, seconds = one.trained.model.family, f"{_seconds(one):.1f}"
        columns.append((family, f"{100 * one.validation:.1f} %", *_figures(one.measured, seconds)))
        if one.folded is not None:
            columns.append(("folded", "the same", *_figures(one.folded, "-")))
    rows = zip(*columns, strict=True)
    return ["", *(f"  {name:<20}" + "".join(f"{cell:>12}" for cell in cells) for name, *cells in rows), ""]


def _figures(measured: Measured, seconds: str) -> tuple[str, ...]:
    accuracy = f"{100 * (measured.accuracy or 0):.1f} %"
    return accuracy, seconds, f"{measured.bytes / 1e6:.1f} MB", f"{measured.texts_per_second:,.0f}"


def _seconds(one: Contender) -> float:
    return sum(seconds for step, seconds in one.trained.seconds.items() if step.startswith("fit"))


def _kept(best: Contender, contenders: Sequence[Contender], folder: Path) -> list[str]:
    """Say what lies where, and why."""
    family = "folded" if best.folded else best.trained.model.family
    others = [one for one in contenders if one is not best]
    level = any(one.validation == best.validation for one in others)
    why = ", as good on the texts held out, and smaller" if level else ", the better on the texts held out"
    rest = "the other one" if len(others) == 1 else "another one"
    lines = [f"  {folder}: {family}{why if others else ''}", *(f"  {one.folder}: {rest}" for one in others)]
    return lines + [f"  {one.trained.folder}: the network before folding" for one in contenders if one.folded]


def _answers(folder: Path, texts: tuple[str, ...]) -> list[dict[str, Any]]:
    from fenlei.persistence import load

    model = load(folder)
    scores = model.predict_proba(texts)
    labels = model.labels_from_scores(scores)
    return [
        {"text": text, "label": str(label), "score": float(row.max())}
        for text, label, row in zip(texts, labels, scores, strict=True)
    ]
