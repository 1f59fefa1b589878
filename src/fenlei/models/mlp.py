r"""``mlp``: the mean of a text's token vectors, then hidden layers: a deep averaging network.

.. math:: x = \frac{1}{|T|} \sum_{t \in T} v_t, \qquad x \leftarrow \operatorname{relu}(W x + b)
    \;\text{(each hidden layer)}

T are the tokens that word dropout leaves; it drops whole tokens in training.

Iyyer, Manjunatha, Boyd-Graber, Daumé, "Deep Unordered Composition Rivals Syntactic Methods for Text Classification",
ACL 2015.

Cost: one sum over the tokens and small matrix products; only fasttext is cheaper among the networks. The order of the
tokens is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from fenlei._checks import check_choice, check_number, check_sizes
from fenlei.layers.dense import HiddenLayers
from fenlei.layers.dropout import KeyedDropout
from fenlei.layers.embedding import Embedded
from fenlei.layers.places import at_least_one
from fenlei.layers.pooling import pool
from fenlei.models._network import TextNetwork, TextNetworkConfig
from fenlei.models._neural import NeuralTextClassifier

NORMS = ("mean", "sqrt")


class MlpConfig(TextNetworkConfig):
    """Settings of `Mlp`; see `MlpClassifier`."""

    model_type = "fenlei-mlp"
    hidden: list[int] | tuple[int, ...] = (256,)
    norm: str = "mean"
    max_pooling: bool = False
    word_dropout: float = 0.3


class Mlp(TextNetwork):
    """The deep averaging network of Iyyer et al. (2015)."""

    config_class = MlpConfig

    def build(self, config: MlpConfig) -> int:
        """Make the hidden layers."""
        self.word_dropout = KeyedDropout(config.word_dropout, salt=3)
        features = config.dim * (2 if config.max_pooling else 1)
        self.hidden = HiddenLayers(features, config.hidden, dropout=config.dropout, salt=4)
        return self.hidden.out_features

    def encode(self, embedded: Embedded, keys: Tensor | None) -> Tensor:
        """Average the tokens, and transform the average."""
        x = embedded.dense()
        kept = (self.word_dropout(embedded.mask().float(), keys) > 0)[..., None]
        n = at_least_one(kept.sum(1))
        parts = [(x * kept).sum(1) / (n.sqrt() if self.config.norm == "sqrt" else n)]
        if self.config.max_pooling:
            parts.append(pool(x, at_least_one(embedded.lengths), "max"))
        hidden: Tensor = self.hidden(torch.cat(parts, 1), keys)
        return hidden


class MlpClassifier(NeuralTextClassifier):
    """Deep averaging network of Iyyer et al. (2015).

    Parameters
    ----------
    hidden : sequence of int, default=(256,)
        Sizes of the hidden layers; without any, the classes are linear in the average.
    norm : {"mean", "sqrt"}, default="mean"
        Whether the sum of the vectors is divided by the number of tokens or by its square root.
    max_pooling : bool, default=False
        Whether the hidden layers see the largest of each value over the text beside the average.
    word_dropout : float, default=0.3
        Share of the tokens of a text left out of the average in training.
    learning_rate : float, default=0.003
        The highest of the schedule.
    **shared
        What all networks have; see `fenlei.models._neural.NeuralTextClassifier`.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    multi_label_ : bool
    network_ : Mlp
        A Hugging Face model.
    history_ : list of dict
        Loss and accuracy of each epoch.

    Examples
    --------
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> model = MlpClassifier(epochs=30, dim=16, hidden=[16], word_dropout=0.0, dropout=0.0, learning_rate=0.01)
    >>> model.fit(texts, ["good", "good", "bad", "bad"]).predict(["很干净", "太脏"]).tolist()
    ['good', 'bad']
    """

    family = "mlp"
    network_class = Mlp

    def __init__(
        self,
        *,
        hidden: Sequence[int] = (256,),
        norm: Literal["mean", "sqrt"] = "mean",
        max_pooling: bool = False,
        word_dropout: float = 0.3,
        learning_rate: float = 0.003,
        **shared: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **shared)
        self.hidden = hidden
        self.norm = norm
        self.max_pooling = max_pooling
        self.word_dropout = word_dropout

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        check_sizes(self, "hidden")
        check_choice(self, "norm", *NORMS)
        check_choice(self, "max_pooling", True, False)
        check_number(self, "word_dropout", least=0, most=0.99)
        super().check_settings()

    def network_settings(self) -> dict[str, Any]:
        """Give the settings of the network that are this family's own."""
        return {
            "hidden": list(self.hidden), "norm": self.norm, "max_pooling": self.max_pooling,
            "word_dropout": self.word_dropout,
        }  # fmt: skip
