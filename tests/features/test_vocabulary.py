from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from fenlei.exceptions import DataError, ModelFolderError, NotFittedError, SettingError
from fenlei.features.vocabularies import VOCABULARIES, make_vocabulary, read_vocabulary
from fenlei.features.vocabulary import FILE, Vocabulary

TEXTS = ["好看的电影 Good film", "好听的歌，good song!", "不好看", "", " \t", "a very good film"]
ODD = ["", " ", "\x00", "\ud800", "好\ud800看", "a\x00b", "😀👨‍👩‍👧", "\u3000", "[UNK] [PAD]", "İß\u0301", "<0x41>▁##a"]


@pytest.fixture(params=sorted(VOCABULARIES))
def unit(request: pytest.FixtureRequest) -> str:
    if request.param in ("bpe", "unigram", "wordpiece"):
        pytest.importorskip("tokenizers", reason="the extra 'neural' is not installed")
    return str(request.param)


def test_tokens_follow_the_special_two_by_falling_count(unit: str) -> None:
    vocabulary = make_vocabulary(unit).fit(TEXTS)
    assert vocabulary.tokens_[:2] == ["[PAD]", "[UNK]"]
    known = list(zip((-vocabulary.counts_[2:]).tolist(), vocabulary.tokens_[2:], strict=True))
    assert known == sorted(known)
    assert len(vocabulary) == len(vocabulary.tokens_) == len(vocabulary.counts_) == len(set(vocabulary.tokens_))
    assert vocabulary.counts_.dtype == np.int64


def test_counts_are_those_of_the_ids_of_the_training_texts(unit: str) -> None:
    vocabulary = make_vocabulary(unit, min_count=2).fit(TEXTS)
    ids = vocabulary.transform(TEXTS).ids
    assert ids.min() > 0
    np.testing.assert_array_equal(np.bincount(ids, minlength=len(vocabulary)), vocabulary.counts_)


def test_saving_and_loading_changes_nothing(unit: str) -> None:
    vocabulary = make_vocabulary(unit, lowercase=False, max_size=300, unknown="skip").fit(TEXTS)
    files = vocabulary.to_files()
    loaded = read_vocabulary(files)
    assert type(loaded) is type(vocabulary)
    assert loaded.get_params() == vocabulary.get_params()
    assert loaded.tokens_ == vocabulary.tokens_
    np.testing.assert_array_equal(loaded.counts_, vocabulary.counts_)
    _same(loaded.transform(TEXTS + ODD), vocabulary.transform(TEXTS + ODD))
    assert loaded.to_files() == files


def test_fitting_again_gives_the_same(unit: str) -> None:
    assert make_vocabulary(unit).fit(TEXTS * 3).to_files() == make_vocabulary(unit).fit(TEXTS * 3).to_files()


def test_unknown_tokens_are_one_id_or_left_out(unit: str) -> None:
    kept = make_vocabulary(unit, min_count=2).fit(TEXTS)
    left_out = make_vocabulary(unit, min_count=2, unknown="skip").fit(TEXTS)
    new = [*TEXTS, "猫 zebra 好", "犬"]
    for all_ids, known_ids in zip(kept.transform(new), left_out.transform(new), strict=True):
        assert [i for i in all_ids.tolist() if i != 1] == known_ids.tolist()
    assert kept.unknown_share(new) == left_out.unknown_share(new) == np.mean(kept.transform(new).ids == 1)
    assert (unit == "bpe") == (kept.unknown_share(new) == 0)
    assert kept.unknown_share([""]) == 0


def test_case_may_count(unit: str) -> None:
    texts = ["Good GOOD good", "好 Ok OK"]
    one = make_vocabulary(unit).fit(texts)
    _same(one.transform(["GOOD Ok"]), one.transform(["good ok"]))
    many = make_vocabulary(unit, lowercase=False).fit(texts)
    assert many.transform(["GOOD Ok"])[0].tolist() != many.transform(["good ok"])[0].tolist()


def test_odd_texts_are_taken(unit: str) -> None:
    vocabulary = make_vocabulary(unit).fit(TEXTS + ODD)
    found = vocabulary.transform([*ODD, "好" * 100_000, "ab " * 30_000])
    assert len(found) == len(ODD) + 2
    assert found.ids.min() > 0
    assert found[0].tolist() == []
    assert found[len(ODD)].size > 0
    assert found[len(ODD) + 1].size >= 30_000
    assert len(vocabulary.transform([])) == 0


