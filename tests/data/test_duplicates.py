"""Near duplicates against a plain Python answer over all pairs."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest

from fenlei._codepoints import codepoints
from fenlei.data import duplicates
from fenlei.data._minhash import find_leaders, find_matches
from fenlei.data.duplicates import NearIndex, choose_bands, first_occurrences, near_duplicates, normalised
from fenlei.exceptions import SettingError

HANZI = "的一是不了人我在有他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后"


@cache
def trigrams(text: str) -> frozenset[str]:
    return frozenset(text[i : i + 3] for i in range(len(text) - 2))


def jaccard(left: str, right: str) -> float:
    a, b = trigrams(left), trigrams(right)
    common = len(a & b)
    return common / (len(a) + len(b) - common)


def perturbed_texts(seed: int, alphabet: str, count: int = 100) -> list[str]:
    """Random texts, each followed by versions with one to four characters changed."""
    rng = random.Random(seed)
    texts = []
    for _ in range(count):
        base = [rng.choice(alphabet) for _ in range(rng.randint(15, 100))]
        texts.append("".join(base))
        for changes in range(1, 5):
            copy = base.copy()
            for _ in range(changes):
                copy[rng.randrange(len(copy))] = rng.choice(alphabet)
            texts.append("".join(copy))
    rng.shuffle(texts)
    return texts


def pairs_by_hand(texts: list[str], near: float) -> set[tuple[int, int]]:
    count = len(texts)
    return {(i, j) for j in range(count) for i in range(j) if jaccard(texts[i], texts[j]) >= near}


def leaders_by_hand(texts: list[str], near: float) -> set[int]:
    """Texts that are near to one kept before."""
    kept: list[str] = []
    gone = set()
    for i, text in enumerate(texts):
        if any(jaccard(text, other) >= near for other in kept):
            gone.add(i)
        else:
            kept.append(text)
    return gone


@pytest.mark.parametrize("near", [0.5, 0.7, 0.8, 0.9])
@pytest.mark.parametrize("alphabet", [HANZI, "abcdefghij "], ids=["zh", "en"])
def test_matches_find_the_pairs_of_a_plain_search(near: float, alphabet: str) -> None:
    texts = [normalised(text) for text in perturbed_texts(3, alphabet)]
    half = len(texts) // 2
    index = NearIndex(texts, near=near)
    matches = index.matches(range(half, len(texts)), range(half)).tolist()
    expected = {j for i, j in pairs_by_hand(texts, near) if i < half <= j}
    found = {half + k for k, match in enumerate(matches) if match >= 0}
    assert found <= expected  # exact verification: no false alarm
    assert len(expected) >= 12
    assert len(found) >= 0.97 * len(expected)
    assert all(jaccard(texts[half + k], texts[m]) >= near for k, m in enumerate(matches) if m >= 0)


@pytest.mark.parametrize("near", [0.6, 0.8])
def test_leaders_find_what_a_plain_search_drops(near: float) -> None:
    texts = perturbed_texts(5, HANZI)
    leaders = NearIndex(texts, near=near).leaders(range(len(texts))).tolist()
    gone = {i for i, leader in enumerate(leaders) if leader != i}
    expected = leaders_by_hand(texts, near)
    assert len(gone ^ expected) <= 0.03 * len(expected)
    for i, leader in enumerate(leaders):
        assert leader <= i
        assert leaders[leader] == leader  # the one named is kept
        assert i == leader or jaccard(texts[i], texts[leader]) >= near


@pytest.mark.parametrize(
    ("changes", "copies", "different"), [(1, 250, 1), (5, 1, 150)], ids=["copies", "many common bands"]
)
def test_texts_below_the_threshold_do_not_hide_a_match(changes: int, copies: int, different: int) -> None:
    """Six places of 150 changed make a similarity of 0.78, five make 0.82."""
    rng = random.Random(1)

    def changed(text: str, places: int) -> str:
        characters = list(text)
        for place in range(places):
            characters[25 * place + rng.randrange(2, 20)] = rng.choice("123456789")
        return "".join(characters)

    texts = ["".join(map(chr, rng.sample(range(0x4E00, 0x9000), 150))) for _ in range(30)]
    for text in texts:
        unlike = [changed(text, 6) for _ in range(different)] * copies
        index = NearIndex([*unlike, changed(text, changes), text])
        assert index.matches([len(unlike) + 1], range(len(unlike) + 1)).tolist() == [len(unlike)]


def test_groups_keep_apart() -> None:
    texts = ["酒店的房间很干净服务也不错"] * 4
    index = NearIndex(texts)
    assert index.leaders([0, 1, 2, 3], groups=[0, 1, 0, 1]).tolist() == [0, 1, 0, 1]
    assert index.leaders([3, 1]).tolist() == [3, 3]  # in the order of the rows given


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = perturbed_texts(11, HANZI, count=30)
    answers = []
    for processors in (1, 2, 7):
        monkeypatch.setattr(duplicates, "n_threads", lambda processors=processors: processors)
        answers.append(NearIndex(texts).matches(range(75), range(75, 150)).tolist())
    assert answers[0] == answers[1] == answers[2]


def test_many_copies_of_a_template_stay_fast() -> None:
    texts = [f"尊敬的客户您好您的快递已经到达请凭取件码{i:04d}到门口的柜子领取谢谢" for i in range(5000)]
    groups = near_duplicates(texts, near=0.6)
    assert sum(map(len, groups)) > 4900


@pytest.mark.parametrize(("others", "found"), [(4999, True), (5000, False)])
def test_a_text_passes_some_thousands_of_unlike_candidates(others: int, found: bool) -> None:
    last = others + 1
    codes, offsets = codepoints(["abcdefgh"] * (last + 1))
    sketches = np.random.default_rng(0).integers(1, 256, (last + 1, 8), np.uint8)
    sketches[[0, last]] = 0
    rows, leaders, matches = np.arange(last + 1), np.empty(last + 1, np.int64), np.empty(1, np.int64)
    find_leaders(codes, offsets, rows, rows[None] - 1, sketches, 8.0, 0.8, leaders)
    assert leaders.tolist() == [*range(last), 0 if found else last]
    low, high, candidates = np.array([[0]]), np.array([[last]]), rows[None, last - 1 :: -1].copy()
    find_matches(codes, offsets, rows[last:], candidates, low, high, sketches, 8.0, 0.8, 0, 1, matches)
    assert matches.tolist() == [0 if found else -1]


def test_copies_of_other_groups_are_not_in_the_way() -> None:
    texts = ["酒店的房间很干净服务也不错"] * 8000
    groups = np.arange(8000)
    groups[-1] = 0
    leaders = NearIndex(texts).leaders(range(8000), groups)
    assert leaders.tolist() == [*range(7999), 0]


def test_short_texts_are_left_out() -> None:
    assert near_duplicates(["一二三四五六七"] * 2) == []
    assert near_duplicates(["一二三四五六七八"] * 2) == [[0, 1]]
    assert near_duplicates([]) == []
    assert near_duplicates(["", ""]) == []


def test_near_one_finds_equal_sets_only() -> None:
    texts = ["abcdefghijk", "ABC defghijk", "abcdefghijkl"]
    assert near_duplicates(texts, near=1.0) == [[0, 1]]


def test_odd_texts() -> None:
    texts = ["\ud800" * 9, "\x00" * 20, "\U0001f600" * 12, "好" * 100_000, "\ud800" * 9, " \n" * 50]
    assert near_duplicates(texts) == [[0, 4]]


@pytest.mark.parametrize("near", [0.0, -1.0, 1.01, float("nan")])
def test_threshold_out_of_range(near: float) -> None:
    with pytest.raises(SettingError, match="near must be over 0"):
        near_duplicates(["a"], near=near)


@pytest.mark.parametrize("near", np.linspace(0.3, 1.0, 15).tolist())
def test_bands_reach_the_recall(near: float) -> None:
    bands, rows = choose_bands(near)
    assert bands * rows <= 128
    assert 1 - (1 - near**rows) ** bands >= 0.99


def test_normalised_and_first_occurrences() -> None:
    assert normalised("　Straße\u00a0 很\n好 ") == "strasse很好"
    assert first_occurrences([("a", 1), ("a", 2), ("a", 1)]) == [0, 1, 0]
