"""Probabilities as targets."""

from __future__ import annotations

import numpy as np
import pytest

from fenlei.exceptions import DataError, SettingError
from fenlei.models._soft_targets import SoftTargets


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_softened_as_their_logits_would_be(temperature):
    logits = np.random.default_rng(1).standard_normal((20, 4)) * 4

    def softmax(z):
        return np.exp(z) / np.exp(z).sum(1, keepdims=True)

    found = SoftTargets.of(softmax(logits), temperature=temperature)
    np.testing.assert_allclose(found.probabilities, softmax(logits / temperature), atol=1e-6)
    assert (found.indices == logits.argmax(1)).all()
    several = SoftTargets.of(1 / (1 + np.exp(-logits)), multi_label=True, temperature=temperature)
    np.testing.assert_allclose(several.probabilities, 1 / (1 + np.exp(-logits / temperature)), atol=1e-6)
    assert (several.indicator == (logits >= 0)).all()


def test_certain_answers_stay_certain():
    found = SoftTargets.of([[1.0, 0.0], [0.5, 0.5]], temperature=4)
    assert found.probabilities.tolist() == [[1, 0], [0.5, 0.5]]
    assert found.indices.tolist() == [0, 0]


@pytest.mark.parametrize(
    "given", [[0.5, 0.5], [[0.5, 0.4]], [[1.5, -0.5]], [[float("nan"), 1.0]], [[1.0]], [[[0.5, 0.5]]]]
)
def test_what_is_no_probability_is_refused(given):
    with pytest.raises(DataError, match="probabilities"):
        SoftTargets.of(given)


@pytest.mark.parametrize("temperature", [0, -1, float("inf"), float("nan")])
def test_temperatures_out_of_range_are_refused(temperature):
    with pytest.raises(SettingError, match="temperature must be a number above 0"):
        SoftTargets.of([[0.5, 0.5]], temperature=temperature)
