"""``fenlei train``: from a labelled file to a measured and saved model."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from fenlei._processes import is_first_process
from fenlei.cli._common import data_options, json_option, print_json
from fenlei.cli._training import tell_message, training_status
from fenlei.cli.config import parse_settings, take_config
from fenlei.exceptions import SettingError

if TYPE_CHECKING:
    from fenlei.data.repair import Repairs
    from fenlei.engine.recipe import Run
    from fenlei.evaluation.evaluation import Evaluation
    from fenlei.train.run import Trained, TrainPlan

_REPAIRS = {
    "drop_duplicates": "Drop repeated texts from the training set.",
    "drop_near_duplicates": "Drop nearly repeated texts too.",
    "drop_conflicts": "Drop texts that stand with different labels.",
    "drop_empty": "Drop empty texts.",
    "drop_leaks": "Drop training texts that also stand in valid or test.",
    "fix_labels": "Unify labels that differ by space, width or case.",
}


def _repair_options(command: Any) -> Any:
    for name, text in reversed(_REPAIRS.items()):
        command = click.option(f"--{name.replace('_', '-')}", name, is_flag=True, help=text)(command)
    return command


@click.command("train")
@click.argument("train", metavar="TRAIN")
@click.option("--valid", metavar="FILE", help="Validation set.  [default: a tenth of TRAIN]")
@click.option("--test", metavar="FILE", help="Test set, touched once, at the end.")
@click.option(
    "--model", metavar="NAME", default="tfidf", show_default=True, help="Model family; `fenlei models` lists them."
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the model; may be repeated.")
@click.option(
    "--config",
    metavar="FILE.toml",
    is_eager=True,
    callback=take_config,
    help="Options and a table [set] from a file; the command line wins.",
)
@click.option("--out", metavar="DIR", help="Folder of the model.  [default: TRAIN's name and the family]")
@click.option("--seed", type=int, default=13, show_default=True, help="Of the split and the model.")
@click.option(
    "--fraction", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.1, show_default=True,
    help="Share of TRAIN to measure on when there is no --valid.",
)  # fmt: skip
@click.option("--refit/--no-refit", default=True, show_default=True, help="Learn from held-out texts once measured on.")
@click.option("--audit/--no-audit", default=True, show_default=True, help="Look over the data for the report.")
@click.option(
    "--learning-curve/--no-learning-curve", default=None, help="Train on parts too.  [default: not with networks]"
)
@click.option("--resume", is_flag=True, help="Go on with an interrupted training of a network.")
@click.option(
    "--checkpoint-every",
    type=click.FloatRange(0),
    metavar="SECONDS",
    default=60.0,
    show_default=True,
    help="How often a network's training leaves a checkpoint.",
)
@click.option("--tensorboard", metavar="DIR", help="Write TensorBoard logs of a network's training.")
@click.option(
    "--stream",
    is_flag=True,
    help="Learn in one pass without holding the texts; for files larger than memory.",
)
@_repair_options
@data_options
@json_option
def train_command(train: str, as_json: bool, **options: Any) -> None:
    """Train a model on the labelled texts of TRAIN, measure it, and save it with a report.

    TRAIN is a csv, tsv, jsonl, parquet, xlsx or fastText file, a folder of one folder a class, or name:SET for a
    public set.
    """
    chosen = dict(options)
    chosen["settings"] = chosen.pop("config") | parse_settings(chosen["settings"])
    columns = {name: chosen.pop(name) for name in ("text", "label", "separator", "encoding", "format", "delimiter")}
    plan = _plan(chosen)
    out = chosen["out"] or _default_folder(train, plan.model)
    run = _run(chosen)
    _check_sources([train, chosen["valid"], chosen["test"]], columns)
    _check_early(plan, out, run)
    try:
        with training_status() as tellers:
            run = replace(run, progress=tellers.advance)
            trained = (_train_stream if chosen["stream"] else _train)(
                train, chosen, columns, plan, out, run, tellers.tell
            )
    except KeyboardInterrupt:
        _tell_of_checkpoints(out)
        raise
    if not is_first_process():
        return
    if as_json:
        print_json(trained.to_dict())
    else:
        _show(trained)


def _train(
    train: str, chosen: dict[str, Any], columns: dict[str, Any], plan: TrainPlan, out: str, run: Run, tell: Any
) -> Trained:
    from fenlei.data.readers import read
    from fenlei.train.run import train_model

    tell("reading")
    data = read(train, **columns)
    valid, test = (None if chosen[name] is None else read(chosen[name], **columns) for name in ("valid", "test"))
    return train_model(data, valid=valid, test=test, plan=plan, out=out, progress=tell, run=run)


def _train_stream(
    train: str, chosen: dict[str, Any], columns: dict[str, Any], plan: TrainPlan, out: str, run: Run, tell: Any
) -> Trained:
    from fenlei.data.files import Notes
    from fenlei.data.readers import read, stream
    from fenlei.train.stream import train_stream

    refused = [name for name in ("valid", *_REPAIRS) if chosen[name]]
    if refused:
        raise SettingError(f"--{refused[0].replace('_', '-')} needs the texts in memory; leave out --stream")
    if train == "-":
        raise SettingError("--stream reads the data twice, which standard input does not allow; give a file")
    test = None if chosen["test"] is None else read(chosen["test"], **columns)
    notes = Notes()
    return train_stream(
        lambda: stream(train, notes=notes, **columns), source=train, notes=notes, test=test, plan=plan, out=out,
        progress=tell, message=run.message,
    )  # fmt: skip


def _check_sources(sources: list[str | None], columns: dict[str, Any]) -> None:
    """Refuse a file that is missing before an encoder is fetched for it."""
    from fenlei.data.readers import check_source

    for source in sources:
        if source is not None:
            check_source(source, **columns)


def _check_early(plan: TrainPlan, out: str, run: Run) -> None:
    """Refuse what cannot end well before a large file is read, and tell what will be replaced."""
    from pathlib import Path

    from fenlei.train.run import check_early
    from fenlei.train.unfinished import unfinished_folder

    check_early(plan, out, run)
    if (Path(out) / "manifest.json").exists():
        tell_message(f"the model in {out} will be replaced")
    if unfinished_folder(out).exists() and not run.resume:
        tell_message(f"{out} is trained anew; --resume would go on with its checkpoints")


def _tell_of_checkpoints(out: str) -> None:
    from fenlei.train.unfinished import unfinished_folder

    folder = unfinished_folder(out)
    if folder.exists():
        tell_message(f"checkpoints are in {folder}; add --resume to the command to go on")


def _run(chosen: dict[str, Any]) -> Run:
    from pathlib import Path

    from fenlei.engine.recipe import Run

    logs = chosen["tensorboard"]
    return Run(
        resume=chosen["resume"],
        every_seconds=chosen["checkpoint_every"],
        tensorboard=None if logs is None else Path(logs),
        message=tell_message,
    )


def _plan(chosen: dict[str, Any]) -> TrainPlan:
    from fenlei.train.run import TrainPlan

    return TrainPlan(
        model=chosen["model"],
        settings=chosen["settings"],
        repairs=_repairs(chosen),
        fraction=chosen["fraction"],
        refit=chosen["refit"],
        audit=chosen["audit"],
        learning_curve=chosen["learning_curve"],
        seed=chosen["seed"],
        command=shlex.join(["fenlei", *sys.argv[1:]]),
    )


def _repairs(chosen: dict[str, Any]) -> Repairs:
    from fenlei.data.repair import Repairs

    return Repairs(**{name: chosen[name] for name in _REPAIRS})


def _default_folder(train: str, family: str) -> str:
    from pathlib import PurePath

    stem = PurePath(train.removeprefix("name:").rstrip("/\\")).name.partition(".")[0]
    return f"{'model' if stem in ('', '-') else stem}-{family}"


def _show(trained: Trained) -> None:
    lines = [f"{trained.model.family}, {len(trained.model.classes_)} classes, {trained.n_train:,} texts learned from"]
    language = getattr(trained.model, "language_", None)
    if language:
        lines.append(f"language    {language}")
    lines += [
        _line(name, found) for name, found in (("validation", trained.validation), ("test", trained.test)) if found
    ]
    lines.append(f"seconds     {sum(trained.seconds.values()):.1f}, of which fitting {trained.seconds['fit']:.1f}")
    if trained.folder is not None:
        lines += [f"model       {trained.folder}", f"report      {trained.folder / 'report.html'}"]
    click.echo("\n".join(lines))


def _line(name: str, found: Evaluation) -> str:
    low, high = found.intervals["accuracy"]
    exact = "exact sets" if found.multi_label else "accuracy"
    return (
        f"{name:<11} {exact} {100 * (found.metrics['accuracy'] or 0):.2f} % ({100 * low:.2f} to {100 * high:.2f}), "
        f"macro F1 {100 * (found.metrics['f1_macro'] or 0):.2f}, {found.n:,} texts"
    )
