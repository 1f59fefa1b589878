"""``fenlei serve``: models as a service over HTTP."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fenlei.cli._common import warn

if TYPE_CHECKING:
    from fenlei.serve.settings import Limits


@click.command("serve")
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Address to listen at.  [default: 127.0.0.1]")
@click.option("--port", default=8000, type=click.IntRange(0, 65535), help="Port; 0 takes a free one.  [default: 8000]")
@click.option("--api-key-file", type=click.Path(path_type=Path), metavar="FILE", help="API keys, one a line.")
@click.option("--watch", is_flag=True, help="Load a new version as soon as it is in a model's folder.")
@click.option("--monitor", metavar="DB", help="Write every prediction into this database: a file or a URL.")
@click.option("--record-text", is_flag=True, help="With the texts.")
@click.option("--abstain-below", type=click.FloatRange(0, 1), metavar="P", help="Mark predictions of a lower score.")
@click.option("--deadline", type=float, metavar="SECONDS", help="From a request to its answer.  [default: 5]")
@click.option("--queue", type=int, metavar="N", help="Texts that may wait for a model.  [default: 10000]")
@click.option("--max-texts", type=int, metavar="N", help="Texts of a request.  [default: 1000]")
@click.option("--max-characters", type=int, metavar="N", help="Characters of a text.  [default: 20000]")
@click.option("--max-body", type=int, metavar="BYTES", help="Bytes of a request.  [default: 10000000]")
def serve_command(
    models: tuple[str, ...],
    host: str,
    port: int,
    api_key_file: Path | None,
    watch: bool,
    monitor: str | None,
    record_text: bool,
    abstain_below: float | None,
    **limits: Any,
) -> None:
    """Answer over HTTP with the models in the folders MODEL, each FOLDER or NAME=FOLDER.

    The first one is the default. Ctrl-C or SIGTERM ends in order: what was accepted is answered.
    """
    from fenlei._optional import require

    for module in ("fastapi", "uvicorn", "prometheus_client"):
        require(module, extra="serve")
    from fenlei.serve.app import create_app
    from fenlei.serve.server import address, listen, run_server
    from fenlei.serve.settings import ServeSettings, is_loopback, models_by_name, read_keys

    settings = ServeSettings(
        models=models_by_name(models),
        limits=_limits(limits),
        keys=() if api_key_file is None else read_keys(api_key_file),
        monitor=monitor,
        record_text=record_text,
        abstain_below=abstain_below,
        watch=watch,
    )
    if not settings.keys and not is_loopback(host):
        warn(f"{host} is open to others, and no API key is asked for; give --api-key-file FILE")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("fenlei").setLevel(logging.INFO)
    with listen(host, port) as listening:
        told = f"Serving {', '.join(settings.models)} at {address(listening)} (Ctrl-C ends)"
        run_server(create_app(settings), listening, lambda: click.echo(told, err=True))


def _limits(given: dict[str, Any]) -> Limits:
    from fenlei.serve.settings import Limits

    names = {"max_texts": "texts", "max_characters": "characters", "max_body": "body"}
    return Limits(**{names.get(name, name): value for name, value in given.items() if value is not None})
