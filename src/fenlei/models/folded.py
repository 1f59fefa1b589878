r"""``folded``: a trained textcnn as look-up tables, made by fenlei compress; scores without torch.

What a filter's tap makes of a token does not depend on the text, so a trained network's convolutions are tables with a
row for each token (`fenlei.layers.folded` has the formula). Nothing is approximated: with float32 tables the scores are
the network's, to within rounding; float16 and int8 tables are smaller, and `fenlei compress` measures their error.

Cost: 4, 2 or 1 bytes for each token, filter and tap; a text of n tokens takes n additions for each filter and tap.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fenlei._stages import TOKENIZE, stage
from fenlei._strict_json import dump
from fenlei._threads import in_threads, n_threads
from fenlei._unread import Unread
from fenlei.base import Floats
from fenlei.exceptions import ModelFolderError
from fenlei.features._types import F32, I32, I64
from fenlei.features.inputs import TokenInputs
from fenlei.layers.folded import FoldedConvolution, Shape
from fenlei.models._made import MadeClassifier
from fenlei.preparation import Preparation

_MOST, _FEWEST = 1024, 128  # texts of a thread at a time: what they leave stays in its cache, and is worth a thread
_ARRAYS = "tables.safetensors"


class FoldedClassifier(MadeClassifier):
    """A textcnn as look-up tables.

    It is not trained and has no settings: `fenlei.compress.folding.fold` makes it from a trained
    `fenlei.models.textcnn.TextCnnClassifier`.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    multi_label_ : bool
    preparation_ : Preparation
    inputs_ : TokenInputs
    max_length_ : int
        Tokens of a text that are read.
    convolution_ : FoldedConvolution
    head_weight_, head_bias_ : arrays of float32, shape (n_classes, n_features) and (n_classes,)

    Examples
    --------
    >>> FoldedClassifier().fit(["好", "差"], ["good", "bad"])
    Traceback (most recent call last):
    fenlei.exceptions.SettingError: a folded model is not trained but made by fenlei compress MODEL --to folded; ...
    """

    family = "folded"
    scores_on_all_cores = False
    refusal = "a folded model is not trained but made by fenlei compress MODEL --to folded; train a textcnn first"

    @property
    def language_(self) -> str:
        """Language of the training texts: "zh", "en", "mixed" or "other"."""
        self._check_fitted("preparation_")
        return str(self.preparation_.language_["name"])

    def _scores(self, texts: list[str]) -> Floats:
        with stage(TOKENIZE):
            channels = self.inputs_.transform(self.preparation_.transform(texts))
        cuts = [channel.cut(self.max_length_) for channel in channels]
        Unread(len(texts), cuts[0].n_texts, cuts[0].n_ids, self.max_length_).tell()
        ids, bounds = np.stack([cut.sequences.ids for cut in cuts]), cuts[0].sequences.bounds
        logits = in_threads(lambda part: self._logits(ids, bounds[part]), _parts(len(texts)))
        return self._probabilities(np.concatenate(logits).astype(np.float64) + self.head_bias_)

    def _logits(self, ids: I32, bounds: I64) -> F32:
        return self.convolution_.project(ids, bounds, self.head_weight_)

    def to_files(self) -> dict[str, bytes]:
        """Give preparation, vocabulary and shape as JSON, the tables as safetensors."""
        from safetensors.numpy import save

        self._check_fitted("convolution_")
        learned = {
            "preparation": self.preparation_.settings(),
            "unit": self.inputs_.unit,
            "max_length": self.max_length_,
            "shape": asdict(self.convolution_.shape),
        }
        head = {"head.weight": self.head_weight_, "head.bias": self.head_bias_}
        arrays = save({**self.convolution_.to_arrays(), **head})
        return {"learned.json": dump(learned), _ARRAYS: arrays} | self.inputs_.to_files()

    def from_files(self, files: Mapping[str, bytes]) -> None:
        """Take back what `to_files` gave."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            self._take(json.loads(files["learned.json"]), load(files[_ARRAYS]), files)
        except (KeyError, TypeError, ValueError, RecursionError, SafetensorError) as error:
            raise ModelFolderError(f"the files of this {self.family} model do not fit together: {error}") from error

    def _take(self, learned: dict[str, Any], arrays: dict[str, NDArray[Any]], files: Mapping[str, bytes]) -> None:
        self.preparation_ = Preparation.from_settings(learned["preparation"])
        self.inputs_ = TokenInputs(unit=learned["unit"])
        self.inputs_.from_files(files)
        self.max_length_ = int(learned["max_length"])
        self.head_weight_, self.head_bias_ = arrays["head.weight"], arrays["head.bias"]
        self.convolution_ = FoldedConvolution.from_arrays(arrays, Shape(**learned["shape"]))
        n_classes = len(self.classes_)
        if (
            self.max_length_ < 1
            or self.convolution_.n_tokens != len(self.inputs_.tokens_)
            or self.head_weight_.shape != (n_classes, self.convolution_.n_features)
            or self.head_bias_.shape != (n_classes,)
            or not all(x.dtype == np.float32 and np.isfinite(x).all() for x in (self.head_weight_, self.head_bias_))
        ):
            raise ModelFolderError("the tables do not fit the vocabulary and the classes")


def _parts(n: int) -> list[slice]:
    """Share `n` texts out; each slice takes the bounds of its texts, one more than there are."""
    n_parts = max(-(-n // _MOST), min(n_threads(), -(-n // _FEWEST)))
    ends = [n * i // n_parts for i in range(n_parts + 1)]
    return [slice(begin, end + 1) for begin, end in pairwise(ends)]
