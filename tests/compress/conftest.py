"""Networks of any shape with random weights, made in milliseconds: what folding does depends on no training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

TEXTS = ["房间很干净", "服务很好 good service", "一般般吧，a bit dull", "又脏又差"]


def random_network(**settings: Any) -> Any:
    """A textcnn as `fit` would leave it, with large random weights and biases."""
    from fenlei.models.textcnn import TextCnnClassifier

    multi_label = settings.pop("multi_label", False)
    model = TextCnnClassifier(**{"dim": 6, "parts": 32, **settings})
    model.classes_, model.multi_label_ = np.array(["bad", "good", "so-so"]), multi_label
    model.preparation_ = model._preparation().fit(TEXTS)
    model.inputs_ = model._inputs().fit(model.preparation_.transform(TEXTS))
    model.history_, model.best_epoch_, model.excited_ = [], 0, [[], [], []]
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model.network_ = model._empty_network(6).eval()
        for parameter in model.network_.parameters():
            torch.nn.init.normal_(parameter, std=0.4)
    return model


@pytest.fixture
def network() -> Callable[..., Any]:
    return random_network
