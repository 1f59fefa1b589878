r"""``fewshot``: an encoder that learns from a few texts a class which of them are alike, and a logistic regression.

Each step draws pairs of texts of one class, and the encoder is trained to give them vectors that point the same way,
and others than those of all other texts of the batch; then a logistic regression over the vectors is fitted, as in
`fenlei.models.probe`. Sixteen texts give hundreds of pairs, which is what makes the training of a whole encoder from so
few of them possible: Tunstall et al., "Efficient Few-Shot Learning Without Prompts" (SetFit), 2022. Where that paper
scores explicit pairs by their cosine, the loss here is the supervised contrastive one of Khosla et al. 2020, see
`fenlei.models._contrastive`: it learns from all pairs of a batch for the price of encoding its texts once.

Cost: ``steps`` times twice ``batch_size`` texts forward and backward, however many texts there are, and each text once
forward.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fenlei._checks import check_choice, check_number
from fenlei._processes import refuse_several_processes
from fenlei.encoders.training import quicken
from fenlei.encoders.windows import Windows
from fenlei.engine.recipe import PRECISIONS, Recipe, Run
from fenlei.engine.trainer import train_network
from fenlei.models._contrastive import ContrastiveLoss, ContrastiveNetwork, Draws
from fenlei.models._embedding import EmbeddingTextClassifier
from fenlei.models._gradient import plain
from fenlei.targets import Targets

_RECIPE = (
    "batch_size", "learning_rate", "warmup", "weight_decay", "max_grad_norm", "precision", "device", "seed",
)  # fmt: skip
_PASSES = 4  # pairs drawn for each text; with more, a few texts are learned by heart
_FEWEST_STEPS, _MOST_STEPS = 40, 200


class FewshotClassifier(EmbeddingTextClassifier):
    """A pretrained encoder, tuned by comparing texts with one another, and a logistic regression over its vectors.

    Parameters
    ----------
    steps : int or None, default=None
        Of the training; None is as many as draw four pairs for each text, from 40 to 200.
    batch_size : int, default=8
        Pairs of a step.
    temperature : float, default=0.1
        What cosines are divided by; a lower one minds the nearest texts more.
    learning_rate : float, default=0.00002
        The highest of the schedule, which rises to it and falls in a line to 0.
    warmup : float, default=0.1
        Share of the steps over which the rate rises.
    weight_decay : float, default=0.01
        How strongly weights are drawn to 0.
    max_grad_norm : float, default=1.0
        Longer gradients are scaled down to this length; 0 leaves them.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Of matrix products in training; ``auto`` is bfloat16 where the processor has units for it.
    C : float, default=3.0
        Of the regression: what an error costs against large weights, above 0.
    **shared
        See `fenlei.models._embedding.EmbeddingTextClassifier`.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    multi_label_ : bool
    network_ : EmbeddingNetwork
        A Hugging Face model: encoder, pooling and linear layer.
    tokenizer_ : EncoderTokenizer
    history_ : list of dict
        One: loss of the training, and as ``accuracy`` the share of texts whose nearest in the batch shares a label.
    """

    family = "fewshot"
    trains_in_epochs = True
    history_: list[dict[str, float]]

    def __init__(
        self,
        *,
        steps: int | None = None,
        batch_size: int = 8,
        temperature: float = 0.1,
        learning_rate: float = 2e-5,
        warmup: float = 0.1,
        weight_decay: float = 0.01,
        max_grad_norm: float = 1.0,
        precision: Literal["auto", "float32", "bfloat16"] = "auto",
        C: float = 3.0,
        **shared: Any,
    ) -> None:
        super().__init__(C=C, **shared)
        self.steps = steps
        self.batch_size = batch_size
        self.temperature = temperature
        self.learning_rate = learning_rate
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
        self.precision = precision

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        check_number(self, "steps", least=1, most=1_000_000, whole=True, optional=True)
        check_number(self, "batch_size", least=2, most=100_000, whole=True)
        check_number(self, "temperature", least=0.001, most=100)
        check_number(self, "learning_rate", above=0, most=100)
        check_number(self, "warmup", least=0, most=1)
        check_number(self, "C", above=0)
        for name in ("weight_decay", "max_grad_norm"):
            check_number(self, name, least=0)
        check_choice(self, "precision", *PRECISIONS)
        super().check_settings()

    def _tune(self, windows: Windows, targets: Targets, weights: NDArray[np.float64], run: Run) -> None:
        """Let the encoder learn which texts are alike; every text of a batch is compared with every other."""
        refuse_several_processes("fewshot")
        size = int(self.batch_size)
        draws = Draws.of(windows, self.tokenizer_.pad_id, targets, weights, self._steps(len(windows)) * size)
        quicken(self.network_.encoder)
        self.network_.classifier.requires_grad_(False)
        network = ContrastiveNetwork(self.network_, float(self.temperature))
        outcome = train_network(network, draws, None, ContrastiveLoss(multi_label=False), self._recipe(), run)
        self.network_.requires_grad_(True)
        self.history_ = outcome.history

    def _steps(self, n_texts: int) -> int:
        if self.steps is not None:
            return int(self.steps)
        return int(np.clip(_PASSES * n_texts // int(self.batch_size), _FEWEST_STEPS, _MOST_STEPS))

    def _recipe(self) -> Recipe:
        given = {name: plain(getattr(self, name)) for name in _RECIPE}
        return Recipe(epochs=1, **given)

    def _learned(self) -> dict[str, Any]:
        return super()._learned() | {"history": self.history_}

    def _take_learned(self, learned: Mapping[str, Any]) -> None:
        super()._take_learned(learned)
        self.history_ = list(learned["history"])
