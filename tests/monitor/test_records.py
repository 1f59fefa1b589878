"""Labels, one or several, as they are kept."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenlei.monitor.records import label_text, labels_of, new_id, storable


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))))
def test_several_labels_come_back_sorted_and_once(labels):
    assert labels_of(label_text(labels)) == sorted(set(labels))


@pytest.mark.parametrize("label", ["好评", "", "[", "[sic] not JSON", "[1, 2]", '{"a": 1}', "[" * 100_000])
def test_one_label_comes_back(label):
    assert labels_of(label_text(label)) == [label]


def test_equal_sets_are_equal_texts():
    assert label_text(["b", "a", "b"]) == label_text('["b","a"]') == json.dumps(["a", "b"])


def test_what_no_database_takes_is_replaced():
    assert storable("a\x00b") == "a\ufffdb"
    assert label_text("\ud800") == "\ufffd"
    assert labels_of(label_text(["\ud800", "好"])) == ["好", "\ufffd"]


def test_ids_follow_the_time():
    assert new_id(1_800_000_000) < new_id(1_800_000_000.002) < new_id(4e9)
