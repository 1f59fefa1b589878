r"""``transformer``: an encoder trained from scratch; every token looks at every other.

.. math:: x \leftarrow x + \operatorname{Attention}(\operatorname{norm}(x)), \qquad
    x \leftarrow x + \operatorname{FFN}(\operatorname{norm}(x)) \;\text{(each layer)}

The token vectors are scaled by the root of their size and get a position added, which is fixed or learned; the places
are pooled after a last norm.

Vaswani et al., "Attention Is All You Need", NeurIPS 2017; the norms stand first, as in Xiong et al., "On Layer
Normalization in the Transformer Architecture", ICML 2020.

Cost: grows with the square of a text's length. Without pre-training it needs many texts to beat smaller networks.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import initialization as init

from fenlei._checks import check_choice, check_number
from fenlei.exceptions import SettingError
from fenlei.layers.dropout import KeyedDropout
from fenlei.layers.embedding import Embedded
from fenlei.layers.encoder import EncoderLayer, sinusoids
from fenlei.layers.places import at_least_one, inside
from fenlei.layers.pooling import pool
from fenlei.models._network import TextNetwork, TextNetworkConfig
from fenlei.models._neural import NeuralTextClassifier

POSITIONS = ("sinusoidal", "learned")
POOLINGS = ("mean", "first", "max")


class TransformerConfig(TextNetworkConfig):
    """Settings of `Transformer`; see `TransformerClassifier`."""

    model_type = "fenlei-transformer"
    layers: int = 2
    heads: int = 4
    hidden: int = 256
    positions: str = "sinusoidal"
    longest: int = 512
    pooling: str = "mean"
    layer_dropout: float = 0.1


class Transformer(TextNetwork):
    """The encoder of Vaswani et al. (2017), norms first."""

    config_class = TransformerConfig

    def build(self, config: TransformerConfig) -> int:
        """Make positions, layers and the last norm."""
        _check_heads(config.dim, config.heads)
        self.positions = _LearnedPositions(config.longest, config.dim) if config.positions == "learned" else None
        self.input_dropout = KeyedDropout(config.layer_dropout, salt=3)
        self.layers = nn.ModuleList(
            EncoderLayer(config.dim, config.heads, config.hidden, dropout=config.layer_dropout, salt=4 + 2 * i)
            for i in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.dim)
        return config.dim

    def encode(self, embedded: Embedded, keys: Tensor | None) -> Tensor:
        """Add positions, run the layers and pool."""
        x, lengths = embedded.dense(), at_least_one(embedded.lengths)
        x = self.input_dropout(x * math.sqrt(self.config.dim) + self._positions(x), keys)
        seen = inside(lengths, x.shape[1])[..., 0]
        for layer in self.layers:
            x = layer(x, seen, keys)
        return pool(self.norm(x), lengths, self.config.pooling)

    def _positions(self, x: Tensor) -> Tensor:
        longest, size = x.shape[1:]
        if self.positions is None:
            return sinusoids(longest, size).to(x.device)
        learned: Tensor = self.positions(longest)
        return learned


class _LearnedPositions(nn.Module):
    """A trained vector for each place; places beyond the last have the last one's."""

    def __init__(self, longest: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(longest, size))

    def reset(self) -> None:
        """Draw the vectors."""
        init.normal_(self.weight, std=0.1)

    def forward(self, longest: int) -> Tensor:
        places = torch.arange(longest, device=self.weight.device).clamp(max=len(self.weight) - 1)
        return self.weight[places]


class TransformerClassifier(NeuralTextClassifier):
    """Transformer encoder of Vaswani et al. (2017), trained from scratch.

    Parameters
    ----------
    layers : int, default=2
        Layers of attention and feed-forward network.
    heads : int, default=4
        Ways in which a token looks at the others at once; the size of the vectors must be a multiple.
    hidden : int, default=256
        Size between the two matrices of the feed-forward network.
    positions : {"sinusoidal", "learned"}, default="sinusoidal"
        How a token knows its place: by fixed waves, or by a trained vector for each of ``max_length`` places.
    pooling : {"mean", "first", "max"}, default="mean"
        What of the places is kept: the mean, the first, or the largest of each value.
    layer_dropout : float, default=0.1
        Share of the values set to 0 in training, of what goes into the first layer and what each layer adds.
    **shared
        What all networks have; see `fenlei.models._neural.NeuralTextClassifier`.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    multi_label_ : bool
    network_ : Transformer
        A Hugging Face model.
    history_ : list of dict
        Loss and accuracy of each epoch.

    Examples
    --------
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> model = TransformerClassifier(epochs=30, dim=16, hidden=16, dropout=0.0, learning_rate=0.01)
    >>> model.fit(texts, ["good", "good", "bad", "bad"]).predict(["很干净", "太脏"]).tolist()
    ['good', 'bad']
    """

    family = "transformer"
    network_class = Transformer

    def __init__(
        self,
        *,
        layers: int = 2,
        heads: int = 4,
        hidden: int = 256,
        positions: Literal["sinusoidal", "learned"] = "sinusoidal",
        pooling: Literal["mean", "first", "max"] = "mean",
        layer_dropout: float = 0.1,
        **shared: Any,
    ) -> None:
        super().__init__(**shared)
        self.layers = layers
        self.heads = heads
        self.hidden = hidden
        self.positions = positions
        self.pooling = pooling
        self.layer_dropout = layer_dropout

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        check_choice(self, "positions", *POSITIONS)
        check_choice(self, "pooling", *POOLINGS)
        check_number(self, "layers", least=1, most=100, whole=True)
        check_number(self, "heads", least=1, most=1000, whole=True)
        check_number(self, "hidden", least=1, most=100_000, whole=True)
        check_number(self, "layer_dropout", least=0, most=0.99)
        super().check_settings()
        if self.dim is not None:
            _check_heads(self.dim, self.heads)

    def network_settings(self) -> dict[str, Any]:
        """Give the settings of the network that are this family's own."""
        names = ("layers", "heads", "hidden", "positions", "pooling", "layer_dropout")
        return {name: getattr(self, name) for name in names} | {"longest": self.max_length}


def _check_heads(dim: int, heads: int) -> None:
    if dim % heads:
        raise SettingError(f"the size of the token vectors, {dim}, must be a multiple of heads; got heads={heads}")
