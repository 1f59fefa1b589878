"""Our own file: safetensors with the matrix, the tokens, the n-gram buckets if any, and in JSON how they came about."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from fenlei import _strict_json
from fenlei.exceptions import DataError, ModelFolderError, SettingError
from fenlei.vectors.collector import Collector
from fenlei.vectors.subwords import Subwords
from fenlei.vectors.word_vectors import WordVectors

_KEY, _SCHEMA = "fenlei", 1
_ROWS_AT_ONCE = 50_000
_HEADER_LIMIT = 10_000_000


def is_own(head: bytes, size: int) -> bool:
    """Whether a file of `size` bytes that begins with `head` is one of safetensors."""
    return len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= min(size, _HEADER_LIMIT)


def write_own(vectors: WordVectors, stream: BinaryIO) -> None:
    """Write all that `vectors` hold; the same vectors give the same bytes."""
    from safetensors.numpy import save

    names = [token.encode("utf-8", "surrogatepass") for token in vectors.tokens]
    ends = np.cumsum([len(name) for name in names], dtype=np.int64)
    tensors: dict[str, Any] = {
        "matrix": vectors.matrix,
        "tokens": np.frombuffer(b"".join(names), np.uint8),
        "token_ends": ends,
    }
    about: dict[str, Any] = {"schema": _SCHEMA, "info": vectors.info}
    if vectors.subwords is not None:
        tensors["subwords"] = vectors.subwords.matrix
        about |= {"min_n": vectors.subwords.min_n, "max_n": vectors.subwords.max_n}
    stream.write(save(tensors, {_KEY: _strict_json.dump(about).decode()}))


def read_own(path: Path, *, only: AbstractSet[str] | None = None) -> WordVectors:
    """Read what `write_own` wrote; with `only` the rows of those tokens, composed where there are buckets.

    Raises
    ------
    DataError
        When it is another's, damaged, or of a later version.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            about = _about(file, str(path))
            return _read(file, about, str(path), only)
    except (SafetensorError, SettingError, ValueError, TypeError, KeyError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"word vectors that are truncated or damaged: {error}", source=str(path)) from error


def _about(file: Any, source: str) -> dict[str, Any]:
    text = (file.metadata() or {}).get(_KEY)
    if text is None or "matrix" not in file.keys():  # noqa: SIM118  (no mapping)
        raise DataError("a safetensors file, but not of word vectors that fenlei wrote", source=source)
    try:
        about: dict[str, Any] = _strict_json.parse(text.encode(), source)
    except ModelFolderError as error:
        raise DataError("word vectors whose description is damaged", source=source) from error
    if about["schema"] != _SCHEMA:
        raise DataError(
            f"written by another version of fenlei (layout {about['schema']}, not {_SCHEMA}); update fenlei",
            source=source,
        )
    return about


def _read(file: Any, about: dict[str, Any], source: str, only: AbstractSet[str] | None) -> WordVectors:
    matrix = file.get_slice("matrix")
    n_tokens, dim = matrix.get_shape()
    names = _names(file)
    if matrix.get_dtype() != "F32" or len(names) != n_tokens:
        raise ValueError("the parts do not fit together")
    subwords = Subwords(file.get_tensor("subwords"), about["min_n"], about["max_n"]) if "min_n" in about else None
    if subwords is not None and (subwords.matrix.shape[1] != dim or not np.isfinite(subwords.matrix).all()):
        raise ValueError("the vectors of n-grams are not as they must be")
    collector = Collector(source, dim, only, errors="surrogatepass")
    for begin in range(0, n_tokens, _ROWS_AT_ONCE):
        part = names[begin : begin + _ROWS_AT_ONCE]
        kept = collector.choose(part)
        room = collector.room()
        if kept:
            room[:] = matrix[begin : begin + len(part)][kept]
            collector.check_finite(room, [part[place] for place in kept])
    return collector.finish(info=about["info"], subwords=subwords)


def _names(file: Any) -> list[bytes]:
    letters, ends = file.get_tensor("tokens").tobytes(), file.get_tensor("token_ends").tolist()
    if ends != sorted(ends) or (ends and (ends[0] < 0 or ends[-1] != len(letters))):
        raise ValueError("the tokens are cut wrongly")
    return [letters[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
