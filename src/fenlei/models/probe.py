r"""``probe``: a pretrained encoder as it is, and a logistic regression over its vectors; strong with few texts.

.. math:: p = \operatorname{softmax}(W x + b), \quad x = y / |y|, \quad y = \operatorname{pool}(h_1, ..., h_n)

where h are the states that the encoder gives for the tokens of a text, x is a vector of length 1, and only W and b are
learned; for multi-label each label has a logistic function of its own. To read an encoder's states by a linear model is
to probe it: Alain and Bengio, "Understanding Intermediate Layers Using Linear Classifier Probes", 2016.

Cost: each distinct training text goes through the encoder once, some 2 operations for each of its layers' weights and
token. The regression is over in seconds.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fenlei.encoders.windows import Windows
from fenlei.engine.recipe import Run
from fenlei.models._embedding import EmbeddingTextClassifier
from fenlei.targets import Targets


class ProbeClassifier(EmbeddingTextClassifier):
    """A logistic regression over the vectors of a pretrained encoder that does not learn.

    Parameters
    ----------
    encoder : str, default="e5-small"
        A folder in the layout of Hugging Face, a name that ``fenlei encoders`` lists, a name on the Hub, or
        ``modelscope:`` and a name there.
    pooling : str, default="mean"
        What of the tokens' states becomes the text's vector: ``mean``, ``cls``, ``last``, ``max``, or several joined by
        ``+``. For a decoder take ``last``.
    prefix : str or None, default=None
        Put before each text; None is what the encoder was pretrained with, where that is known: "query: " for e5-small.
    max_length : int or None, default=None
        Tokens of a window, special ones among them; None is 256, or what the encoder can read if that is less.
    long_text : {"head", "tail", "head+tail", "windows"}, default="head"
        What is read of texts that are longer: see `fenlei.encoders.windows`. Of several windows the mean is taken.
    normalize : bool, default=True
        Whether vectors are scaled to length 1.
    C : float or None, default=None
        What an error costs against large weights, above 0; None chooses by cross-validation.
    class_weight : None, "balanced" or dict, default=None
        How much the texts of each class count; "balanced" makes all classes count the same in sum.
    clean : dict or None, default=None
        Settings of `fenlei.clean.cleaner.Cleaner` that differ from its defaults.
    language : {"auto", "zh", "en", "mixed", "other"}, default="auto"
        Detected from the texts unless given.
    seed : int, default=13
        Of the parts that C is chosen by.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    multi_label_ : bool
    network_ : EmbeddingNetwork
        A Hugging Face model: encoder, pooling and linear layer.
    tokenizer_ : EncoderTokenizer
    C_ : float
        The one that was given or chosen.
    """

    family = "probe"

    def __init__(
        self,
        *,
        encoder: str = "e5-small",
        pooling: str = "mean",
        prefix: str | None = None,
        max_length: int | None = None,
        long_text: Literal["head", "tail", "head+tail", "windows"] = "head",
        normalize: bool = True,
        C: float | None = None,
        class_weight: str | dict[Any, float] | None = None,
        clean: dict[str, Any] | None = None,
        language: str = "auto",
        seed: int = 13,
    ) -> None:
        self.encoder = encoder
        self.pooling = pooling
        self.prefix = prefix
        self.max_length = max_length
        self.long_text = long_text
        self.normalize = normalize
        self.C = C
        self.class_weight = class_weight
        self.clean = clean
        self.language = language
        self.seed = seed

    def settings_to_refit(self) -> dict[str, Any]:
        """Keep the C that was chosen."""
        self._check_fitted("C_")
        return {"C": self.C_}

    def _tune(self, windows: Windows, targets: Targets, weights: NDArray[np.float64], run: Run) -> None:
        """Leave the encoder as it is."""
