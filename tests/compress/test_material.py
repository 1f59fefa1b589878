"""What is learned from is never what is measured on."""

from __future__ import annotations

import pytest

from fenlei.compress.material import divide
from fenlei.data.dataset import Dataset
from fenlei.exceptions import SettingError


def labelled(n=20, source="reviews.csv", first=0):
    texts = [f"第 {i} 条" for i in range(first, first + n)]
    return Dataset(texts, ["好", "差"] * (n // 2), range(n), source)


def test_a_method_that_learns_nothing_measures_on_all():
    data = labelled()
    found = divide("folded", data=data)
    assert (found.measured, found.train, found.texts, found.notes) == (data, None, [], ())


@pytest.mark.parametrize("more", [{"train": labelled()}, {"texts": ["好"]}])
def test_and_has_no_use_for_others(more):
    with pytest.raises(SettingError, match=f"a folded model is made without .* leave out --{next(iter(more))}"):
        divide("folded", **more)


@pytest.mark.parametrize("name", ["data", "train"])
def test_one_file_is_divided(name):
    found = divide("distilled", **{name: labelled()})
    assert (len(found.train), len(found.measured)) == (16, 4)
    assert not set(found.train.texts) & set(found.measured.texts)
    assert sorted(found.measured.targets) == ["好", "好", "差", "差"] or len(set(found.measured.targets)) == 2
    assert found.notes == ("reviews.csv: 16 of its texts are learned from, the other 4 measured on",)
    assert divide("distilled", **{name: labelled()}).measured == found.measured
    assert divide("distilled", **{name: labelled()}, seed=14).measured != found.measured


def test_so_are_texts_without_labels():
    found = divide("pruned", texts=[f"第 {i} 条" for i in range(50)])
    assert (len(found.texts), len(found.measured), found.measured.targets, found.train) == (40, 10, None, None)


def test_measured_texts_are_left_out_of_others():
    data = labelled(4)
    found = divide("distilled", data=data, train=labelled(8), texts=["第0条", "别的"])
    assert found.measured == data
    assert found.train.texts == labelled(8).texts[4:]
    assert found.texts == ["别的"]
    assert found.notes == ("5 texts are not learned from, as they are measured on",)
    with pytest.raises(SettingError, match="all texts to learn from are among those to measure on"):
        divide("distilled", data=data, train=labelled(2))


def test_nor_is_a_model_trimmed_to_what_it_is_measured_on():
    found = divide("trimmed", data=labelled(4), train=labelled(8), texts=["第0条", "别的"])
    assert found.measured == labelled(4)
    assert found.train is None
    assert found.texts == [*labelled(8).texts[4:], "别的"]
    assert found.notes == ("5 texts are not learned from, as they are measured on",)
    with pytest.raises(SettingError, match="all texts to learn from are among those to measure on"):
        divide("trimmed", data=labelled(4), texts=labelled(4).texts)


def test_without_texts_nothing_can_be_learned():
    with pytest.raises(SettingError, match="a pruned model needs texts to learn from: give --train FILE"):
        divide("pruned")
