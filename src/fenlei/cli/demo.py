"""``fenlei demo``: the whole road on real data that packages bring, Chinese and English."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from fenlei.cli._common import json_option, print_json, status

if TYPE_CHECKING:
    from collections.abc import Callable

    from fenlei.data.dataset import Dataset
    from fenlei.train.run import Trained


class _Lesson(NamedTuple):
    data: str
    family: str
    title: str
    texts: tuple[str, ...]


_LESSONS = (
    _Lesson(
        "reviews-zh", "tfidf", "Chinese reviews, good or bad",
        ("物流很快，书的质量也不错，推荐！", "屏幕有坏点，客服态度很差", "房间干净，早餐一般，但是下次还会来"),
    ),
    _Lesson(
        "bbc-news", "tfidf", "English news, five sections",
        ("The midfielder scored twice before half-time.", "Shares fell after the bank cut its forecast.",
         "The band will play three nights in London."),
    ),
)  # fmt: skip


@click.command("demo")
@click.option("--out", default="demo", show_default=True, metavar="DIR", help="Where the models and reports go.")
@json_option
def demo_command(out: str, as_json: bool) -> None:
    """Audit, train, measure and use a model on embedded real data, in Chinese and in English."""
    from fenlei.persistence import check_replaceable

    for lesson in _LESSONS:
        check_replaceable(Path(out) / lesson.data)
    results = []
    for lesson in _LESSONS:
        say: Callable[[str], None] = (lambda line: None) if as_json else click.echo
        results.append(_run(lesson, Path(out) / lesson.data, say))
    if as_json:
        print_json(results)
    else:
        click.echo(f"\nNext: open {Path(out) / _LESSONS[0].data / 'report.html'}, then try your own file:")
        click.echo("  fenlei audit reviews.csv\n  fenlei train reviews.csv")


def _run(lesson: _Lesson, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    from fenlei.data.readers import read
    from fenlei.data.repair import Repairs
    from fenlei.train.run import TrainPlan, train_model

    repairs = Repairs(drop_duplicates=True, drop_conflicts=True, drop_empty=True)
    command = f"fenlei train name:{lesson.data} --drop-duplicates --drop-conflicts --drop-empty"
    with status() as tell:
        data = read(f"name:{lesson.data}")
        say(f"\n{lesson.title}: {len(data):,} texts\n$ fenlei audit name:{lesson.data}")
        for line in _found(data):
            say(line)
        say(f"$ {command} --out {folder}")
        plan = TrainPlan(model=lesson.family, repairs=repairs, command=command)
        trained = train_model(data, plan=plan, out=folder, progress=tell)
    for line in _told(trained):
        say(line)
    answers = _answers(trained, lesson.texts)
    say(f"$ fenlei predict {folder} -t ...")
    for answer in answers:
        say(f"  {answer['label']:<14} {answer['score']:.3f}  {answer['text']}")
    return {"data": lesson.data, "rows": len(data), **trained.to_dict(), "answers": answers}


def _found(data: Dataset) -> list[str]:
    from fenlei.data.audit import audit

    findings = [finding for finding in audit(data).findings if finding.severity != "note"]
    return [f"  {finding.kind}: {finding.message}" for finding in findings] or ["  nothing to mend"]


def _told(trained: Trained) -> list[str]:
    found = trained.validation
    assert found is not None  # noqa: S101  (a training always measures)
    low, high = found.intervals["accuracy"]
    return [
        *(f"  {message}" for message in trained.messages if not message.startswith("dropped 0 ")),
        f"  accuracy {100 * (found.metrics['accuracy'] or 0):.1f} % ({100 * low:.1f} to {100 * high:.1f}) "
        f"on {found.n:,} texts held out; learned from {trained.n_train:,} in {trained.seconds['fit']:.1f} s",
        f"  report: {trained.folder / 'report.html' if trained.folder else '-'}",
    ]


def _answers(trained: Trained, texts: tuple[str, ...]) -> list[dict[str, Any]]:
    scores = trained.model.predict_proba(texts)
    labels = trained.model.labels_from_scores(scores)
    return [
        {"text": text, "label": str(label), "score": float(row.max())}
        for text, label, row in zip(texts, labels, scores, strict=True)
    ]
