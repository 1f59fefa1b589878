"""Every error that fenlei raises on purpose.

::

    FenleiError                  the user's side of things; the command line prints it as one line, exit code 2
    ├── DataError                a file, a row, a column or a label is not as it must be   (ValueError)
    ├── SettingError             a setting is unknown or out of its range                  (ValueError, TypeError)
    ├── UnknownNameError         no model family, segmenter or data set of that name       (LookupError)
    ├── ModelFolderError         a saved model is damaged, foreign or unsafe               (ValueError)
    ├── NotFittedError           the estimator was used before ``fit``                     (ValueError, AttributeError)
    ├── MissingExtraError        an optional package is not installed                      (ImportError)
    └── UnavailableError         a remote source cannot be reached                         (OSError)

Each is also the builtin type that callers of Python's and scikit-learn's own functions expect.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Self


class FenleiError(Exception):
    """Base of all errors with a message made for the user."""


class DataError(FenleiError, ValueError):
    """Something in the data is wrong; says what, where and what to do.

    Parameters
    ----------
    message : str
        What is wrong and what to do, without the place.
    source : str, optional
        File or data set, put before the message.
    row : int, optional
        Row as a person counts it: the spreadsheet row (header is 1) or the line of the file.

    Examples
    --------
    >>> print(DataError("the label is empty", source="reviews.csv", row=17))
    reviews.csv, row 17: the label is empty
    """

    def __init__(self, message: str, *, source: str | None = None, row: int | None = None) -> None:
        self.source, self.row = source, row
        place = ", ".join(part for part in (source, None if row is None else f"row {row}") if part)
        super().__init__(f"{place}: {message}" if place else message)


class SettingError(FenleiError, ValueError, TypeError):
    """A setting is unknown, has the wrong type or is out of its range."""


class UnknownNameError(FenleiError, LookupError):
    """A name that nothing goes by; lists the known ones and the nearest.

    Examples
    --------
    >>> print(UnknownNameError("model family", "tfdf", ["nbsvm", "tfidf"]))
    unknown model family 'tfdf'; did you mean 'tfidf'? known: nbsvm, tfidf
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        super().__init__(unknown_name(kind, name, self.known))

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, list[str]]]:
        """Let it travel between processes, as scikit-learn's parallel jobs need."""
        return type(self), (self.kind, self.name, self.known)


class ModelFolderError(FenleiError, ValueError):
    """A model folder is damaged, of a foreign version, or unsafe to load."""


class NotFittedError(FenleiError, ValueError, AttributeError):
    """The estimator was used before ``fit``."""


class MissingExtraError(FenleiError, ImportError):
    """An optional package is not installed; names the exact ``pip install``."""


class UnavailableError(FenleiError, OSError):
    """A remote source, such as a hub of data sets, cannot be reached."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that `name` is unknown, with the nearest and all the known names."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    guess = f"; did you mean {near[0]!r}?" if near else ";"
    return f"unknown {kind} {name!r}{guess} known: {', '.join(names)}"
