r"""``onnx``: a trained network as an ONNX graph, made by fenlei export; scores by onnxruntime, without torch.

The graph gives logits for padded token ids; cleaning, ids and padding are done here, by the same functions as in
training, and so are the probabilities. With float32 weights the scores are the network's to within rounding;
``fenlei compress --to int8`` makes graphs whose weights are whole numbers of 8 bits.

Cost: that of the network, at one to two times its speed for single texts, and without torch's second of start-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from fenlei._stages import TOKENIZE, stage
from fenlei._strict_json import dump, parse
from fenlei.base import Floats
from fenlei.exceptions import ModelFolderError
from fenlei.features.padding import in_length_order
from fenlei.models._graph import FILE, Graph
from fenlei.models._made import MadeClassifier
from fenlei.models._readers import READERS, Reader

if TYPE_CHECKING:
    from fenlei.features.inputs import TokenInputs

_LEARNED = "learned.json"
_TEXTS = 512  # of a batch at most
PRECISIONS = ("float32", "int8")


class OnnxClassifier(MadeClassifier):
    """A network as an ONNX graph.

    It is not trained and has no settings: `fenlei.compress.onnx_export.export_onnx` makes it from a trained network,
    and `fenlei.compress.quantizing.quantize` makes a smaller one of it.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    multi_label_ : bool
    reader_ : Reader
        From texts to the graph's inputs.
    graph_ : Graph
        ``graph_.data`` is the file.
    source_ : str
        Family of the network.
    precision_ : {"float32", "int8"}
        Of the weights.

    Examples
    --------
    >>> OnnxClassifier().fit(["好", "差"], ["good", "bad"])
    Traceback (most recent call last):
    fenlei.exceptions.SettingError: an onnx model is not trained but made by fenlei export MODEL --format onnx; ...
    """

    family = "onnx"
    refusal = "an onnx model is not trained but made by fenlei export MODEL --format onnx; train a network first"
    reader_: Reader
    graph_: Graph
    source_: str
    precision_: str

    @property
    def language_(self) -> str:
        """Language of the training texts: "zh", "en", "mixed" or "other"."""
        self._check_fitted("reader_")
        return str(self.reader_.preparation.language_["name"])

    @property
    def inputs_(self) -> TokenInputs:
        """The vocabularies of a network over token vectors; AttributeError for one over a pretrained encoder."""
        inputs: TokenInputs = getattr(self.reader_, "inputs")  # noqa: B009  (of one kind of readers)
        return inputs

    def _scores(self, texts: list[str]) -> Floats:
        with stage(TOKENIZE):
            read = self.reader_.read(texts)
        logits = np.empty((len(texts), len(self.classes_)))
        for order in in_length_order(read.lengths, _TEXTS, read.most_places):
            logits[order] = self.graph_.run(read.arrays(order))
        return self._probabilities(logits)

    def to_files(self) -> dict[str, bytes]:
        """Give the graph, what was learned about reading as JSON, and vocabulary or tokenizer."""
        self._check_fitted("graph_")
        name = next(name for name, kind in READERS.items() if isinstance(self.reader_, kind))
        learned = {
            "reader": name, "settings": self.reader_.settings(), "source": self.source_, "precision": self.precision_,
        }  # fmt: skip
        return {_LEARNED: dump(learned), FILE: self.graph_.data} | self.reader_.to_files()

    def from_files(self, files: Mapping[str, bytes]) -> None:
        """Take back what `to_files` gave."""
        try:
            learned = parse(files[_LEARNED], _LEARNED)
            self.reader_ = READERS[learned["reader"]].from_files(learned["settings"], files)
            self.source_, self.precision_ = str(learned["source"]), str(learned["precision"])
            graph = Graph(files[FILE])
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ModelFolderError(f"the files of this {self.family} model do not fit together: {error}") from error
        graph.try_out(self.reader_.probe(), len(self.classes_))
        self.graph_ = graph
