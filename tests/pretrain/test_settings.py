"""Settings of pretraining are checked before any work, and say what is wrong."""

from __future__ import annotations

import pytest

from fenlei.exceptions import SettingError, UnknownNameError
from fenlei.pretrain.settings import PretrainSettings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layer": 2}, "unknown setting of pretraining 'layer'; did you mean 'layers'"),
        ({"layers": 0}, "layers must be a whole number from 1; got 0"),
        ({"layers": True}, "layers must be a whole number"),
        ({"vocabulary": 10}, "vocabulary must be a whole number from 300"),
        ({"minutes": 0}, "minutes must be a number above 0"),
        ({"minutes": float("nan")}, "minutes must be a number"),
        ({"learning_rate": "fast"}, "learning_rate must be a number"),
        ({"dropout": 1.0}, "dropout must be a number from 0 to below 1"),
        ({"whole_words": 1}, "whole_words must be true or false"),
        ({"epochs": 2, "steps": 3}, "give only one of epochs and steps"),
        ({"hidden": 10, "heads": 4}, "hidden must be a multiple of heads"),
        ({"objective": "next-token", "hidden": 12, "heads": 4}, "hidden must be an even multiple of heads"),
        ({"hidden": 12, "heads": 4}, "hidden must be an even multiple of heads"),
        ({"architecture": "modernbert", "next_sentence": True}, "next_sentence is for architecture='bert'"),
        ({"objective": "next-token", "architecture": "bert"}, "architecture has no effect with objective"),
        ({"encoder": "e5-small", "architecture": "bert"}, "architecture has no effect with an encoder"),
        ({"objective": "next-token", "next_sentence": True}, "next_sentence has no effect with objective"),
        ({"tokenizer": "unigram", "words": True}, "words has no effect with tokenizer='unigram'"),
        ({"encoder": "e5-small", "layers": 2}, "layers has no effect with an encoder"),
        ({"encoder": ""}, "encoder must be the name or the folder"),
    ],
)
def test_what_is_wrong_is_told(settings, message):
    with pytest.raises(SettingError, match=message):
        PretrainSettings.of(settings)


@pytest.mark.parametrize("name", ["objective", "tokenizer", "schedule", "precision", "architecture"])
def test_unknown_choices_list_the_known_ones(name):
    with pytest.raises(UnknownNameError, match=rf"unknown {name} 'none'; .*known: "):
        PretrainSettings.of({name: "none"})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"epochs": 3, "batch_size": 32, "learning_rate": 1e-3, "feed_forward": 512, "architecture": "modernbert"}),
        ({"architecture": "bert"}, {"feed_forward": 1024, "learning_rate": 5e-4}),
        ({"next_sentence": True}, {"feed_forward": 1024, "architecture": "bert"}),
        ({"steps": 9}, {"epochs": None, "steps": 9}),
        ({"objective": "next-token", "hidden": 96}, {"batch_size": 16, "feed_forward": 256, "learning_rate": 5e-4}),
        ({"encoder": "e5-small"}, {"learning_rate": 5e-5, "feed_forward": None}),
        ({"learning_rate": 1e-3, "batch_size": 4, "feed_forward": 7}, {"learning_rate": 1e-3, "feed_forward": 7}),
    ],
)
def test_defaults_depend_on_other_settings(settings, expected):
    found = PretrainSettings.of(settings).resolved()
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.resolved() == found
