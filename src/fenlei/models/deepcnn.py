r"""``deepcnn``: convolutions one upon the other with max pooling between, as long used on film reviews.

.. math:: x \leftarrow \operatorname{pool}_5 \operatorname{relu}(W * x) \;\text{(each block)}, \qquad
    y = \operatorname{relu}(V \max_p x_p)

The first block sees five tokens, the second twenty-five, and so on. Convolutions keep the number of places, so a text
of any length goes through all blocks.

The shape is that of a one-dimensional LeNet (LeCun et al. 1998), as taught with Keras for texts (Chollet 2016).

Cost: blocks after the first are nearly free, since each has a fifth of the places of the one before.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from fenlei._checks import check_number
from fenlei.layers.convolution import SameConvolution, max_of_windows
from fenlei.layers.dense import HiddenLayers
from fenlei.layers.embedding import Embedded
from fenlei.layers.places import at_least_one
from fenlei.layers.pooling import pool
from fenlei.models._network import TextNetwork, TextNetworkConfig
from fenlei.models._neural import NeuralTextClassifier


class DeepCnnConfig(TextNetworkConfig):
    """Settings of `DeepCnn`; see `DeepCnnClassifier`."""

    model_type = "fenlei-deepcnn"
    blocks: int = 2
    filters: int = 128
    width: int = 5
    pool: int = 5
    hidden: int = 128


class DeepCnn(TextNetwork):
    """Blocks of convolution and pooling, the largest of what is left, and a hidden layer."""

    config_class = DeepCnnConfig

    def build(self, config: DeepCnnConfig) -> int:
        """Make the blocks and the hidden layer."""
        sizes = [config.dim] + [config.filters] * config.blocks
        self.convolutions = nn.ModuleList(SameConvolution(size, config.filters, config.width) for size in sizes[:-1])
        self.hidden = HiddenLayers(config.filters, [config.hidden])
        return config.hidden

    def encode(self, embedded: Embedded, keys: Tensor | None) -> Tensor:
        """Convolve and pool block by block."""
        x, lengths = embedded.dense(), at_least_one(embedded.lengths)
        for convolution in self.convolutions:
            x = torch.relu(convolution(x, lengths))
            x, lengths = max_of_windows(x, lengths, self.config.pool, self.config.pool)
        hidden: Tensor = self.hidden(pool(x, lengths, "max"), keys)
        return hidden


class DeepCnnClassifier(NeuralTextClassifier):
    """Convolutions one upon the other, with max pooling between.

    Parameters
    ----------
    blocks : int, default=2
        Convolutions, each with pooling behind.
    filters : int, default=128
        Filters of each convolution.
    width : int, default=5
        Places that a filter sees.
    pool : int, default=5
        Places of which the largest answer is kept.
    hidden : int, default=128
        Size of the layer between the text's largest answers and the classes.
    **shared
        What all networks have; see `fenlei.models._neural.NeuralTextClassifier`.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    multi_label_ : bool
    network_ : DeepCnn
        A Hugging Face model.
    history_ : list of dict
        Loss and accuracy of each epoch.

    Examples
    --------
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> model = DeepCnnClassifier(epochs=30, dim=16, filters=16, hidden=16, learning_rate=0.01)
    >>> model.fit(texts, ["good", "good", "bad", "bad"]).predict(["干净", "太脏"]).tolist()
    ['good', 'bad']
    """

    family = "deepcnn"
    network_class = DeepCnn

    def __init__(
        self, *, blocks: int = 2, filters: int = 128, width: int = 5, pool: int = 5, hidden: int = 128, **shared: Any
    ) -> None:
        super().__init__(**shared)
        self.blocks = blocks
        self.filters = filters
        self.width = width
        self.pool = pool
        self.hidden = hidden

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        check_number(self, "blocks", least=1, most=20, whole=True)
        for name in ("filters", "hidden"):
            check_number(self, name, least=1, most=10_000, whole=True)
        for name in ("width", "pool"):
            check_number(self, name, least=1, most=100, whole=True)
        super().check_settings()

    def network_settings(self) -> dict[str, Any]:
        """Give the settings of the network that are this family's own."""
        return {name: getattr(self, name) for name in ("blocks", "filters", "width", "pool", "hidden")}
