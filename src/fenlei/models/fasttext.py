r"""``fasttext``: the vectors of a text's tokens and n-grams added up, and a linear layer; small, and quick to train.

.. math:: z = W \cdot \frac{\sum_{g \in G} s_g v_g}{\sqrt{\sum_{g \in G} s_g^2}} + b

G are the tokens of the text and its n-grams, each of which has a row of the table that its hash names; the vector of a
word holds those of its character n-grams too.

Joulin, Grave, Bojanowski, Mikolov, "Bag of Tricks for Efficient Text Classification", EACL 2017, has
:math:`s_g = 1` and the mean. Here s is informed, as the prior of ``tfidf`` is: :math:`s_g = \sqrt{0.1 + \max_k
|r_{gk}|}` with the log-count ratio r of Wang and Manning (2012), so that n-grams that lean to a class are heard and
learn faster than the crowd; rows that no text or only one has touched are silent.

Cost: a step touches the rows of its batch only. The file holds all: 4 bytes times (tokens + buckets) times ``dim``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fenlei._checks import check_choice, check_number
from fenlei.engine.batches import TokenExamples, in_length_order
from fenlei.exceptions import SettingError
from fenlei.features.inputs import BOTH
from fenlei.layers._ngrams import count_texts
from fenlei.layers.dropout import KeyedDropout
from fenlei.layers.embedding import Embedded
from fenlei.layers.ngrams import HashedNgrams
from fenlei.models._network import TextNetwork, TextNetworkConfig
from fenlei.models._neural import NeuralTextClassifier

_FLOOR = 0.1  # of the scale's square, of an n-gram that leans to no class
_BLOCK = 4096  # texts counted at a time, at most
_CLASSES = 64  # counted at a time: bounds the memory to 256 bytes a row
_MANY_TEXTS = 1000  # from here on a row must stand in two texts, as tokens must


class FastTextConfig(TextNetworkConfig):
    """Settings of `FastText`; see `FastTextClassifier`."""

    model_type = "fenlei-fasttext"
    ngrams: int = 3
    buckets: int = 2**18
    ngram_dropout: float = 0.3


class FastText(TextNetwork):
    """The network of Joulin et al. (2017), its n-grams weighted."""

    config_class = FastTextConfig
    takes_channels = False
    scale: Tensor

    def embedding_size(self, config: Any) -> int:
        """Count the tokens, and behind them the buckets."""
        return int(config.vocab_size + (config.buckets if config.ngrams > 1 else 0))

    def build(self, config: FastTextConfig) -> int:
        """Make the dropout of whole n-grams; nothing else stands between the sum and the last layer."""
        self.ngram_dropout = KeyedDropout(config.ngram_dropout, salt=3)
        self.register_buffer("scale", torch.ones(self.embedding_size(config)))
        return config.dim

    @property
    def ngrams(self) -> HashedNgrams | None:
        """How the n-grams get their rows; None for tokens alone."""
        config = self.config
        return HashedNgrams(config.vocab_size, config.buckets, config.ngrams) if config.ngrams > 1 else None

    def encode(self, embedded: Embedded, keys: Tensor | None) -> Tensor:
        """Add up."""
        places = embedded.places.long()
        scale = self.scale[embedded.tokens][places] * embedded.mask()
        scale = self.ngram_dropout(scale, keys)
        scale = scale / scale.square().sum(1, keepdim=True).sqrt().clamp(min=1e-6)
        if torch.compiler.is_exporting():  # ONNX has no such sum but a loop
            summed: Tensor = (scale[:, None] @ functional.embedding(places, embedded.rows))[:, 0]
            return summed
        return functional.embedding_bag(places, embedded.rows, per_sample_weights=scale, mode="sum")


class FastTextClassifier(NeuralTextClassifier):
    """Bag of vectors of tokens and hashed n-grams, after Joulin et al. (2017).

    Parameters
    ----------
    ngrams : int, default=3
        Most tokens of an n-gram; 1 for tokens alone.
    buckets : int, default=262144
        Rows for the n-grams.
    ngram_dropout : float, default=0.3
        Share of the tokens and n-grams of each text left out in training.
    informed : bool, default=True
        Weight n-grams by how much they lean to a class in the training texts; False is the plain mean of the paper
        (times the root of their number).
    dim : int or None, default=None
        Size of the vectors; None is 64, or the size of ``vectors``.
    embedding_dropout : float, default=0.5
        Share of the values of each row's vector set to 0 in training.
    dropout : float, default=0.0
        The same, of the text's vector before the last layer.
    learning_rate : float, default=0.003
        The highest of the schedule.
    epochs : int, default=10
        Passes over the training texts at most.
    **shared
        What all networks have; see `fenlei.models._neural.NeuralTextClassifier`.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    multi_label_ : bool
    network_ : FastText
        A Hugging Face model.
    history_ : list of dict
        Loss and accuracy of each epoch.

    See Also
    --------
    fenlei.models.tfidf.TfidfClassifier : The same n-grams without the detour over vectors; often better, never slower.

    Examples
    --------
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> model = FastTextClassifier(epochs=40, ngram_dropout=0.0, buckets=1000)
    >>> model.fit(texts, ["good", "good", "bad", "bad"]).predict(["很干净", "太脏"]).tolist()
    ['good', 'bad']
    """

    family = "fasttext"
    network_class = FastText
    default_dim = 64

    def __init__(
        self,
        *,
        ngrams: int = 3,
        buckets: int = 2**18,
        ngram_dropout: float = 0.3,
        informed: bool = True,
        dim: int | None = None,
        embedding_dropout: float = 0.5,
        dropout: float = 0.0,
        learning_rate: float = 0.003,
        epochs: int = 10,
        **shared: Any,
    ) -> None:
        super().__init__(
            dim=dim, embedding_dropout=embedding_dropout, dropout=dropout, learning_rate=learning_rate, epochs=epochs,
            **shared,
        )  # fmt: skip
        self.ngrams = ngrams
        self.buckets = buckets
        self.ngram_dropout = ngram_dropout
        self.informed = informed

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        check_number(self, "ngrams", least=1, most=8, whole=True)
        check_number(self, "buckets", least=1, most=2**26, whole=True)
        check_number(self, "ngram_dropout", least=0, most=0.99)
        check_choice(self, "informed", True, False)
        if self.unit == BOTH:
            raise SettingError("unit='both' is not for fasttext, whose n-grams need one token a place")
        if self.embedding == "static" and self.ngrams > 1:
            raise SettingError(
                "embedding='static' would leave the n-grams at random; set ngrams=1, or embedding=nonstatic"
            )
        super().check_settings()

    def network_settings(self) -> dict[str, Any]:
        """Give the settings of the network that are this family's own."""
        return {
            "ngrams": self.ngrams, "buckets": self.buckets, "ngram_dropout": self.ngram_dropout, "embedding_std": 0.01,
        }  # fmt: skip

    def begin(self, network: TextNetwork, examples: TokenExamples) -> None:
        """Set the weights of the n-grams from the training texts."""
        assert isinstance(network, FastText)  # noqa: S101  (its own network_class)
        if self.informed:
            network.scale.copy_(torch.from_numpy(_informed(network, examples, len(self.classes_))))


