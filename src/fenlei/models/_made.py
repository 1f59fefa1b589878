"""Models that are not trained but made from trained ones, to be used without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn

import numpy as np
from numpy.typing import NDArray

from fenlei.base import Floats, Held, TextClassifier
from fenlei.exceptions import SettingError
from fenlei.targets import Targets

if TYPE_CHECKING:
    from fenlei.engine.recipe import Run


class MadeClassifier(TextClassifier):
    """Base of the families that a command makes."""

    trainable: ClassVar[bool] = False
    refusal: ClassVar[str]
    """What is said to whoever would train one: how one is made."""

    def check_settings(self) -> NoReturn:
        """Refuse to be trained."""
        raise SettingError(self.refusal)

    def _fit(
        self, texts: list[str], targets: Targets, weights: NDArray[np.float64], held: Held | None, run: Run | None
    ) -> None:
        self.check_settings()

    def _probabilities(self, logits: Floats) -> Floats:
        """Turn logits of shape (n_texts, n_classes) into probabilities."""
        if self.multi_label_:
            return 1 / (1 + np.exp(-np.clip(logits, -700, 700)))
        odds = np.exp(logits - logits.max(1, keepdims=True))
        found: Floats = odds / odds.sum(1, keepdims=True)
        return found
