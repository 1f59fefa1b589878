"""Every network can be exported, and its graph gives its probabilities; every other family says why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fenlei.exceptions import SettingError
from fenlei.families import find_family

pytest.importorskip("onnxruntime")

TEXTS = [
    "", "好", "a good film", " ", "\ud800", "股票大涨，基金上涨", "好看 great " * 60, "The team won the match", "\x00",
    "国足比赛进球了" * 3, "😀", "央行降息",
]  # fmt: skip


def test_the_graph_gives_the_networks_probabilities(family: str, make: Any, topics: Any) -> None:
    from fenlei.compress.onnx_export import export_onnx

    names = find_family(family).parameter_names()
    model = make(**({"epochs": 2} if "epochs" in names else {"steps": 2} if "steps" in names else {}))
    model.fit(topics.texts, topics.labels)
    if not hasattr(model, "network_"):
        with pytest.raises(SettingError, match="no network; it is already served without torch"):
            export_onnx(model)
        return
    exported = export_onnx(model)
    found, expected = exported.predict_proba(TEXTS), model.predict_proba(TEXTS)
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
    assert exported.predict(TEXTS).tolist() == model.predict(TEXTS).tolist()
    alone = np.vstack([exported.predict_proba([text]) for text in TEXTS])
    np.testing.assert_allclose(alone, found, atol=1e-5, rtol=0)
