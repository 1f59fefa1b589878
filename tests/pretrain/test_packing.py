"""Packing loses nothing, repeats nothing and keeps the order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.features.sequences import Sequences
from fenlei.pretrain.packing import Frame, Packer

FRAMES = st.sampled_from([
    Frame((2,), (3,), (3,), 0), Frame((), (3,), (3,), 0), Frame((), (), (), 0), Frame((2, 4), (3,), (4, 3), 0),
])  # fmt: skip
TEXTS = st.lists(st.lists(st.integers(10, 99), max_size=12), max_size=20)


@given(FRAMES, st.integers(5, 16), st.lists(TEXTS, max_size=4))
def test_every_token_once_and_in_order(frame, length, batches):
    packer = Packer(frame, length)
    parts = []
    for batch in batches:
        texts = Sequences.of(batch)
        parts.append(packer.push(texts, texts.ids % 2 == 0))
    waiting = packer.waiting
    parts.append(packer.finish())
    ids, starts = (np.concatenate([getattr(part, name) for part in parts]) for name in ("ids", "starts"))
    tokens = [token for batch in batches for text in batch for token in text]
    inside = ids >= 10
    assert ids[inside].tolist() == tokens
    assert starts[inside].tolist() == [token % 2 == 0 for token in tokens]
    assert ids.shape[1:] == (length,)
    full = ids[:-1] if waiting else ids
    assert (full != 0).all()
    assert all(tuple(row[: len(frame.prefix)]) == frame.prefix for row in ids)
    n_texts = sum(bool(text) for batch in batches for text in batch)
    separators = ids.size - inside.sum() - (ids == 0).sum() - len(ids) * (length - frame.room(length))
    assert separators == max(0, n_texts - 1) * len(frame.separator)
    if waiting:
        assert (ids[-1, :waiting] != 0).all() and not ids[-1, waiting:].any()
        assert tuple(ids[-1, waiting - len(frame.suffix) : waiting]) == frame.suffix


def test_texts_are_parted_wherever_batches_end():
    whole, parts = Packer(Frame((2,), (3,), (3,), 0), 6), Packer(Frame((2,), (3,), (3,), 0), 6)
    texts = [[10, 11, 12], [13], [], [14, 15, 16, 17, 18]]
    one = whole.push(Sequences.of(texts), np.ones(9, bool)).ids
    several = [parts.push(Sequences.of([text]), np.ones(len(text), bool)).ids for text in texts]
    assert np.concatenate(several).tolist() == one.tolist() == [[2, 10, 11, 12, 3, 3], [2, 13, 3, 14, 15, 3]]
    assert whole.finish().ids.tolist() == parts.finish().ids.tolist() == [[2, 16, 17, 18, 3, 0]]


def test_texts_of_a_decoder_are_parted_by_the_end_of_a_document(tiny_decoder):
    tokenizer = EncoderTokenizer.from_bytes((tiny_decoder / "tokenizer.json").read_bytes())
    assert Frame.of(tokenizer) == Frame((), (tokenizer.id_of("<|endoftext|>"),), (), 0)
