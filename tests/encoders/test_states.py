"""Kept states are those that the encoder gives each window alone, as bfloat16."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import torch

from fenlei.encoders import padding, states
from fenlei.encoders.load import load_encoder
from fenlei.encoders.states import encode_states
from fenlei.encoders.windows import cut_windows
from fenlei.features.sequences import Sequences


@pytest.fixture(scope="module")
def loaded(tiny_encoder):
    return load_encoder(str(tiny_encoder))


@pytest.fixture
def windows(loaded):
    texts = ["房间很干净，下次还来" * 3, "a great film", "", "好", "a dull boring film with a weak cast" * 2]
    ids = loaded.tokenizer.encode(texts)
    return cut_windows(
        ids, 12, prefix=loaded.tokenizer.prefix, suffix=loaded.tokenizer.suffix, how="windows", overlap=3
    )


@pytest.fixture
def read(loaded):
    """Both layers."""

    def both(ids, mask):
        out = loaded.network.eval()(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        return torch.stack(out.hidden_states[-2:], 2)

    return both


def numbers(found):
    return torch.from_numpy(np.array(found)).view(torch.bfloat16).float()


@pytest.mark.parametrize("in_memory", [states._IN_MEMORY, 0], ids=["in memory", "in a file"])
@pytest.mark.parametrize("tokens", [padding._TOKENS, 30], ids=["one batch", "several"])
def test_they_are_the_networks_own(windows, read, in_memory, tokens, monkeypatch):
    monkeypatch.setattr(states, "_IN_MEMORY", in_memory)
    monkeypatch.setattr(padding, "_TOKENS", tokens)
    found = encode_states(read, windows, 0)
    assert isinstance(found, np.memmap) is (in_memory == 0)
    assert found.shape == (len(windows.ids.ids), 2, 32)
    assert found.dtype == np.uint16
    with torch.no_grad():
        alone = [read(torch.from_numpy(row.astype(np.int64))[None], None)[0] for row in windows.ids]
    torch.testing.assert_close(numbers(found), torch.cat(alone), rtol=2**-8, atol=1e-5)


def test_in_bfloat16_they_are_near(windows, read):
    exact, rough = numbers(encode_states(read, windows, 0)), numbers(encode_states(read, windows, 0, bf16=True))
    assert not torch.equal(exact, rough)
    assert (exact - rough).abs().max() < 0.05 * exact.abs().max()


def test_they_are_read_on_the_device_and_kept_beside_the_processor(windows, monkeypatch):
    devices, kinds = set(), []
    monkeypatch.setattr("torch.autocast", lambda kind, *args, **how: kinds.append(kind) or nullcontext())

    def read(ids, mask):
        devices.update((ids.device.type, mask.device.type))
        return torch.ones(*ids.shape, 1, 3)

    found = encode_states(read, windows, 0, device=torch.device("meta"))
    assert devices == {"meta"} and kinds == ["meta"]
    assert (numbers(found) == 1).all() and found.shape == (len(windows.ids.ids), 1, 3)


def test_it_tells_how_far_it_is(windows, read, monkeypatch):
    monkeypatch.setattr(padding, "_TOKENS", 30)
    told = []
    encode_states(read, windows, 0, progress=lambda done, total: told.append((done, total)))
    done = [one for one, _ in told]
    assert len(done) > 2
    assert done == sorted(set(done))
    assert set(told) >= {(len(windows.ids), len(windows.ids))}
    assert {total for _, total in told} == {len(windows.ids)}


def test_of_no_windows_there_are_none(read):
    found = encode_states(read, cut_windows(Sequences.of([]), 8, prefix=[2], suffix=[3]), 0)
    assert (len(found), found.dtype) == (0, np.uint16)


def test_a_window_without_tokens_has_no_states(read):
    found = encode_states(read, cut_windows(Sequences.of([[], [7, 8], []]), 8), 0)
    assert len(found) == 2
    assert torch.isfinite(numbers(found)).all()
