"""The picture is an SVG whose Chinese is text, not boxes."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from fenlei.pretrain.picture import draw_history


@pytest.mark.parametrize(("seconds", "axis"), [(40.0, "seconds"), (4000.0, "minutes")])
def test_text_is_text_in_a_font_with_chinese(seconds, axis):
    history = [{"seconds": 0.0, "accuracy": 0.0}, {"seconds": seconds, "accuracy": 0.31}]
    svg = draw_history(history, is_masked=True)
    ElementTree.fromstring(svg)
    assert "遮盖词预测准确率" in svg and f"{axis} of training" in svg and "Noto Sans CJK SC" in svg
    assert "DejaVu" not in svg
    assert draw_history(history, is_masked=True) == svg


def test_one_point_is_enough():
    assert "下一词" in draw_history([{"seconds": 0.0, "accuracy": 0.0}], is_masked=False)
