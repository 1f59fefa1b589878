r"""``textrcnn``: each token with what stands before and behind it, as a recurrent network tells it, then max pooling.

.. math::

    l_p &= \operatorname{cell}(x_{p-1}, l_{p-1}), \qquad r_p = \operatorname{cell}(x_{p+1}, r_{p+1}) \\
    y &= \max_p \tanh(W [l_p; x_p; r_p] + b)

It is a convolution whose filters see the whole text, each place in its own way.

Lai, Xu, Liu, Zhao, "Recurrent Convolutional Neural Networks for Text Classification", AAAI 2015. Their contexts come
from a simple recurrence (``cell="rnn"``); an LSTM, the default, remembers further.

Cost: as textrnn, plus one matrix product a token.
"""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from fenlei._checks import check_choice, check_number
from fenlei.layers.embedding import Embedded
from fenlei.layers.heads import RecurrentConvolution
from fenlei.layers.places import at_least_one
from fenlei.layers.recurrent import CELLS
from fenlei.models._network import TextNetwork, TextNetworkConfig
from fenlei.models._neural import NeuralTextClassifier


class TextRcnnConfig(TextNetworkConfig):
    """Settings of `TextRcnn`; see `TextRcnnClassifier`."""

    model_type = "fenlei-textrcnn"
    cell: str = "lstm"
    context: int = 128
    hidden: int = 256


class TextRcnn(TextNetwork):
    """The network of Lai et al. (2015)."""

    config_class = TextRcnnConfig

    def build(self, config: TextRcnnConfig) -> int:
        """Make the recurrence and the layer over token and contexts."""
        self.convolution = RecurrentConvolution(config.dim, config.context, config.hidden, cell=config.cell)
        return config.hidden

    def encode(self, embedded: Embedded, keys: Tensor | None) -> Tensor:
        """Join each token with its contexts, transform and pool."""
        pooled: Tensor = self.convolution(embedded.dense(), at_least_one(embedded.lengths))
        return pooled


class TextRcnnClassifier(NeuralTextClassifier):
    """Recurrent convolutional network of Lai et al. (2015).

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        Who tells the contexts: long short-term memory, a gated recurrent unit, or the paper's simple recurrence.
    context : int, default=128
        Size of the context on each side.
    hidden : int, default=256
        Size of the layer over a token and its contexts.
    **shared
        What all networks have; see `fenlei.models._neural.NeuralTextClassifier`.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    multi_label_ : bool
    network_ : TextRcnn
        A Hugging Face model.
    history_ : list of dict
        Loss and accuracy of each epoch.

    Examples
    --------
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> model = TextRcnnClassifier(epochs=30, dim=16, context=8, hidden=16, dropout=0.0, learning_rate=0.01)
    >>> model.fit(texts, ["good", "good", "bad", "bad"]).predict(["很干净", "太脏"]).tolist()
    ['good', 'bad']
    """

    family = "textrcnn"
    network_class = TextRcnn

    def __init__(
        self, *, cell: Literal["lstm", "gru", "rnn"] = "lstm", context: int = 128, hidden: int = 256, **shared: Any
    ) -> None:
        super().__init__(**shared)
        self.cell = cell
        self.context = context
        self.hidden = hidden

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        check_choice(self, "cell", *CELLS)
        check_number(self, "context", least=1, most=10_000, whole=True)
        check_number(self, "hidden", least=1, most=10_000, whole=True)
        super().check_settings()

    def network_settings(self) -> dict[str, Any]:
        """Give the settings of the network that are this family's own."""
        return {"cell": self.cell, "context": self.context, "hidden": self.hidden}
