from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fenlei.exceptions import SettingError
from fenlei.features.hashing import HashingFeatures
from fenlei.features.ngrams import NgramCounts

TEXTS = ["好看，非常好看！", "a good, good film", "", "don't 好看", "\ud800", "好看 good " * 50]


@pytest.mark.parametrize("bits", [8, 12])
def test_columns_are_the_n_grams_folded_by_their_hash(bits: int) -> None:
    counts = NgramCounts()
    expected = np.zeros((len(TEXTS), 1 << bits))
    columns = (counts.fit(TEXTS).hashes_ >> np.uint64(20)) & np.uint64((1 << bits) - 1)
    np.add.at(expected.T, columns.astype(int), counts.transform(TEXTS).toarray().T)
    found = HashingFeatures(bits=bits, tf="count", norm=False).transform(TEXTS)
    np.testing.assert_array_equal(found.toarray(), expected)


def test_nothing_is_learned() -> None:
    fresh, fitted = HashingFeatures(bits=10), HashingFeatures(bits=10).fit(["something else"])
    assert (fresh.transform(TEXTS) != fitted.transform(TEXTS)).nnz == 0
    assert (fresh.fit_transform(TEXTS) != fitted.transform(TEXTS)).nnz == 0


def test_rows_have_norm_one_unless_they_are_empty() -> None:
    rows = HashingFeatures(bits=10).transform([*TEXTS, ""]).toarray()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 0, 1, 0, 1, 0], atol=1e-6)


def test_columns_are_named_by_their_number() -> None:
    names = HashingFeatures(bits=8).get_feature_names_out()
    assert names.shape == (256,)
    assert names[255] == "hash255"


@pytest.mark.parametrize(
    "settings", [{"bits": 7}, {"bits": 27}, {"bits": 10.0}, {"bits": None}, {"ngrams": (2, 1)}, {"tf": "sqrt"}]
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    features = HashingFeatures(**settings)
    with pytest.raises(SettingError, match=next(iter(settings))):
        features.fit_transform(["a"])
