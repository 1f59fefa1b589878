"""Which predictions are of which model folder."""

from __future__ import annotations

import pytest

import fenlei
from fenlei.exceptions import DataError, ModelFolderError, UnknownNameError
from fenlei.monitor.store import ModelCount
from fenlei.monitor.watching import ModelFolder, Watched, read_folder, watch

DIGEST = "0123456789abcdef" * 4


def count(model, version):
    return ModelCount(model, version, 5, 0.0, 1.0)


def folder(path="models/shop"):
    return ModelFolder(path, DIGEST, None)


def test_by_version_whatever_the_name():
    watched, _ = watch([count("a", "9" * 16), count("b", DIGEST[:16])], [folder()])
    assert watched == [Watched("b", DIGEST[:16], None), Watched("a", None, None)]


def test_by_name_then_as_the_only_one_with_a_warning():
    for models in ([count("shop", "v1"), count("b", "v2")], [count("shop", "0"), count("shop", "v2")]):
        watched, warnings = watch(models, [folder()])
        assert watched[0] == Watched("shop", None, None)
        assert "no predictions of this very version" in warnings[-1]
    assert watch([count("a", "v1")], [folder()])[0] == [Watched("a", None, None)]


def test_a_folder_of_no_predictions_is_refused():
    with pytest.raises(DataError, match=r"models/shop: .*known: a, b"):
        watch([count("a", "v1"), count("b", "v1")], [folder()])
    with pytest.raises(DataError, match="known: none"):
        watch([], [folder()])


def test_only_one_name():
    models = [count("a", "v1"), count("b", "v2")]
    assert watch(models, [], only="b") == ([Watched("b", None, None)], [])
    with pytest.raises(UnknownNameError, match="known: a, b"):
        watch(models, [], only="c")


def test_a_folder_that_does_not_tell_of_its_training(tmp_path):
    model = fenlei.TfidfClassifier().fit(["很好", "很差"] * 3, ["a", "b"] * 3)
    found = read_folder(str(fenlei.save(model, tmp_path / "shop")))
    watched, warnings = watch([count("x", found.digest[:16])], [found])
    assert watched == [Watched("x", found.digest[:16], None)]
    assert "train again" in warnings[0]
    with pytest.raises(ModelFolderError, match="no such model folder"):
        read_folder(str(tmp_path / "none"))
