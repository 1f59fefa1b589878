"""What counts as a text and as a label, the same for every format."""

from __future__ import annotations

from fenlei.data.dataset import Target
from fenlei.exceptions import DataError

_EMPTY = "the label is empty; fill it in, or remove the row"
_MISSING = "the label is missing; fill it in, or remove the row"


def as_text(value: object, *, source: str, row: int) -> str:
    """Return a text as it is; anything but a string is refused.

    Raises
    ------
    DataError
        With the row.
    """
    if isinstance(value, str):
        return value
    kind = "missing" if value is None else f"of type {type(value).__name__}, not a string"
    raise DataError(
        f"the text is {kind}; put texts in quotes or choose another column with --text",
        source=source,
        row=row,
    )


def as_target(value: object, *, separator: str | None, source: str, row: int) -> Target:
    """Turn the value of a label cell into a label, or into a list of labels.

    A list is multi-label and may be empty; so is a string when a `separator` is given (split, stripped,
    empty parts dropped). Repeated labels are collapsed, the first stays. Whole numbers become their digits,
    ``true`` and ``false`` their names; strings are never changed.

    Raises
    ------
    DataError
        For an empty or missing label, a fraction, or anything else; with the row.

    Examples
    --------
    >>> as_target("01", separator=None, source="a.csv", row=2)
    '01'
    >>> as_target("a| b|a", separator="|", source="a.csv", row=3)
    ['a', 'b']
    """
    if isinstance(value, list | tuple):
        return distinct([_as_label(item, source, row) for item in value])
    if separator is None:
        return _as_label(value, source, row)
    if value is None:
        raise DataError(_MISSING, source=source, row=row)
    whole = value if isinstance(value, str) else _as_label(value, source, row)
    return distinct([part.strip() for part in whole.split(separator) if part.strip()])


def distinct(labels: list[str]) -> list[str]:
    """Drop repeats, keep the order."""
    return list(dict.fromkeys(labels))


def _as_label(value: object, source: str, row: int) -> str:
    if isinstance(value, str):
        if not value.strip():
            raise DataError(_EMPTY, source=source, row=row)
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return _digits(value, source, row)
    if value is None:
        raise DataError(_MISSING, source=source, row=row)
    if isinstance(value, float):
        raise DataError(f"the label {value!r} is a fraction; write labels as strings", source=source, row=row)
    raise DataError(f"the label is of type {type(value).__name__}; write labels as strings", source=source, row=row)


def _digits(value: float, source: str, row: int) -> str:
    try:
        return str(int(value))
    except ValueError as error:  # Python refuses to print numbers of more than 4,300 digits
        raise DataError("the label is a number of too many digits", source=source, row=row) from error
