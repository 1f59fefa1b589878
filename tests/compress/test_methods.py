"""The registry of compressions."""

from __future__ import annotations

import pytest

import fenlei
from fenlei.compress.methods import check_options, compress
from fenlei.exceptions import SettingError, UnknownNameError


def test_options_that_are_none_are_not_given(network):
    assert check_options("folded", {"table": None}) == {}
    assert compress(network(), "folded", table="int8").convolution_.kind == "int8"


def test_unknown_names_are_refused():
    with pytest.raises(UnknownNameError, match="unknown compression 'folds'; did you mean 'folded'"):
        compress(fenlei.TfidfClassifier(), "folds")
    with pytest.raises(SettingError, match="unknown option of folded 'tabel'; did you mean 'table'"):
        compress(fenlei.TfidfClassifier(), "folded", tabel="int8")
