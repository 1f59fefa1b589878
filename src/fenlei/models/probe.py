r"""``probe``: a pretrained encoder as it is, and a logistic regression over its vectors; strong with few texts.

.. math:: p = \operatorname{softmax}(W x + b), \quad x = y / |y|, \quad y = \operatorname{pool}(h_1, ..., h_n)

where h are the states that the encoder gives for the tokens of a text, x is a vector of length 1, and only W and b are
learned; for multi-label each label has a logistic function of its own. To read an encoder's states by a linear model is
to probe it: Alain and Bengio, "Understanding Intermediate Layers Using Linear Classifier Probes", 2016.

Cost: each distinct training text goes through the encoder once, some 2 operations for each of its layers' weights and
token. The regression is over in seconds.
"""

from __future__ import annotations

from typing import Any

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
    **shared
        See `fenlei.models._embedding.EmbeddingTextClassifier`.

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

    def settings_to_refit(self) -> dict[str, Any]:
        """Keep the C that was chosen."""
        self._check_fitted("C_")
        return {"C": self.C_}

    def _tune(self, windows: Windows, targets: Targets, weights: NDArray[np.float64], run: Run) -> None:
        """Leave the encoder as it is."""
