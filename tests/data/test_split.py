from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fenlei.data.dataset import Dataset
from fenlei.data.split import split
from fenlei.exceptions import DataError, FenleiError, SettingError


def dataset(targets: list[str] | list[list[str]] | None, texts: list[str] | None = None, n: int = 0) -> Dataset:
    texts = texts or [f"文本 {i}" for i in range(len(targets) if targets else n)]
    return Dataset(texts, targets, range(2, len(texts) + 2), "demo.csv", "utf-8", ("note",))


def test_every_label_gives_its_share() -> None:
    data = dataset(["a"] * 500 + ["b"] * 300 + ["c"] * 200)
    train, validation = split(data, fraction=0.2)
    assert Counter(validation.targets) == {"a": 100, "b": 60, "c": 40}
    assert Counter(train.targets) == {"a": 400, "b": 240, "c": 160}


def test_rounding_is_settled_by_largest_remainder() -> None:
    data = dataset([f"label{i}" for i in range(25) for _ in range(4)])  # 25 shares of 0.4 rows
    _, validation = split(data, fraction=0.1)
    assert len(validation) == 10
    assert max(Counter(validation.targets).values()) == 1


def test_the_two_sides_are_the_whole_in_order_and_keep_rows_and_source() -> None:
    data = dataset(["a", "b"] * 30)
    train, validation = split(data)
    assert sorted([*train.rows, *validation.rows]) == list(data.rows)
    assert list(train.rows) == sorted(train.rows)
    assert list(validation.rows) == sorted(validation.rows)
    for side in (train, validation):
        assert (side.source, side.encoding, side.warnings) == ("demo.csv", "utf-8", ("note",))
        assert all(side.texts[i] == data.texts[row - 2] for i, row in enumerate(side.rows))


def test_a_label_with_one_text_stays_in_training() -> None:
    data = dataset(["a"] * 50 + ["rare"])
    assert all("rare" in split(data, fraction=0.5, seed=seed)[0].targets for seed in range(20))


def test_the_seed_decides_and_numpys_global_state_is_left_alone() -> None:
    data = dataset(["a", "b"] * 100)
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = split(data, seed=5)[1].rows
    np.random.seed(2)  # noqa: NPY002
    assert split(data, seed=5)[1].rows == first
    assert split(data, seed=6)[1].rows != first
    np.random.seed(1)  # noqa: NPY002
    split(data)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_equal_texts_stay_together_case_and_space_ignored() -> None:
    texts = [variant for i in range(60) for variant in (f"Same 好 {i}", f"same好{i}", f" SAME\t好 {i}")]
    data = dataset(["a", "b", "a"] * 60, texts)
    train, validation = split(data, fraction=0.3)
    fold = ["".join(text.split()).casefold() for text in train.texts]
    assert not set(fold) & {"".join(text.split()).casefold() for text in validation.texts}
    assert 0.25 * 180 <= len(validation) <= 0.35 * 180


def test_multi_label_keeps_the_share_of_each_label() -> None:
    rng = np.random.default_rng(0)
    shares = {"common": 0.6, "half": 0.3, "some": 0.1, "rare": 0.02}
    targets = [[label for label, share in shares.items() if rng.random() < share] for _ in range(2000)]
    train, validation = split(dataset(targets), fraction=0.2)
    assert len(validation) == pytest.approx(400, abs=8)
    held = Counter(label for labels in validation.targets for label in labels)
    kept = Counter(label for labels in train.targets for label in labels)
    for label in shares:
        assert held[label] == pytest.approx(0.2 * (held[label] + kept[label]), abs=2)
    assert sum(not labels for labels in validation.targets) == pytest.approx(
        0.2 * sum(not labels for labels in targets), abs=2
    )


def test_a_multi_label_label_with_one_text_stays_in_training() -> None:
    data = dataset([["a"], ["a", "b"]] * 30 + [["a", "rare"]])
    assert all(["a", "rare"] in split(data, fraction=0.4, seed=seed)[0].targets for seed in range(10))


def test_repeated_labels_in_a_list_count_once() -> None:
    train, validation = split(dataset([["a", "a"], ["b"]] * 20), fraction=0.25)
    assert (len(train), len(validation)) == (30, 10)


def test_unlabelled_sets_are_split_too() -> None:
    train, validation = split(dataset(None, n=50), fraction=0.2)
    assert (len(train), len(validation)) == (40, 10)
    assert validation.targets is None


@pytest.mark.parametrize("targets", [["a"], ["a", "b"], [["a"]], None])
def test_too_few_texts_are_an_error(targets: list[str] | None) -> None:
    with pytest.raises(DataError, match=r"demo\.csv: \d different texts are too few"):
        split(dataset(targets, n=1), fraction=0.5)


@pytest.mark.parametrize("options", [{"fraction": 0}, {"fraction": 1.0}, {"fraction": float("nan")}, {"fraction": "x"}])
def test_settings_out_of_range(options: dict[str, float]) -> None:
    with pytest.raises(SettingError, match="fraction must be between 0 and 1"):
        split(dataset(["a"] * 9), **options)


@pytest.mark.parametrize("seed", [-1, 1.5, True])
def test_bad_seeds(seed: int) -> None:
    with pytest.raises(SettingError, match="seed must be"):
        split(dataset(["a"] * 9), seed=seed)


LABELS = st.sampled_from("abc")


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.lists(st.tuples(st.sampled_from("uvwxyzUV "), LABELS), min_size=1, max_size=40),
        st.lists(st.tuples(st.text(max_size=3), st.lists(LABELS, max_size=3, unique=True)), min_size=1, max_size=40),
    ),
    st.floats(0.01, 0.99),
)
def test_any_set_is_split_without_loss_or_leak(rows: list[tuple[str, str]], fraction: float) -> None:
    data = dataset([target for _, target in rows], [text for text, _ in rows])
    try:
        train, validation = split(data, fraction=fraction)
    except FenleiError:
        return
    assert len(train) + len(validation) == len(data)
    folded = [{"".join(text.split()).casefold() for text in side.texts} for side in (train, validation)]
    assert not folded[0] & folded[1]
    assert len(train) and len(validation)
