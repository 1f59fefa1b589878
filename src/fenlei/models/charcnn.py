r"""``charcnn``: six convolutions over characters, three times pooled, and two hidden layers; it knows no words.

The widths are 7, 7, 3, 3, 3, 3; the largest of every three places is kept after the first, second and sixth.

Zhang, Zhao, LeCun, "Character-level Convolutional Networks for Text Classification", NeurIPS 2015.

They read characters as one-hot vectors over 70 letters and signs, and Chinese as pinyin. Here a character's vector is
trained: over the thousands of Chinese characters the first convolution of one-hot vectors would have millions of
weights, and a trained vector is that convolution with a factor all its taps share. Their frames of 1014 characters are
laid side by side before the hidden layers; ``pooling="flatten"`` does so, while the default keeps each filter's largest
answer, which needs fewer weights and fewer texts.

Cost: much per text, as characters are many and each convolution is wide. Made for large training sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from fenlei._checks import check_choice, check_number, check_sizes
from fenlei.layers.convolution import SameConvolution, max_of_windows
from fenlei.layers.dense import HiddenLayers
from fenlei.layers.embedding import Embedded
from fenlei.layers.places import at_least_one
from fenlei.layers.pooling import pool
from fenlei.models._network import TextNetwork, TextNetworkConfig
from fenlei.models._neural import NeuralTextClassifier

_WIDTHS, _POOLED = (7, 7, 3, 3, 3, 3), (True, True, False, False, False, True)
_WINDOW = 3  # of the pooling
POOLINGS = ("max", "flatten")


class CharCnnConfig(TextNetworkConfig):
    """Settings of `CharCnn`; see `CharCnnClassifier`."""

    model_type = "fenlei-charcnn"
    filters: int = 256
    hidden: list[int] | tuple[int, ...] = (256, 256)
    pooling: str = "max"
    longest: int = 512


class CharCnn(TextNetwork):
    """The network of Zhang, Zhao and LeCun (2015)."""

    config_class = CharCnnConfig

    def build(self, config: CharCnnConfig) -> int:
        """Make the convolutions and the hidden layers."""
        sizes = [config.dim] + [config.filters] * (len(_WIDTHS) - 1)
        self.convolutions = nn.ModuleList(
            SameConvolution(size, config.filters, width) for size, width in zip(sizes, _WIDTHS, strict=True)
        )
        self.frames = -(-config.longest // _WINDOW ** sum(_POOLED))
        features = config.filters * (self.frames if config.pooling == "flatten" else 1)
        self.hidden = HiddenLayers(features, config.hidden, dropout=config.dropout, salt=3)
        return self.hidden.out_features

    def encode(self, embedded: Embedded, keys: Tensor | None) -> Tensor:
        """Convolve and pool."""
        x, lengths = embedded.dense(), at_least_one(embedded.lengths)
        for convolution, pooled in zip(self.convolutions, _POOLED, strict=True):
            x = torch.relu(convolution(x, lengths))
            if pooled:
                x, lengths = max_of_windows(x, lengths, _WINDOW, _WINDOW)
        hidden: Tensor = self.hidden(self._joined(x, lengths), keys)
        return hidden

    def _joined(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Make one vector of what is left of a text; what is longer than ``max_length`` is cut."""
        if self.config.pooling == "max":
            return pool(x, lengths, "max")
        return nn.functional.pad(x, (0, 0, 0, self.frames)).narrow(1, 0, self.frames).flatten(1)


class CharCnnClassifier(NeuralTextClassifier):
    """Character-level convolutional network of Zhang, Zhao and LeCun (2015).

    Parameters
    ----------
    filters : int, default=256
        Filters of every convolution. The paper's small network has 256, its large one 1024.
    hidden : sequence of int, default=(256, 256)
        Sizes of the hidden layers. The paper's networks have (1024, 1024) and (2048, 2048).
    pooling : {"max", "flatten"}, default="max"
        What the hidden layers see: each filter's largest answer, or, as in the paper, all answers side by side, up to
        ``max_length``.
    unit : {"char", "token", "both", "wordpiece", "bpe", "unigram"}, default="char"
        What a token is.
    max_length : int, default=1014
        Characters of a text that are read; what is longer is cut, and counted.
    **shared
        What all networks have; see `fenlei.models._neural.NeuralTextClassifier`.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    multi_label_ : bool
    network_ : CharCnn
        A Hugging Face model.
    history_ : list of dict
        Loss and accuracy of each epoch.

    Examples
    --------
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> model = CharCnnClassifier(epochs=60, dim=16, filters=32, hidden=[16], dropout=0.0, learning_rate=0.005)
    >>> model.fit(texts, ["good", "good", "bad", "bad"]).predict(["房间干净", "服务太差"]).tolist()
    ['good', 'bad']
    """

    family = "charcnn"
    network_class = CharCnn

    def __init__(
        self,
        *,
        filters: int = 256,
        hidden: Sequence[int] = (256, 256),
        pooling: Literal["max", "flatten"] = "max",
        unit: Literal["token", "char", "both", "wordpiece", "bpe", "unigram"] = "char",
        max_length: int = 1014,
        **shared: Any,
    ) -> None:
        super().__init__(unit=unit, max_length=max_length, **shared)
        self.filters = filters
        self.hidden = hidden
        self.pooling = pooling

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        check_choice(self, "pooling", *POOLINGS)
        check_number(self, "filters", least=1, most=10_000, whole=True)
        check_sizes(self, "hidden")
        super().check_settings()

    def network_settings(self) -> dict[str, Any]:
        """Give the settings of the network that are this family's own."""
        return {
            "filters": self.filters, "hidden": list(self.hidden), "pooling": self.pooling,
            "longest": self.max_length,
        }  # fmt: skip
