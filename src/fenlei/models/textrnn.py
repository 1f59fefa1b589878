r"""``textrnn``: a recurrent network, LSTM or GRU, reads the text token by token, from both ends.

.. math:: h_p = \operatorname{cell}(x_p, h_{p-1}), \qquad y = \operatorname{pool}_p [\overrightarrow{h_p};
    \overleftarrow{h_p}]

The states are pooled: the last ones, the largest, the mean, or a mean with learned attention (Yang et al. 2016).

Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 1997; Cho et al., "Learning Phrase
Representations using RNN Encoder-Decoder", EMNLP 2014; Schuster and Paliwal, "Bidirectional Recurrent Neural Networks",
1997.

Cost: the tokens one after another, so time grows with the length of the texts, whatever the processor; on a processor
an LSTM in bfloat16 is three times as fast as a GRU.
"""

from __future__ import annotations

from typing import Any, Literal, cast

from torch import Tensor, nn

from fenlei._checks import check_choice, check_number
from fenlei.layers.dropout import KeyedDropout
from fenlei.layers.embedding import Embedded
from fenlei.layers.places import at_least_one
from fenlei.layers.pooling import AttentionPooling, pool
from fenlei.layers.recurrent import Recurrent
from fenlei.models._network import TextNetwork, TextNetworkConfig
from fenlei.models._neural import NeuralTextClassifier

CELLS = ("lstm", "gru")
POOLINGS = ("last", "max", "mean", "attention")


class TextRnnConfig(TextNetworkConfig):
    """Settings of `TextRnn`; see `TextRnnClassifier`."""

    model_type = "fenlei-textrnn"
    cell: str = "lstm"
    hidden: int = 128
    layers: int = 1
    bidirectional: bool = True
    pooling: str = "max"


class TextRnn(TextNetwork):
    """Recurrent layers and pooling."""

    config_class = TextRnnConfig

    def build(self, config: TextRnnConfig) -> int:
        """Make the layers."""
        size = config.hidden * (2 if config.bidirectional else 1)
        self.recurrent = nn.ModuleList(
            Recurrent(size if i else config.dim, config.hidden, cell=config.cell, both=config.bidirectional)
            for i in range(config.layers)
        )
        self.dropouts = nn.ModuleList(KeyedDropout(config.dropout, salt=3 + i) for i in range(config.layers - 1))
        self.attention = AttentionPooling(size) if config.pooling == "attention" else None
        return size

    def encode(self, embedded: Embedded, keys: Tensor | None) -> Tensor:
        """Read the text, and pool the states."""
        x, lengths = embedded.dense(), at_least_one(embedded.lengths)
        for i, layer in enumerate(self.recurrent):
            x = layer(self.dropouts[i - 1](x, keys) if i else x, lengths)
        if self.attention is not None:
            attended: Tensor = self.attention(x, lengths)
            return attended
        if self.config.pooling == "last":
            return cast(Recurrent, self.recurrent[-1]).last(x, lengths)
        return pool(x, lengths, self.config.pooling)


class TextRnnClassifier(NeuralTextClassifier):
    """Recurrent network, LSTM or GRU.

    Parameters
    ----------
    cell : {"lstm", "gru"}, default="lstm"
        Long short-term memory, or gated recurrent unit.
    hidden : int, default=128
        Size of the state, in each direction.
    layers : int, default=1
        Recurrent layers, one upon the other, with dropout between.
    bidirectional : bool, default=True
        Whether the text is read from its end as well.
    pooling : {"last", "max", "mean", "attention"}, default="max"
        What of the states is kept: those after the whole text, the largest of each value, the mean, or a mean weighted
        by learned attention.
    learning_rate : float, default=0.003
        The highest of the schedule.
    **shared
        What all networks have; see `fenlei.models._neural.NeuralTextClassifier`.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    multi_label_ : bool
    network_ : TextRnn
        A Hugging Face model.
    history_ : list of dict
        Loss and accuracy of each epoch.

    Examples
    --------
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> model = TextRnnClassifier(epochs=30, dim=16, hidden=8, dropout=0.0, learning_rate=0.01)
    >>> model.fit(texts, ["good", "good", "bad", "bad"]).predict(["很干净", "太脏"]).tolist()
    ['good', 'bad']
    """

    family = "textrnn"
    network_class = TextRnn

    def __init__(
        self,
        *,
        cell: Literal["lstm", "gru"] = "lstm",
        hidden: int = 128,
        layers: int = 1,
        bidirectional: bool = True,
        pooling: Literal["last", "max", "mean", "attention"] = "max",
        learning_rate: float = 0.003,
        **shared: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **shared)
        self.cell = cell
        self.hidden = hidden
        self.layers = layers
        self.bidirectional = bidirectional
        self.pooling = pooling

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        check_choice(self, "cell", *CELLS)
        check_choice(self, "pooling", *POOLINGS)
        check_choice(self, "bidirectional", True, False)
        check_number(self, "hidden", least=1, most=10_000, whole=True)
        check_number(self, "layers", least=1, most=20, whole=True)
        super().check_settings()

    def network_settings(self) -> dict[str, Any]:
        """Give the settings of the network that are this family's own."""
        return {name: getattr(self, name) for name in ("cell", "hidden", "layers", "bidirectional", "pooling")}
