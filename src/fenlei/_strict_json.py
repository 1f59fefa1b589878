"""JSON from a file that is not trusted: refuse what Python's parser lets through and a model never holds."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from fenlei.exceptions import ModelFolderError

_FORBIDDEN, _FORBIDDEN_START = (
    "auto_map",
    "_attn_implementation",
)  # they make other libraries run foreign code
_LARGEST = 1 << 63


def parse(data: bytes, name: str, *, config: bool = False) -> Any:
    """Parse the JSON file `name`.

    Parameters
    ----------
    data : bytes
        In UTF-8.
    name : str
        For messages.
    config : bool, default=False
        Refuse keys that name code to run, too.

    Raises
    ------
    ModelFolderError
        When it is no JSON, nested too deep, repeats a key, or has a number that no model writes: NaN, an
        infinity (one written as 1e999 too), or a whole number of more than 64 bits.

    Examples
    --------
    >>> parse(b'{"a": [1, 2.5]}', "config.json")
    {'a': [1, 2.5]}
    >>> parse(b'{"a": 1, "a": 2}', "config.json")
    Traceback (most recent call last):
    fenlei.exceptions.ModelFolderError: config.json: not sound JSON: the key 'a' is there twice; ...
    """

    def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return _object(pairs, config=config)

    try:
        return json.loads(
            data.decode("utf-8"), object_pairs_hook=make_object, parse_int=_whole, parse_float=_finite,
            parse_constant=_constant,
        )  # fmt: skip
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else error
        raise ModelFolderError(
            f"{name}: not sound JSON: {reason}; restore the model folder from a copy, or train again"
        ) from error


def dump(value: Any, *, indent: int | None = None) -> bytes:
    """Write JSON in ASCII, where lone surrogates survive; TypeError or ValueError for what is not JSON."""
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent, separators=separators)
    return text.encode("ascii")


def is_forbidden(key: str) -> bool:
    """Whether a configuration must not have this key."""
    return key == _FORBIDDEN or key.startswith(_FORBIDDEN_START)


def _object(pairs: list[tuple[str, Any]], *, config: bool) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise ValueError(f"the key {key!r} is there twice")
        if config and is_forbidden(key):
            raise ValueError(f"the key {key!r} would let the model run foreign code")
        made[key] = value
    return made


def _whole(digits: str) -> int:
    number = int(digits) if len(digits) <= 20 else _LARGEST
    if not -_LARGEST <= number < _LARGEST:
        raise ValueError("a whole number has more than 64 bits")
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):  # what is too large becomes an infinity without a word
        raise ValueError(f"{digits[:20]} is too large a number")
    return number


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