def test_special_tokens_in_a_text_are_text(unit: str) -> None:
    vocabulary = make_vocabulary(unit, lowercase=False).fit(["[PAD] [UNK] x"] * 20)
    assert set(vocabulary.transform(["[PAD][UNK]"])[0].tolist()).isdisjoint({0, 1})


def test_the_largest_size_is_kept(unit: str) -> None:
    texts = ["".join(map(chr, range(0x4E00 + i, 0x4E00 + i + 60))) + f" word{i} abc" for i in range(30)]
    smallest = 262 if unit == "bpe" else 6
    for size in (smallest, 270, 300):
        vocabulary = make_vocabulary(unit, max_size=size).fit(texts)
        assert 3 <= len(vocabulary) <= size


def test_rare_tokens_are_dropped_from_a_thousand_texts_on(unit: str) -> None:
    small = make_vocabulary(unit).fit(["好"] * 998 + ["书"])
    large = make_vocabulary(unit).fit(["好"] * 999 + ["书"])
    assert "书" in small.tokens_
    assert "书" not in large.tokens_
    assert {"好"} <= set(large.tokens_)


@pytest.mark.parametrize("texts", [[], [""], [" \n"]])
def test_no_token_is_an_error(unit: str, texts: list[str]) -> None:
    with pytest.raises(DataError, match="min_count"):
        make_vocabulary(unit).fit(texts)


@pytest.mark.parametrize(
    "setting",
    [
        {"lowercase": "yes"}, {"min_count": 0}, {"min_count": 1.5}, {"min_count": True}, {"max_size": 2},
        {"max_size": "8000"}, {"unknown": "drop"}, {"unknown": None},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(unit: str, setting: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=next(iter(setting))):
        make_vocabulary(unit, **setting).fit(TEXTS)


def test_use_before_fit_is_refused(unit: str) -> None:
    vocabulary = make_vocabulary(unit)
    for use in (lambda: vocabulary.transform(TEXTS), vocabulary.to_files, lambda: len(vocabulary)):
        with pytest.raises(NotFittedError):
            use()
    assert not vocabulary.__sklearn_is_fitted__()
    assert vocabulary.fit(TEXTS).__sklearn_is_fitted__()


def test_one_string_is_refused(unit: str) -> None:
    with pytest.raises(SettingError):
        make_vocabulary(unit).fit(TEXTS).transform("好看")


class TestDamagedFiles:
    @pytest.fixture
    def content(self) -> dict[str, Any]:
        return dict(json.loads(make_vocabulary("char").fit(TEXTS).to_files()[FILE]))

    @pytest.mark.parametrize(
        "change",
        [
            {"tokens": ["[PAD]", "[UNK]"]}, {"counts": "many"}, {"unit": "sentence"}, {"unit": 3}, {"settings": []},
            {"settings": {"size": 3}}, {"settings": {"min_count": -1}}, {"more": 1},
        ],
    )  # fmt: skip
    def test_what_does_not_fit_together_is_refused(self, content: dict[str, Any], change: dict[str, Any]) -> None:
        with pytest.raises(ModelFolderError, match=FILE):
            _read({**content, **change})

    @pytest.mark.parametrize("token", ["好", 3, "[PAD]", "ab", ""])
    def test_a_false_token_is_refused(self, content: dict[str, Any], token: Any) -> None:
        content["tokens"][-1] = token
        with pytest.raises(ModelFolderError):
            _read(content)

    @pytest.mark.parametrize("count", [-1, 1.5, True, "1", None])
    def test_a_false_count_is_refused(self, content: dict[str, Any], count: Any) -> None:
        content["counts"][-1] = count
        with pytest.raises(ModelFolderError, match=FILE):
            _read(content)

    @pytest.mark.parametrize("files", [{}, {FILE: b"{"}, {FILE: b"[]"}])
    def test_no_vocabulary_is_refused(self, files: dict[str, bytes]) -> None:
        with pytest.raises(ModelFolderError, match=FILE):
            read_vocabulary(files)

    def test_another_unit_is_refused(self, content: dict[str, Any]) -> None:
        with pytest.raises(ModelFolderError, match="'char', not 'token'"):
            make_vocabulary("token").from_files({FILE: json.dumps(content).encode()})


def _read(content: dict[str, Any]) -> Vocabulary:
    return read_vocabulary({FILE: json.dumps(content).encode()})


def _same(found: Any, expected: Any) -> None:
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.bounds, expected.bounds)