def _informed(network: FastText, examples: TokenExamples, n_classes: int) -> NDArray[np.float32]:
    """Scale of each row, shape (n_rows,)."""
    least = 2 if len(examples) >= _MANY_TEXTS else 1
    strongest = np.zeros(len(network.scale), np.float32)
    for first in range(0, n_classes, _CLASSES):
        classes = range(first, min(first + _CLASSES, n_classes))
        counts, totals = _counts(network, examples, classes)
        strongest = np.maximum(strongest, _log_count_ratios(counts, totals).max(1))
    return np.where(totals >= least, np.sqrt(_FLOOR + strongest), 0).astype(np.float32)


def _counts(
    network: FastText, examples: TokenExamples, classes: range
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """In how many texts of each class every row stands, and in how many of all."""
    counts = np.zeros((len(network.scale), len(classes) + 1), np.float32)
    seen = np.zeros(len(counts), np.int32)
    start = 0
    for order in in_length_order(examples, _BLOCK):
        targets = examples.targets[order]
        inside = targets[:, classes] if targets.ndim == 2 else targets[:, None] == np.array(classes)
        counted = examples.weights[order, None] > 0
        with_all = (np.hstack([inside, np.ones((len(order), 1))]) * counted).astype(np.int32)
        count_texts(network.tokens(examples.padded(order)).int().numpy(), with_all, seen, start, counts)
        start += len(order)
    return counts[:, :-1], counts[:, -1]


def _log_count_ratios(counts: NDArray[np.float32], totals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Size of the log ratio of a row's share in a class to its share outside; add-one smoothed."""
    inside, outside = counts + 1, totals[:, None] - counts + 1
    ratios: NDArray[np.float32] = np.abs(np.log(inside / inside.sum(0)) - np.log(outside / outside.sum(0)))
    return ratios
