"""What all families over a pretrained encoder share: how they read texts, and how encoder and tokenizer are kept."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from fenlei._checks import check_choice, check_number
from fenlei._memory import raise_if_out_of_memory
from fenlei._strict_json import dump, parse
from fenlei._unread import Unread
from fenlei.base import TextClassifier
from fenlei.encoders.find import find_encoder
from fenlei.encoders.load import LoadedEncoder, load_encoder
from fenlei.encoders.packaged import wanted_prefix
from fenlei.encoders.reading import read_windows
from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.encoders.windows import LONG_TEXTS, Windows
from fenlei.engine.recipe import Progress, Run
from fenlei.exceptions import ModelFolderError, SettingError
from fenlei.models._encoder import EncoderClassifierConfig, EncoderClassifierNetwork
from fenlei.models._gradient import check_weights
from fenlei.preparation import Preparation

_TOKENIZER = "tokenizer.json"
_LONGEST = 256  # tokens, unless max_length says more


class PretrainedTextClassifier(TextClassifier):
    """A classifier over a pretrained encoder; a subclass says what is made of it, and what of that is kept."""

    is_costly = True
    encoder: str
    prefix: str | None
    max_length: int | None
    long_text: str
    clean: dict[str, Any] | None
    language: str
    network_: EncoderClassifierNetwork
    tokenizer_: EncoderTokenizer
    preparation_: Preparation
    max_length_: int
    prefix_: str

    _network_kind: type[EncoderClassifierNetwork] = EncoderClassifierNetwork

    @property
    def language_(self) -> str:
        """Language of the training texts: "zh", "en", "mixed" or "other"."""
        self._check_fitted("preparation_")
        return str(self.preparation_.language_["name"])

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        check_choice(self, "long_text", *LONG_TEXTS)
        check_number(self, "max_length", least=4, most=1_000_000, whole=True, optional=True)
        if not isinstance(self.encoder, str):
            raise SettingError(f"encoder must be a text; got {self.encoder!r}")
        if self.prefix is not None and not isinstance(self.prefix, str):
            raise SettingError(f"prefix must be a text or None; got {self.prefix!r}")
        super().check_settings()

    def check_at_hand(self, message: Callable[[str], None] = lambda text: None) -> None:
        """Find the encoder, or fetch it."""
        super().check_at_hand(message)
        find_encoder(self.encoder, message=message)

    def prepare(self, texts: list[str]) -> list[str]:
        """Clean."""
        prepared: Any = self.preparation_.transform(texts)  # texts, as there is no segmenter
        return list(prepared)

    def to_files(self) -> dict[str, bytes]:
        """Give what was learned and the encoder's configuration as JSON, weights as safetensors."""
        self._check_fitted("network_")
        config = self.network_.config
        learned = {
            "preparation": self.preparation_.settings(),
            "max_length": self.max_length_,
            "prefix": self.prefix_,
            "size": config.size,
            "reads_left_to_right": config.reads_left_to_right,
            "encoder": config.encoder,
        }
        weights = {name: _narrowest(value.cpu()).contiguous() for name, value in self.network_.state_dict().items()}
        weights = _apart(weights)
        return {
            "learned.json": dump(learned | self._learned()), "weights.safetensors": save(weights),
            _TOKENIZER: self.tokenizer_.to_bytes(),
        }  # fmt: skip

    def from_files(self, files: Mapping[str, bytes]) -> None:
        """Take back what `to_files` gave."""
        try:
            self.check_settings()
            learned = parse(files["learned.json"], "learned.json")
            self.preparation_ = Preparation.from_settings(learned["preparation"])
            self.max_length_, self.prefix_ = int(learned["max_length"]), str(learned["prefix"])
            self._take_learned(learned)
            self.tokenizer_ = EncoderTokenizer.from_bytes(files[_TOKENIZER])
            config = self._config(learned["encoder"], int(learned["size"]), bool(learned["reads_left_to_right"]))
            weights = load(files["weights.safetensors"])
            with torch.device("meta"):
                expected = self._network_kind(config).state_dict()
            check_weights(weights, expected)
            self.network_ = self._network_kind(config)
            self.network_.load_state_dict(weights)
            self.network_.eval()
        except (KeyError, TypeError, ValueError, RuntimeError, RecursionError, SafetensorError) as error:
            raise_if_out_of_memory(error)
            raise ModelFolderError(f"the files of this {self.family} model do not fit together: {error}") from error

    @abstractmethod
    def _learned(self) -> dict[str, Any]:
        """Give what else was learned, as JSON values."""

    @abstractmethod
    def _take_learned(self, learned: Mapping[str, Any]) -> None:
        """Take back what `_learned` gave."""

    @abstractmethod
    def _config(self, encoder: dict[str, Any], size: int, reads_left_to_right: bool) -> EncoderClassifierConfig:
        """Make the configuration of the network."""

    def _load(self, texts: list[str], run: Run) -> LoadedEncoder:
        """Find the encoder and its tokenizer, and how long a window may be."""
        loaded = load_encoder(self.encoder, message=run.message)
        self.tokenizer_, self.max_length_ = loaded.tokenizer, self._window(loaded)
        self.prefix_ = wanted_prefix(self.encoder) if self.prefix is None else self.prefix
        self.preparation_ = Preparation(clean=self.clean, language=self.language).fit(texts)
        return loaded

    def _window(self, loaded: LoadedEncoder) -> int:
        """Tokens of a window; what the encoder cannot read is refused."""
        if self.max_length is None:
            return min(_LONGEST, loaded.max_length)
        if self.max_length > loaded.max_length:
            raise SettingError(
                f"max_length={self.max_length} is more than the {loaded.max_length} tokens that {self.encoder} reads; "
                "lower it; long_text=windows then reads all of a text"
            )
        return int(self.max_length)

    def _windows(self, prepared: list[str], run: Run | None = None) -> Windows:
        """Look up the ids and cut windows; `run` is told of what is not read."""
        limit = self.max_length_
        windows = read_windows(
            prepared, self.tokenizer_, max_length=limit, long_text=self.long_text, prefix=self.prefix_
        )
        unread = Unread(len(windows), windows.n_texts, windows.n_ids, limit, self.long_text)
        unread.tell((run or Run()).message)
        return windows


def encoding_told_to(run: Run) -> Callable[[int, int], None]:
    """Make a listener to how far an encoder has come, which tells `run`."""
    begun = time.monotonic()

    def tell(done: int, total: int) -> None:
        left = (time.monotonic() - begun) / done * (total - done)
        run.progress(Progress(0, 0, done, total, math.nan, left, before="texts through the encoder"))

    return tell


def _apart(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copy what has the memory of another, as tied weights have, which safetensors refuses."""
    seen: set[int] = set()
    apart = {}
    for name, value in weights.items():
        apart[name] = value.clone() if value.data_ptr() in seen else value
        seen.add(value.data_ptr())
    return apart


def _narrowest(value: Tensor) -> Tensor:
    """Halve a weight's numbers where none of them changes: those of a checkpoint that was published so."""
    if value.dtype != torch.float32:
        return value
    halves = (value.to(kind) for kind in (torch.float16, torch.bfloat16))
    return next((half for half in halves if torch.equal(half.float(), value)), value)
