"""``fenlei export``: write a trained network in a form that other programs run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fenlei.cli._common import json_option, print_json, status

if TYPE_CHECKING:
    from fenlei.models.onnx import OnnxClassifier

_FORMATS = ("onnx",)


@click.command("export")
@click.argument("model", metavar="MODEL")
@click.option("--format", "form", required=True, type=click.Choice(_FORMATS), help="What to write.")
@click.option("--out", required=True, metavar="DIR", help="Folder of the exported model.")
@json_option
def export_command(model: str, form: str, out: str, as_json: bool) -> None:
    """Write the network in the folder MODEL as a model that needs no torch.

    The new folder is a model like any other; in it, model.onnx is the network for other programs.
    """
    from fenlei.compress.onnx_export import export_onnx
    from fenlei.persistence import REFERENCE, check_replaceable, load, read_extra, read_manifest, save

    _check_apart(model, out)
    check_replaceable(out)
    with status() as tell:
        tell("loading")
        trained, manifest = load(model), read_manifest(model)
        tell("exporting")
        exported = export_onnx(trained)
    facts = {"exported": {"format": form, "from": manifest.family, "source_facts": manifest.facts}}
    reference = read_extra(model, REFERENCE)
    save(exported, out, facts=facts, extra={} if reference is None else {REFERENCE: reference})
    found = {"model": out, "format": form, **_facts(exported)}
    if as_json:
        print_json(found)
    else:
        _show(found)


def _check_apart(model: str, out: str) -> None:
    from pathlib import Path

    from fenlei.exceptions import SettingError

    if Path(model).resolve() == Path(out).resolve():
        raise SettingError(f"{out}: is the model that is exported; give another folder for the new one")


def _facts(exported: OnnxClassifier) -> dict[str, Any]:
    return {
        "family": exported.source_, "inputs": list(exported.graph_.inputs), "output": "logits",
        "classes": exported.classes_.tolist(), "bytes": len(exported.graph_.data),
    }  # fmt: skip


def _show(found: dict[str, Any]) -> None:
    from fenlei.evaluation._text import printable

    size = f"{found['bytes'] / 1e6:,.1f} MB"
    click.echo(f"{found['family']}, {size}: {', '.join(found['inputs'])} -> {found['output']}")
    click.echo(f"Model: {printable(found['model'])}")
