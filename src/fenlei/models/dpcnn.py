r"""``dpcnn``: a deep pyramid of convolutions that halves the text until two places are left.

A region embedding sees three tokens at a time; then pairs of convolutions, each with a short cut around it,

.. math:: x \leftarrow x + W_2 * \operatorname{relu}(W_1 * \operatorname{relu}(x))

and before each pair but the first the larger of neighbouring answers are kept, three places wide and every second one.
A text leaves the pyramid when it is down to two places, so its depth follows from its own length.

Johnson and Zhang, "Deep Pyramid Convolutional Neural Networks for Text Categorization", ACL 2017. Their region
embedding is fed with embeddings learned from unlabelled texts; ours from ``vectors``, or nothing.

Cost: the places halve, so all pairs together cost twice the first.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from fenlei._checks import check_number
from fenlei.layers.convolution import SameConvolution, max_of_windows
from fenlei.layers.embedding import Embedded
from fenlei.layers.places import at_least_one
from fenlei.layers.pooling import pool
from fenlei.models._network import TextNetwork, TextNetworkConfig
from fenlei.models._neural import NeuralTextClassifier

_WIDTH = 3  # of all convolutions
_WINDOW, _STRIDE = 3, 2  # of the pooling
_SHORT = 2  # places at which a text leaves the pyramid
_STD = 0.01  # of the first weights of the pairs: each begins near a mere short cut


class DpcnnConfig(TextNetworkConfig):
    """Settings of `Dpcnn`; see `DpcnnClassifier`."""

    model_type = "fenlei-dpcnn"
    filters: int = 250
    blocks: int = 7


class Dpcnn(TextNetwork):
    """The network of Johnson and Zhang (2017)."""

    config_class = DpcnnConfig

    def build(self, config: DpcnnConfig) -> int:
        """Make the region embedding and the pairs."""
        self.region = SameConvolution(config.dim, config.filters, _WIDTH)
        self.pairs = nn.ModuleList(_Pair(config.filters) for _ in range(config.blocks + 1))
        return config.filters

    def encode(self, embedded: Embedded, keys: Tensor | None) -> Tensor:
        """Go up the pyramid."""
        lengths = at_least_one(embedded.lengths)
        x = self.pairs[0](self.region(embedded.dense(), lengths), lengths)
        for pair in self.pairs[1:]:
            y, halved = max_of_windows(x, lengths, _WINDOW, _STRIDE)
            x, lengths = _where_long(lengths, x, pair(y, halved), halved)
        return pool(x, lengths, "max")


class _Pair(nn.Module):
    """Two convolutions with a short cut around them."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.first = SameConvolution(filters, filters, _WIDTH, std=_STD)
        self.second = SameConvolution(filters, filters, _WIDTH, std=_STD)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        y: Tensor = self.second(torch.relu(self.first(torch.relu(x), lengths)), lengths)
        return x + y


def _where_long(lengths: Tensor, x: Tensor, y: Tensor, halved: Tensor) -> tuple[Tensor, Tensor]:
    """Take `y` for the texts that are still long, and `x` for those that have left the pyramid.

    Both are computed always: in a training on several processes every weight must take part in every step.
    """
    x, y = (nn.functional.pad(z, (0, 0, 0, _SHORT - 1)) for z in (x, y))  # room for a short text in any batch
    x = x[:, : y.shape[1]]
    long = lengths > _SHORT
    return torch.where(long[:, None, None], y, x), torch.where(long, halved, lengths)


class DpcnnClassifier(NeuralTextClassifier):
    """Deep pyramid convolutional network of Johnson and Zhang (2017).

    Parameters
    ----------
    filters : int, default=250
        Filters of every convolution.
    blocks : int, default=7
        Times a text is halved at most; 7 bring 256 tokens down to two places.
    **shared
        What all networks have; see `fenlei.models._neural.NeuralTextClassifier`.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    multi_label_ : bool
    network_ : Dpcnn
        A Hugging Face model.
    history_ : list of dict
        Loss and accuracy of each epoch.

    Examples
    --------
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> model = DpcnnClassifier(epochs=30, dim=16, filters=16, learning_rate=0.01)
    >>> model.fit(texts, ["good", "good", "bad", "bad"]).predict(["很干净", "太脏"]).tolist()
    ['good', 'bad']
    """

    family = "dpcnn"
    network_class = Dpcnn

    def __init__(self, *, filters: int = 250, blocks: int = 7, **shared: Any) -> None:
        super().__init__(**shared)
        self.filters = filters
        self.blocks = blocks

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        check_number(self, "filters", least=1, most=10_000, whole=True)
        check_number(self, "blocks", least=0, most=20, whole=True)
        super().check_settings()

    def network_settings(self) -> dict[str, Any]:
        """Give the settings of the network that are this family's own."""
        return {"filters": self.filters, "blocks": self.blocks}
