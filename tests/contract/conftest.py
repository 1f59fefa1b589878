"""Every test of this folder that takes `make` runs once for each model family, found by itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from fenlei.base import TextClassifier
from fenlei.families import family_names, find_family

Make = Callable[..., TextClassifier]


@pytest.fixture(params=family_names())
def make(request: Any) -> Make:
    """``make(**settings)`` gives a new classifier of the family."""
    return partial(find_family(request.param))
