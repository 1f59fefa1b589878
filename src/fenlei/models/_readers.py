"""What an exported network reads: raw texts to padded arrays, by what its model folder holds, without torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fenlei._optional import require
from fenlei._unread import Unread
from fenlei.encoders.reading import read_windows
from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.encoders.windows import LONG_TEXTS, Windows, windows_of
from fenlei.exceptions import ModelFolderError
from fenlei.features._types import I64
from fenlei.features.inputs import UNITS, TokenInputs
from fenlei.features.padding import padded_channels
from fenlei.features.sequences import Sequences
from fenlei.layers.ngrams import HashedNgrams
from fenlei.preparation import Preparation

Arrays = dict[str, NDArray[np.int64]]
_TOKENIZER = "tokenizer.json"


class ReadTexts(ABC):
    """Texts as ids, of which batches are made.

    Attributes
    ----------
    most_places : int
        Of a batch, padding among them; bounds the memory.
    """

    most_places: ClassVar[int]

    @property
    @abstractmethod
    def lengths(self) -> I64:
        """Places of each text."""

    @abstractmethod
    def arrays(self, order: I64) -> Arrays:
        """Give some texts as the graph's inputs."""


class Reader(ABC):
    """How texts become the inputs of a graph."""

    preparation: Preparation

    @abstractmethod
    def read(self, texts: list[str]) -> ReadTexts:
        """Clean texts and look up their ids."""

    @abstractmethod
    def probe(self) -> Arrays:
        """Give one text with the largest id there is, on which a graph can be tried."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Give all but the files as JSON values."""

    @abstractmethod
    def to_files(self) -> dict[str, bytes]:
        """Give vocabulary or tokenizer as files of a model folder."""


@dataclass(frozen=True)
class _ReadTokens(ReadTexts):
    channels: tuple[Sequences, ...]
    ngrams: HashedNgrams | None
    most_places: ClassVar[int] = 2**13

    @property
    def lengths(self) -> I64:
        return self.channels[0].lengths

    def arrays(self, order: I64) -> Arrays:
        ids = padded_channels([channel.select(order) for channel in self.channels])
        return {"input_ids": ids if self.ngrams is None else self.ngrams.rows(ids).astype(np.int64)}


