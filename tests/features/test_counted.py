from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fenlei.features import documents as sharing
from fenlei.features.counted import CharVocabulary, CountedVocabulary, TokenVocabulary

CHARACTERS = "abCé1 \t\n好看的，。.!'’-[]😀\ud800\x00\u0301กİß\u3000"
TEXTS = st.lists(st.text(st.sampled_from(CHARACTERS), max_size=25), max_size=4).map(lambda texts: ["好a", *texts])
TOKEN = st.sampled_from(["好看", "Good", "good", "a b", "x", "，", " ", "", "\n", "\ud800", "[UNK]", "[PAD]"])
TOKENS = st.lists(st.lists(TOKEN, max_size=6), max_size=3).map(lambda rows: [["好看"], *rows])
COUNT = st.none() | st.integers(1, 3)
KINDS = pytest.mark.parametrize("kind", [CharVocabulary, TokenVocabulary])


@given(TEXTS, TEXTS, COUNT, st.none() | st.integers(3, 12), st.booleans(), st.booleans())
@settings(max_examples=80)
def test_characters_are_those_of_a_plain_dictionary(
    fitted: list[str], new: list[str], least: int | None, size: int | None, lowercase: bool, skip: bool
) -> None:
    vocabulary = CharVocabulary(
        min_count=least, max_size=size, lowercase=lowercase, unknown="skip" if skip else "token"
    )
    cut = [list(_fold(" ".join(text.split()), lowercase)) for text in fitted]
    wanted = [list(_fold(" ".join(text.split()), lowercase)) for text in new]
    _check(vocabulary, fitted, new, cut, wanted)


@given(TEXTS, TEXTS, COUNT, st.none() | st.integers(3, 12), st.booleans())
@settings(max_examples=80)
def test_tokens_are_those_of_a_plain_dictionary(
    plain: Any, fitted: list[str], new: list[str], least: int | None, size: int | None, skip: bool
) -> None:
    vocabulary = TokenVocabulary(min_count=least, max_size=size, unknown="skip" if skip else "token")
    slow = plain((1, 1), None, False)
    cut, wanted = ([[gram.items[0] for gram in slow.of_text(text)] for text in texts] for texts in (fitted, new))
    _check(vocabulary, fitted, new, cut, wanted)


@given(TOKENS, TOKENS, st.booleans(), st.booleans())
@settings(max_examples=80)
def test_given_tokens_are_taken_as_they_are(
    fitted: list[list[str]], new: list[list[str]], lowercase: bool, skip: bool
) -> None:
    vocabulary = TokenVocabulary(lowercase=lowercase, unknown="skip" if skip else "token")
    cut, wanted = ([[_fold(token, lowercase) for token in row if token] for row in rows] for rows in (fitted, new))
    _check(vocabulary, fitted, new, cut, wanted)


def _check(vocabulary: CountedVocabulary, fitted: Any, new: Any, cut: list[list[str]], wanted: list[list[str]]) -> None:
    """Compare with the dictionary way over texts that are cut already."""
    counts = Counter(token for row in cut for token in row)
    known = [(-n, token) for token, n in counts.items() if n >= (vocabulary.min_count or 1)]
    known = sorted(pair for pair in known if pair[1] not in ("[PAD]", "[UNK]"))
    known = known[: None if vocabulary.max_size is None else vocabulary.max_size - 2]
    if not known:
        with pytest.raises(ValueError, match="no token"):
            vocabulary.fit(fitted)
        return
    vocabulary.fit(fitted)
    assert vocabulary.tokens_ == ["[PAD]", "[UNK]", *(token for _, token in known)]
    n_known = -sum(n for n, _ in known)
    assert vocabulary.counts_.tolist() == [0, counts.total() - n_known, *(-n for n, _ in known)]
    ids = {token: i for i, (_, token) in enumerate(known, 2)}
    rows = [[ids.get(token, 1) for token in row] for row in wanted]
    if vocabulary.unknown == "skip":
        rows = [[i for i in row if i != 1] for row in rows]
    assert [row.tolist() for row in vocabulary.transform(new)] == rows


def _fold(text: str, lowercase: bool) -> str:
    return "".join(char.lower() if lowercase and len(char.lower()) == 1 else char for char in text)


def test_a_space_is_one_token_cut_or_given() -> None:
    vocabulary = TokenVocabulary().fit_blocks([["好 a", "好\n看"], [["好", " "]]])
    assert dict(zip(vocabulary.tokens_, vocabulary.counts_.tolist(), strict=True)) == {
        "[PAD]": 0, "[UNK]": 0, "好": 3, " ": 3, "a": 1, "看": 1,
    }  # fmt: skip
    assert vocabulary.transform(["好 a"])[0].tolist() == vocabulary.transform([["好", " ", "a"]])[0].tolist()


@KINDS
def test_fitting_in_blocks_is_fitting_at_once(kind: type[CountedVocabulary]) -> None:
    texts = [f"第{i % 7}部 film{i % 5}" for i in range(40)]
    blocks = (texts[i : i + 9] for i in range(0, len(texts), 9))
    assert kind().fit_blocks(blocks).to_files() == kind().fit(texts).to_files()


@KINDS
@pytest.mark.parametrize(("block", "threads"), [(1, 1), (3, 2), (2, 7)])
def test_threads_change_nothing(
    kind: type[CountedVocabulary], block: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"第{i % 7}部 film{i % 5}" for i in range(20)] + [""]
    once = kind().fit(texts)
    monkeypatch.setattr(sharing, "n_threads", lambda: threads)
    monkeypatch.setattr(sharing, "_FEWEST", 1)
    monkeypatch.setattr(sharing, "_MOST", block)
    again = kind().fit(texts)
    assert again.to_files() == once.to_files()
    found, expected = again.transform(texts), once.transform(texts)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.bounds, expected.bounds)


def test_many_tokens_outgrow_the_first_table() -> None:
    words = [f"w{i}" for i in range(5000)]
    vocabulary = TokenVocabulary().fit([" ".join(words), " ".join(words[:10])])
    assert vocabulary.tokens_ == ["[PAD]", "[UNK]", *sorted(words[:10]), *sorted(words[10:])]
    assert vocabulary.transform([" ".join(vocabulary.tokens_[2:])]).ids.tolist() == list(range(2, 5002))
