"""A lack of memory is told by what to lower, for each family by the settings that it has."""

from __future__ import annotations

import errno

import pytest

from fenlei._memory import is_out_of_memory, memory_explained, raise_if_out_of_memory, what_to_change
from fenlei.exceptions import SettingError
from fenlei.families import find_family
from fenlei.pretrain.settings import PretrainSettings

torch = pytest.importorskip("torch")

LACKS = [
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried to"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
]
OTHERS = [RuntimeError("a defect"), ValueError("out of memory"), OSError(errno.ENOSPC, "No space left on device")]


@pytest.mark.parametrize("error", LACKS, ids=lambda error: type(error).__name__)
def test_a_lack_of_memory_is_explained(error):
    assert is_out_of_memory(error)
    with pytest.raises(SettingError) as caught, memory_explained({"batch_size": 16}):
        raise error
    assert str(caught.value) == "training does not fit into the memory; lower batch_size"
    assert caught.value.__cause__ is error
    with pytest.raises(MemoryError):
        raise_if_out_of_memory(error)


@pytest.mark.parametrize("error", OTHERS, ids=str)
def test_other_errors_stay_what_they_are(error):
    raise_if_out_of_memory(error)
    with pytest.raises(type(error)) as caught, memory_explained({"batch_size": 16}):
        raise error
    assert caught.value is error


def test_where_no_setting_helps_it_stays_what_it_is():
    with pytest.raises(MemoryError), memory_explained({"C": 1.0}):
        raise MemoryError


@pytest.mark.parametrize(
    ("family", "settings", "advice"),
    [
        ("textcnn", {}, "lower batch_size (accumulate=2 makes up for half the size) or max_length"),
        ("textcnn", {"accumulate": 4}, "lower batch_size or max_length"),
        ("tfidf", {}, ""),
        (
            "encoder", {},
            "lower batch_size (accumulate=2 makes up for half the size) or max_length, or set checkpointing=true, "
            "or take strategy=lora, or take a smaller encoder",
        ),
        (
            "encoder", {"strategy": "lora", "checkpointing": True, "accumulate": 2},
            "lower batch_size or max_length, or take a smaller encoder",
        ),
        ("probe", {}, "lower max_length, or take a smaller encoder"),
        ("fewshot", {}, "lower batch_size or max_length, or take a smaller encoder"),
    ],
)  # fmt: skip
def test_the_advice_names_only_what_a_family_has(family, settings, advice):
    assert what_to_change(find_family(family)(**settings).get_params()) == advice


def test_the_advice_for_pretraining():
    assert what_to_change(vars(PretrainSettings())) == "lower batch_size or length"
