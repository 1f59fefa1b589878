from __future__ import annotations

import copy
import pickle

import pytest

from fenlei import exceptions
from fenlei.exceptions import DataError, FenleiError, UnknownNameError, unknown_name


@pytest.mark.parametrize(
    ("name", "builtins"),
    [
        ("DataError", (ValueError,)),
        ("SettingError", (ValueError, TypeError)),
        ("UnknownNameError", (LookupError,)),
        ("ModelFolderError", (ValueError,)),
        ("NotFittedError", (ValueError, AttributeError)),
        ("MissingExtraError", (ImportError,)),
        ("UnavailableError", (OSError,)),
    ],
)
def test_every_error_is_also_the_builtin_one_expects(name: str, builtins: tuple[type, ...]) -> None:
    error = getattr(exceptions, name)
    assert issubclass(error, FenleiError)
    assert all(issubclass(error, builtin) for builtin in builtins)


def test_the_tree_of_the_docstring_is_whole() -> None:
    names = [name for name in vars(exceptions) if name.endswith("Error")]
    assert all(f" {name} " in (exceptions.__doc__ or "") for name in names if name != "FenleiError")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({}, "is empty"),
        ({"row": 3}, "row 3: is empty"),
        ({"source": "a.csv"}, "a.csv: is empty"),
        ({"source": "a.csv", "row": 3}, "a.csv, row 3: is empty"),
    ],
)
def test_a_data_error_says_where(place: dict[str, object], message: str) -> None:
    error = DataError("is empty", **place)  # type: ignore[arg-type]
    assert str(error) == message
    assert (error.source, error.row) == (place.get("source"), place.get("row"))


@pytest.mark.parametrize(
    "error", [DataError("is empty", source="a.csv", row=3), UnknownNameError("model family", "tfdf", ["tfidf"])]
)
def test_errors_survive_the_way_between_processes(error: Exception) -> None:
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is type(error)
        assert str(other) == str(error)


def test_an_unknown_name_lists_the_known_and_the_nearest() -> None:
    assert unknown_name("model family", "tfdf", ["tfidf", "nbsvm"]) == (
        "unknown model family 'tfdf'; did you mean 'tfidf'? known: nbsvm, tfidf"
    )
    assert unknown_name("model family", "xyz", ["tfidf"]) == "unknown model family 'xyz'; known: tfidf"
