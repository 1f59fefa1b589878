"""The file that predictions go to: which names it may have, and its rows as bytes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

from fenlei.exceptions import DataError
from fenlei.persistence import refuse_inside_model
from fenlei.scoring.predictions import Prediction

_OTHER_FORMATS = (".csv", ".tsv", ".xlsx", ".parquet")
_TEXT = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_ASCII = json.JSONEncoder(allow_nan=False)
_SEAM = "}, {"


def check_output(output: str, source: str | None = None) -> None:
    """Refuse a file that cannot, or must not, be written; worth asking before any work.

    Raises
    ------
    DataError
        When it is a folder or in none, has the suffix of another format, or is the file that is read.
    ModelFolderError
        When it lies in the folder of a model.
    """
    path = Path(output)
    if Path(output.lower().removesuffix(".gz")).suffix in _OTHER_FORMATS:
        raise DataError("predictions are written as jsonl; name the file *.jsonl", source=output)
    refuse_inside_model(path)
    if path.is_dir() or not path.parent.is_dir():
        raise DataError("is a folder" if path.is_dir() else "its folder does not exist", source=output)
    if source and path.exists() and Path(source).exists() and path.samefile(source):
        raise DataError("is the file that is read; write the predictions elsewhere", source=output)


def rows_as_bytes(predictions: Iterable[Prediction], *, packed: bool = False) -> bytes:
    """Write a line of JSON a prediction, in UTF-8.

    Parameters
    ----------
    predictions : iterable of dict
    packed : bool, default=False
        Compress them as a gzip file of their own; such files one after the other are one gzip file again.

    Examples
    --------
    >>> rows_as_bytes([{"label": "好评", "score": 0.5}, {"label": "差评", "score": 0.75}]).decode().splitlines()
    ['{"label": "好评", "score": 0.5}', '{"label": "差评", "score": 0.75}']
    """
    rows = list(predictions)
    try:
        data = _lines(_TEXT, rows).encode()
    except UnicodeEncodeError:  # a lone surrogate in a label
        data = _lines(_ASCII, rows).encode()
    return gzip.compress(data, mtime=0) if packed else data


def _lines(encoder: json.JSONEncoder, predictions: list[Prediction]) -> str:
    """Encode the list at once, half the work of encoding each by itself, where its seams can be told for certain."""
    if not predictions:
        return ""
    whole = encoder.encode(predictions)[1:-1]
    if whole.count(_SEAM) == len(predictions) - 1:  # there are that many seams, so no label holds what looks like one
        return whole.replace(_SEAM, "}\n{") + "\n"
    return "".join(f"{encoder.encode(prediction)}\n" for prediction in predictions)
