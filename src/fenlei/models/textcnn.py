r"""``textcnn``: convolutions of several widths over the tokens, each filter's largest answer, and a linear layer.

A filter of width w is a pattern of w tokens in a row, soft because tokens are vectors:

.. math:: y_f = \max_p \operatorname{relu}\Bigl(b_f + \sum_{k<w} W_{fk} \cdot x_{p+k}\Bigr)

and the class scores are linear in y after dropout. The vectors begin at random, or as given: ``static`` keeps them,
``nonstatic`` trains them, ``multichannel`` adds a kept and a trained copy.

Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014.

Cost: on a processor the convolution is one matrix product over the distinct tokens of a batch and look-ups
(`fenlei.layers.conv_pool`); the gradient goes to one place a filter. A trained model folds into tables exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from torch import Tensor

from fenlei._checks import check_choice, check_number
from fenlei._strict_json import dump, parse
from fenlei.engine.batches import TokenExamples
from fenlei.exceptions import ModelFolderError, SettingError
from fenlei.features.spelling import spell
from fenlei.layers.conv_pool import ACTIVATIONS, POOLINGS, TextConvolution
from fenlei.layers.embedding import Embedded
from fenlei.models._filters import KEPT, ExcitedFilter, find_excited, from_plain, to_plain
from fenlei.models._network import TextNetwork, TextNetworkConfig
from fenlei.models._neural import NeuralTextClassifier

_FILTERS = "filters.json"


class TextCnnConfig(TextNetworkConfig):
    """Settings of `TextCnn`; see `TextCnnClassifier`."""

    model_type = "fenlei-textcnn"
    widths: list[int] | tuple[int, ...] = (1, 2, 3, 4)
    filters: list[int] | tuple[int, ...] = (256, 256, 256, 256)
    stride: int = 1
    pooling: str = "max"
    k: int = 3
    activation: str = "relu"


class TextCnn(TextNetwork):
    """The network of Kim (2014)."""

    config_class = TextCnnConfig

    def build(self, config: TextCnnConfig) -> int:
        """Make the convolution."""
        self.convolution = TextConvolution(
            config.dim, config.widths, config.filters, stride=config.stride, pooling=config.pooling, k=config.k,
            activation=config.activation,
        )  # fmt: skip
        return self.convolution.out_features

    def encode(self, embedded: Embedded, keys: Tensor | None) -> Tensor:
        """Convolve and pool."""
        pooled: Tensor = self.convolution(embedded)
        return pooled


class TextCnnClassifier(NeuralTextClassifier):
    """Convolutional network of Kim (2014).

    Parameters
    ----------
    widths : sequence of int, default=(1, 2, 3, 4)
        How many tokens in a row the filters see.
    filters : int or sequence of int, default=128
        How many filters there are of each width; one number for all, or one a width.
    stride : int, default=1
        Steps between the places of a filter.
    pooling : {"max", "average", "kmax"}, default="max"
        What of a filter's answers is kept: the largest, the mean, or the ``k`` largest in their order.
    k : int, default=3
        For ``pooling="kmax"``.
    activation : {"relu", "tanh"}, default="relu"
        What a filter's sums go through before pooling.
    **shared
        What all networks have; see `fenlei.models._neural.NeuralTextClassifier`.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    multi_label_ : bool
    network_ : TextCnn
        A Hugging Face model.
    history_ : list of dict
        Loss and accuracy of each epoch.
    excited_ : list of list of ExcitedFilter
        For each class the filters that speak most for it; see `exciting_ngrams`.

    Examples
    --------
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> model = TextCnnClassifier(epochs=30, dim=16, filters=8, dropout=0.0)
    >>> model.fit(texts, ["good", "good", "bad", "bad"]).predict(["很干净", "太脏"]).tolist()
    ['good', 'bad']
    """

    family = "textcnn"
    network_class = TextCnn

    def __init__(
        self,
        *,
        widths: Sequence[int] = (1, 2, 3, 4),
        filters: int | Sequence[int] = 128,
        stride: int = 1,
        pooling: Literal["max", "average", "kmax"] = "max",
        k: int = 3,
        activation: Literal["relu", "tanh"] = "relu",
        embedding_dropout: float = 0.4,
        learning_rate: float = 0.002,
        epochs: int = 12,
        **shared: Any,
    ) -> None:
        super().__init__(embedding_dropout=embedding_dropout, learning_rate=learning_rate, epochs=epochs, **shared)
        self.widths = widths
        self.filters = filters
        self.stride = stride
        self.pooling = pooling
        self.k = k
        self.activation = activation

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        check_choice(self, "pooling", *POOLINGS)
        check_choice(self, "activation", *ACTIVATIONS)
        check_number(self, "stride", least=1, most=100, whole=True)
        check_number(self, "k", least=1, most=100, whole=True)
        self._filters()
        super().check_settings()

    def network_settings(self) -> dict[str, Any]:
        """Give the settings of the network that are this family's own."""
        return {
            "widths": [int(width) for width in self.widths], "filters": self._filters(), "stride": self.stride,
            "pooling": self.pooling, "k": self.k, "activation": self.activation,
        }  # fmt: skip

    def exciting_ngrams(self, top_filters: int = 10) -> dict[Any, list[ExcitedFilter]]:
        """Show for each class the filters that speak most for it, and the n-grams that excite them most.

        They are found at the end of training, in up to 4,000 of the training texts, and kept with the model.

        Parameters
        ----------
        top_filters : int, default=10
            Filters of a class at most; 20 are kept.

        Returns
        -------
        dict
            Class -> filters, the most telling first; `fenlei.models._filters` has the measure.

        Examples
        --------
        >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
        >>> model = TextCnnClassifier(epochs=30, dim=16, filters=8, dropout=0.0)
        >>> filters = model.fit(texts, ["good", "good", "bad", "bad"]).exciting_ngrams(1)
        >>> [len(filters[label]) for label in ("bad", "good")]
        [1, 1]
        """
        self._check_fitted("excited_")
        if not 1 <= top_filters <= KEPT:
            raise SettingError(f"top_filters must be from 1 to {KEPT}; got {top_filters!r}")
        return {
            label: filters[:top_filters] for label, filters in zip(self.classes_.tolist(), self.excited_, strict=True)
        }

    def finish(self, network: TextNetwork, examples: TokenExamples) -> None:
        """Find what excites the filters."""
        tokens, unit = self.inputs_.tokens_, self.unit
        self.excited_ = find_excited(
            network, examples, lambda ids: spell([tokens[i] for i in ids], unit), seed=self.seed
        )

    def to_files(self) -> dict[str, bytes]:
        """Give what every network gives, and what excites the filters."""
        return super().to_files() | {_FILTERS: dump(to_plain(self.excited_))}

    def from_files(self, files: Mapping[str, bytes]) -> None:
        """Take back what `to_files` gave."""
        super().from_files(files)
        try:
            self.excited_ = from_plain(parse(files[_FILTERS], _FILTERS), len(self.classes_))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(f"{_FILTERS}: is not as it was written: {error}; train the model again") from error

    def _filters(self) -> list[int]:
        """Check widths and filters; give the number of filters of each width."""
        widths = _whole_numbers("widths", self.widths, most=20)
        if isinstance(self.filters, Sequence | np.ndarray):
            filters = _whole_numbers("filters", self.filters, most=10_000)
        else:
            filters = _whole_numbers("filters", [self.filters] * len(widths), most=10_000)
        if len(filters) != len(widths):
            raise SettingError(f"filters must be one number, or one for each of the {len(widths)} widths")
        return filters


def _whole_numbers(name: str, values: Any, most: int) -> list[int]:
    values = values.tolist() if isinstance(values, np.ndarray) else values
    sound = isinstance(values, Sequence) and not isinstance(values, str) and len(values) > 0
    whole = sound and all(isinstance(value, int | np.integer) and not isinstance(value, bool) for value in values)
    if not whole or not all(1 <= value <= most for value in values):
        raise SettingError(f"{name} must be whole numbers from 1 to {most}; got {values!r}")
    return [int(value) for value in values]
