"""The index and the test against scipy and formulas written out another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, entropy

from fenlei.monitor.drift import Counted, categories, compare, holm, homogeneity, psi

counts = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), min_size=2, max_size=12)


def test_psi_worked_by_hand():
    """Shares 0.4, 0.6 and 0.5, 0.5, smoothed by a half: 40.5, 60.5 of 101 and 50.5, 50.5 of 101."""
    p, q = (40.5 / 101, 60.5 / 101), (0.5, 0.5)
    by_hand = (q[0] - p[0]) * math.log(q[0] / p[0]) + (q[1] - p[1]) * math.log(q[1] / p[1])
    assert psi([40, 60], [50, 50]) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(0.0398, abs=1e-4)


@given(counts)
def test_psi_is_the_sum_of_both_divergences(pairs):
    then, now = (np.array(row) + 0.5 for row in zip(*pairs, strict=True))
    index = psi(*zip(*pairs, strict=True))
    assert index == pytest.approx(entropy(then, now) + entropy(now, then), abs=1e-9)
    assert index >= 0
    assert index == pytest.approx(psi(*zip(*[(b, a) for a, b in pairs], strict=True)))


def test_psi_of_an_empty_bin_is_large_and_finite():
    assert 1 < psi([0, 1000], [500, 500]) < 10
    assert psi([0, 0], [0, 0]) == 0


@given(st.lists(st.tuples(st.integers(50, 500), st.integers(50, 500)), min_size=2, max_size=8))
def test_the_test_is_that_of_scipy(pairs):
    then, now = zip(*pairs, strict=True)
    assert homogeneity(then, now) == pytest.approx(chi2_contingency([then, now], correction=False).pvalue, rel=1e-9)


def test_bins_that_expect_too_few_are_joined():
    """Expected of the last bins: 0.5 and 1.5 in each row, joined with the second to 42."""
    then, now = [60, 40, 1, 0], [60, 40, 0, 3]
    joined = chi2_contingency([[60, 41], [60, 43]], correction=False).pvalue
    assert homogeneity(then, now) == pytest.approx(joined)


@given(counts)
def test_the_test_takes_any_counts(pairs):
    p = homogeneity(*zip(*pairs, strict=True))
    assert p is None or 0 <= p <= 1


def test_without_drift_psi_is_as_large_as_its_law_says():
    """Of k bins its mean is (1/n + 1/m)(k - 1)."""
    random = np.random.default_rng(3)
    n, m, k = 3000, 1000, 10
    found = np.mean([psi(random.multinomial(n, [1 / k] * k), random.multinomial(m, [1 / k] * k)) for _ in range(2000)])
    assert found == pytest.approx((1 / n + 1 / m) * (k - 1), rel=0.05)


def test_without_drift_nothing_is_told_in_19_of_20_cases():
    random = np.random.default_rng(4)
    share = np.array([0.5, 0.2, 0.1, 0.1, 0.05, 0.05])
    p = [homogeneity(random.multinomial(500, share), random.multinomial(200, share)) for _ in range(2000)]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.015)


def test_holm_worked_by_hand():
    assert holm([0.04, 0.001, None, 0.03, 0.5]) == pytest.approx([0.09, 0.004, None, 0.09, 0.5])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def counted(then, now, feature="label"):
    return Counted(feature, tuple(f"b{i}" for i in range(len(then))), tuple(then), tuple(now))


@pytest.mark.parametrize(
    ("then", "now", "verdict"),
    [
        ([5000, 5000], [5000, 5000], "none"),
        ([5000, 5000], [300, 700], "slight"),
        ([5000, 5000], [100, 900], "strong"),
        ([50, 50], [20, 79], "too few to say"),
        ([49, 50], [2000, 20], "too few to say"),
        ([100_000, 100_000], [101_000, 99_000], "none"),  # significant, and of no matter
    ],
)
def test_verdicts(then, now, verdict):
    (found,) = compare([counted(then, now)])
    assert found.verdict == verdict
    assert (found.psi is None) == (verdict == "too few to say")


def test_what_chance_could_do_is_no_drift():
    """Twenty bins and 120 texts: a PSI above 0.25 that the test does not call drift."""
    random = np.random.default_rng(0)
    rows = (random.multinomial(120, [0.05] * 20) for _ in range(40))
    found = max((compare([counted([500] * 20, row)])[0] for row in rows), key=lambda drift: drift.psi)
    assert found.psi > 0.25
    assert found.verdict == "none"


def test_several_features_are_corrected_together():
    one, other = counted([500, 500], [230, 270], "a"), counted([500, 500], [250, 250], "b")
    alone, (found, _) = compare([one])[0], compare([one, other])
    assert found.p_value == alone.p_value
    assert found.p_adjusted == pytest.approx(2 * alone.p_value)


def test_many_categories_are_the_commonest_and_the_others():
    then = {f"c{i:02}": 100 - i for i in range(60)}
    found = categories("label", then, {"c59": 500, "new": 400})
    assert len(found.names) == 20
    assert {"c59", "new", "c00", "…"} <= set(found.names)
    assert (sum(found.then), sum(found.now)) == (sum(then.values()), 900)


def test_plain_values():
    plain = compare([counted([50, 50], [100, 0])])[0].to_dict()
    assert plain["bins"] == [
        {"name": "b0", "reference": 0.5, "now": 1.0}, {"name": "b1", "reference": 0.5, "now": 0.0}
    ]  # fmt: skip
    assert (plain["n"], plain["n_reference"]) == (100, 100)