@dataclass(frozen=True)
class TokenReader(Reader):
    """For networks over token vectors.

    Parameters
    ----------
    preparation : Preparation
    inputs : TokenInputs
    max_length : int
        Tokens of a text that are read.
    ngrams : HashedNgrams, optional
        Whose rows follow the tokens'.
    """

    preparation: Preparation
    inputs: TokenInputs
    max_length: int
    ngrams: HashedNgrams | None = None

    def read(self, texts: list[str]) -> ReadTexts:
        """Clean texts, look up their ids, and cut what is longer than `max_length`."""
        channels = self.inputs.transform(self.preparation.transform(texts))
        cuts = [channel.cut(self.max_length) for channel in channels]
        Unread(len(texts), cuts[0].n_texts, cuts[0].n_ids, self.max_length).tell()
        return _ReadTokens(tuple(cut.sequences for cut in cuts), self.ngrams)

    def probe(self) -> Arrays:
        """Give one text with the largest id there is."""
        largest = len(self.inputs.tokens_) - 1
        if self.ngrams is not None:
            largest = self.ngrams.first_bucket + self.ngrams.buckets - 1
        channels = len(self.inputs.vocabularies_)
        return {"input_ids": np.full((1, 2, channels)[: 2 + (channels > 1)], largest, np.int64)}

    def settings(self) -> dict[str, Any]:
        """Give all but the vocabulary as JSON values."""
        return {
            "preparation": self.preparation.settings(), "unit": self.inputs.unit, "max_length": self.max_length,
            "ngrams": None if self.ngrams is None else self.ngrams._asdict(),
        }  # fmt: skip

    def to_files(self) -> dict[str, bytes]:
        """Give the vocabulary."""
        return self.inputs.to_files()

    @classmethod
    def from_files(cls, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> TokenReader:
        """Make the reader again from its settings and files."""
        if settings["unit"] not in UNITS:
            raise ModelFolderError(f"learned.json: no texts are read by {settings['unit']!r}")
        inputs = TokenInputs(unit=settings["unit"])
        inputs.from_files(files)
        ngrams = None if settings["ngrams"] is None else HashedNgrams(**settings["ngrams"])
        if ngrams is not None and not (2 <= ngrams.most <= 8 and 1 <= ngrams.buckets <= 2**26):
            raise ModelFolderError(f"learned.json: no network has n-grams such as {ngrams}")
        if ngrams is not None and ngrams.first_bucket != len(inputs.tokens_):
            raise ModelFolderError("learned.json: its n-grams do not begin where the vocabulary ends")
        return cls(_preparation(settings), inputs, _at_least_one(settings, "max_length"), ngrams)


@dataclass(frozen=True)
class _ReadWindows(ReadTexts):
    windows: Windows
    pad_id: int
    several: bool
    most_places: ClassVar[int] = 2**10

    @property
    def lengths(self) -> I64:
        return self.windows.lengths

    def arrays(self, order: I64) -> Arrays:
        chosen = self.windows.select(order)
        numbers = {"windows": windows_of(chosen.bounds)} if self.several else {}
        return chosen.arrays(self.pad_id) | numbers


@dataclass(frozen=True)
class WindowReader(Reader):
    """For networks over a pretrained encoder.

    Parameters
    ----------
    preparation : Preparation
    tokenizer : EncoderTokenizer
    max_length, long_text, prefix
        See `fenlei.encoders.reading.read_windows`.
    """

    preparation: Preparation
    tokenizer: EncoderTokenizer
    max_length: int
    long_text: str
    prefix: str

    def read(self, texts: list[str]) -> ReadTexts:
        """Clean texts, look up their ids, and cut windows."""
        prepared: Any = self.preparation.transform(texts)  # texts, as there is no segmenter
        windows = read_windows(
            list(prepared), self.tokenizer, max_length=self.max_length, long_text=self.long_text, prefix=self.prefix
        )
        Unread(len(texts), windows.n_texts, windows.n_ids, self.max_length, self.long_text).tell()
        return _ReadWindows(windows, self.tokenizer.pad_id, self.long_text == "windows")

    def probe(self) -> Arrays:
        """Give one text with the largest id there is, as long as a window may be."""
        ids = np.full(self.max_length, max(self.tokenizer.largest_id, self.tokenizer.pad_id), np.int32)
        windows = Windows(Sequences(ids, np.array([0, self.max_length])), np.array([0, 1]))
        return _ReadWindows(windows, self.tokenizer.pad_id, self.long_text == "windows").arrays(np.array([0]))

    def settings(self) -> dict[str, Any]:
        """Give all but the tokenizer as JSON values."""
        return {
            "preparation": self.preparation.settings(), "max_length": self.max_length, "long_text": self.long_text,
            "prefix": self.prefix,
        }  # fmt: skip

    def to_files(self) -> dict[str, bytes]:
        """Give the tokenizer."""
        return {_TOKENIZER: self.tokenizer.to_bytes()}

    @classmethod
    def from_files(cls, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> WindowReader:
        """Make the reader again from its settings and files."""
        require("tokenizers", extra="onnx")
        tokenizer = EncoderTokenizer.from_bytes(files[_TOKENIZER])
        special = len(tokenizer.prefix) + len(tokenizer.suffix)
        limit = _at_least_one(settings, "max_length", special + 1)
        if settings["long_text"] not in LONG_TEXTS:
            raise ModelFolderError(f"learned.json: no texts are read by {settings['long_text']!r}")
        return cls(_preparation(settings), tokenizer, limit, settings["long_text"], str(settings["prefix"]))


READERS: dict[str, type[TokenReader] | type[WindowReader]] = {"tokens": TokenReader, "windows": WindowReader}


def _preparation(settings: Mapping[str, Any]) -> Preparation:
    return Preparation.from_settings(settings["preparation"])


def _at_least_one(settings: Mapping[str, Any], name: str, least: int = 1) -> int:
    value = int(settings[name])
    if not least <= value <= 1_000_000:
        raise ModelFolderError(f"learned.json: {name} must be from {least} to 1,000,000; got {value}")
    return value
