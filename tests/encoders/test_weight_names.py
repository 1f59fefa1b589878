"""Names of weights in few words."""

from __future__ import annotations

import pytest

from fenlei.encoders.weight_names import shortened


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["w"], ["w"]),
        (["3"], ["3"]),
        ([f"h.{i}.w" for i in range(12)], ["h.0-11.w"]),
        (["h.9.w", "h.10.w", "h.2.w"], ["h.2,9-10.w"]),
        (["h.0.w", "h.1.b"], ["h.0.w", "h.1.b"]),
        ([f"h.{i}.e.{j}.w" for i in (0, 1) for j in (0, 1, 2)], ["h.0-1.e.0-2.w"]),
        (["h.0.e.0.w", "h.0.e.1.w", "h.1.e.0.w"], ["h.0.e.0-1.w", "h.1.e.0.w"]),
    ],
    ids=str,
)
def test_all_names_are_there_and_equal_ones_once(names, expected):
    assert shortened(names) == expected
