"""What the families of networks share: preparation, token ids, training by the engine, and their files."""

from __future__ import annotations

import json
import os
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save

from fenlei._checks import check_choice, check_number
from fenlei._memory import raise_if_out_of_memory
from fenlei._strict_json import dump
from fenlei._unread import Unread
from fenlei.engine.batches import TokenExamples
from fenlei.engine.recipe import Run
from fenlei.exceptions import ModelFolderError, SettingError
from fenlei.features.inputs import BOTH, TokenInputs
from fenlei.features.vocabulary import SPECIAL
from fenlei.layers.embedding import part_rows
from fenlei.models._gradient import GradientTextClassifier, check_weights, plain
from fenlei.models._network import TextNetwork
from fenlei.preparation import Preparation

if TYPE_CHECKING:
    from fenlei.vectors.word_vectors import WordVectors

_PARTS = 2**15  # buckets
EMBEDDINGS = ("random", "static", "nonstatic", "multichannel")


class NeuralTextClassifier(GradientTextClassifier):
    """A network over token vectors; a family supplies its network and its own settings.

    Parameters
    ----------
    unit : {"token", "char", "both", "wordpiece", "bpe", "unigram"}, default="token"
        What a token is: a Chinese character or a word of a spaced script (or, with a ``segmenter``, its words); any
        one character; each character together with its word; or pieces of words learned from the texts.
    lowercase : bool, default=True
        Read "Good" and "good" as one.
    min_count : int or None, default=None
        Fewest times a token must stand in the training texts to be known. None is 2 from 1,000 texts on and 1 below.
    max_tokens : int or None, default=None
        Most tokens to know, the most frequent ones; None is 8,000 for pieces of words and no limit for others.
    unknown : {"token", "skip"}, default="token"
        Give all unknown tokens one vector, or leave them out.
    max_length : int, default=512
        Tokens of a text that are read; what is longer is cut, and counted.
    dim : int or None, default=None
        Size of the token vectors; None is 128, or the size of ``vectors``.
    vectors : path or None, default=None
        File of word vectors to begin with, see `fenlei.vectors`; or folder of a pretrained encoder, whose input
        embedding is taken.
    embedding : {"random", "static", "nonstatic", "multichannel"} or None, default=None
        Whether token vectors begin at random or as given, and whether they learn; ``multichannel`` adds a kept and a
        trained copy. None is ``nonstatic`` with ``vectors`` and ``random`` without.
    parts : int or None, default=None
        Number of buckets for the character n-grams of words, whose vectors are added to the word's own; 0 for none.
        None is 32,768, but 0 for Chinese texts, for units other than ``token`` and for static vectors.
    embedding_dropout : float, default=0.2
        Share of the values of each token's vector set to 0 in training.
    segmenter : {None, "char", "jieba", "mixed", "word"}, default=None
        Who cuts the text into words; None leaves it to the unit.
    segment : dict or None, default=None
        Settings of the segmenter.
    stop_words : str, list of str or None, default=None
        Tokens to leave out; see `fenlei.preparation.Preparation`.
    **shared
        What all networks have; see `fenlei.models._gradient.GradientTextClassifier`.
    """

    network_class: ClassVar[type[TextNetwork]]
    default_dim: ClassVar[int] = 128
    """Size of the token vectors when neither ``dim`` nor ``vectors`` says."""
    network_: TextNetwork
    inputs_: TokenInputs

    def __init__(
        self,
        *,
        unit: str = "token",
        lowercase: bool = True,
        min_count: int | None = None,
        max_tokens: int | None = None,
        unknown: Literal["token", "skip"] = "token",
        max_length: int = 512,
        dim: int | None = None,
        vectors: str | None = None,
        embedding: Literal["random", "static", "nonstatic", "multichannel"] | None = None,
        parts: int | None = None,
        embedding_dropout: float = 0.2,
        segmenter: str | None = None,
        segment: dict[str, Any] | None = None,
        stop_words: str | list[str] | None = None,
        **shared: Any,
    ) -> None:
        super().__init__(**shared)
        self.unit = unit
        self.lowercase = lowercase
        self.min_count = min_count
        self.max_tokens = max_tokens
        self.unknown = unknown
        self.max_length = max_length
        self.dim = dim
        self.vectors = vectors
        self.embedding = embedding
        self.parts = parts
        self.embedding_dropout = embedding_dropout
        self.segmenter = segmenter
        self.segment = segment
        self.stop_words = stop_words

    @abstractmethod
    def network_settings(self) -> dict[str, Any]:
        """Give the settings of the network's configuration that are the family's own."""

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        self._inputs().check_settings()
        check_choice(self, "embedding", None, *EMBEDDINGS)
        check_number(self, "max_length", least=1, whole=True)
        check_number(self, "parts", least=0, most=2**26, whole=True, optional=True)
        check_number(self, "dim", least=1, most=100_000, whole=True, optional=True)
        check_number(self, "embedding_dropout", least=0, most=0.99)
        if self.embedding not in (None, "random") and self.vectors is None:
            raise SettingError(f"embedding={self.embedding!r} needs vectors to begin with; set vectors=FILE")
        if self.embedding == "random" and self.vectors is not None:
            raise SettingError("embedding='random' leaves the vectors unused; leave one of the two out")
        if self.embedding == "static" and self.adversarial:
            raise SettingError("adversarial moves token vectors, which embedding='static' leaves alone")
        if self.segmenter is not None and self.unit not in ("token", BOTH):
            raise SettingError(f"a segmenter has no effect with unit={self.unit!r}; leave it out")
        super().check_settings()

    def learn_inputs(self, texts: list[str], run: Run) -> Any:
        """Learn language and vocabulary."""
        self.preparation_ = self._preparation().fit(texts)
        documents = self.preparation_.transform(texts)
        self.inputs_ = self._inputs().fit(documents)
        return documents

    def prepare(self, texts: list[str]) -> Any:
        """Clean, and cut into words where there is a segmenter."""
        return self.preparation_.transform(texts)

    def make_examples(
        self, prepared: Any, targets: NDArray[Any], weights: NDArray[np.float32], run: Run
    ) -> TokenExamples:
        """Look up the ids, and cut what is longer than ``max_length``."""
        cuts = [channel.cut(self.max_length) for channel in self.inputs_.transform(prepared)]
        Unread(len(prepared), cuts[0].n_texts, cuts[0].n_ids, self.max_length).tell(run.message)
        return TokenExamples(tuple(cut.sequences for cut in cuts), targets, weights)

    def make_network(self, run: Run) -> TextNetwork:
        """Make the network, its token vectors random or as given."""
        if self.vectors is None:
            return self._empty_network(int(self.dim or self.default_dim))
        return self._network_with_vectors(self.vectors, run)

    def to_files(self) -> dict[str, bytes]:
        """Give preparation, vocabulary and history as JSON, weights as safetensors."""
        self._check_fitted("network_")
        learned = {
            "preparation": self.preparation_.settings(),
            "dim": self.network_.config.dim,
            "history": self.history_,
            "best_epoch": self.best_epoch_,
        }
        weights = {name: value.cpu().contiguous() for name, value in self.network_.state_dict().items()}
        return {"learned.json": dump(learned), "weights.safetensors": save(weights)} | self.inputs_.to_files()

    def from_files(self, files: Mapping[str, bytes]) -> None:
        """Take back what `to_files` gave."""
        try:
            self.check_settings()
            learned = json.loads(files["learned.json"])
            self.preparation_ = Preparation.from_settings(learned["preparation"])
            self.inputs_ = self._inputs()
            self.inputs_.from_files(files)
            self.history_, self.best_epoch_ = list(learned["history"]), int(learned["best_epoch"])
            weights = load(files["weights.safetensors"])
            self._check_weights(weights, int(learned["dim"]))
            self.network_ = self._empty_network(int(learned["dim"]))
            self.network_.load_state_dict(weights)
        except (KeyError, TypeError, ValueError, RuntimeError, RecursionError, SafetensorError) as error:
            raise_if_out_of_memory(error)
            raise ModelFolderError(f"the files of this {self.family} model do not fit together: {error}") from error

    def _check_weights(self, weights: Mapping[str, torch.Tensor], dim: int) -> None:
        """Refuse weights of other shapes before there is memory for them, and numbers that would lead astray."""
        with torch.device("meta"):
            expected = self._empty_network(dim).state_dict()
        check_weights(weights, expected)
        parts, bounds = (weights.get(f"embedding.{name}") for name in ("parts", "part_bounds"))
        if parts is None or bounds is None:
            return
        inside = bool(((parts >= 0) & (parts < self._parts())).all())
        rising = bool((bounds.diff() >= 0).all()) and bounds[0] == 0 and bounds[-1] == len(parts)
        if not inside or not rising:
            raise ValueError("the character n-grams of the words are not as they were written")

    def _inputs(self) -> TokenInputs:
        return TokenInputs(
            unit=self.unit, lowercase=self.lowercase, min_count=self.min_count, max_size=self.max_tokens,
            unknown=self.unknown,
        )  # fmt: skip

    def _preparation(self) -> Preparation:
        segmenter, segment = self.segmenter, self.segment
        if self.unit == BOTH and segmenter is None:
            segmenter, segment = "mixed", {"unspaced": "jieba", "punctuation": True, **(segment or {})}
        return Preparation(
            clean=self.clean, segmenter=segmenter, segment=segment, stop_words=self.stop_words, language=self.language
        )

    def _network_with_vectors(self, path: str, run: Run) -> TextNetwork:
        tokens = self.inputs_.tokens_
        words = np.array([token not in SPECIAL for token in tokens])
        rows, found = _read_vectors(path, tokens, run).rows_of(tokens)
        found &= words  # vectors of character n-grams could be composed for the marks too
        if not found.any():
            raise SettingError(
                f"{path}: knows none of the {words.sum():,} tokens; train vectors with the same segmenter"
            )
        run.message(f"{path}: vectors for {found.sum():,} of {words.sum():,} tokens; the others begin at random")
        if self.dim not in (None, rows.shape[1]):
            raise SettingError(f"{path}: holds vectors of {rows.shape[1]} values, but dim={self.dim}; leave dim out")
        network = self._empty_network(rows.shape[1])
        network.embedding.begin_with(torch.from_numpy(rows), torch.from_numpy(found))
        return network

    def _parts(self) -> int:
        if self.parts is not None:
            return int(self.parts)
        spaced = self.unit == "token" and self.language_ != "zh"
        return _PARTS if spaced and self._embedding() != "static" else 0

    def _empty_network(self, dim: int) -> TextNetwork:
        tokens, buckets = self.inputs_.tokens_, self._parts()
        spelled = part_rows(tokens, buckets) if buckets else None
        make_config: Any = self.network_class.config_class  # its keywords are annotations, which mypy cannot see
        config = make_config(
            vocab_size=len(tokens), dim=dim, num_labels=len(self.classes_), embedding=self._embedding(),
            embedding_dropout=float(self.embedding_dropout), dropout=float(self.dropout), parts=buckets,
            part_entries=0 if spelled is None else len(spelled.parts),
            **{name: plain(value) for name, value in self.network_settings().items()},
        )  # fmt: skip
        network = self.network_class(config)
        if spelled is not None:
            network.embedding.spell(spelled)
        return network

    def _embedding(self) -> str:
        return self.embedding or ("random" if self.vectors is None else "nonstatic")


def _read_vectors(path: str, tokens: list[str], run: Run) -> WordVectors:
    """Read the vectors of a vocabulary from a file, or from the folder of an encoder."""
    if os.path.isdir(path):  # noqa: PTH112  (false, too, for what can be no path)
        from fenlei.models._encoder_words import encoder_words

        return encoder_words(str(Path(path).absolute()), message=run.message)
    from fenlei.vectors.formats import load_vectors

    return load_vectors(path, only=set(tokens))
