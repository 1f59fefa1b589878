"""How an encoder is to be pretrained: every setting, its default and its range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from fenlei.engine.recipe import PRECISIONS, SCHEDULES
from fenlei.exceptions import SettingError, UnknownNameError, unknown_name

OBJECTIVES = {
    "masked": "foretell the words that are hidden, from both sides",
    "next-token": "foretell each token from those before it (GPT)",
}
TOKENIZERS = ("bpe", "unigram", "wordpiece")
ARCHITECTURES = ("bert", "modernbert")
SHARE = 0.15  # of the words that are hidden
_LARGEST = 1 << 30
_BATCH = {"masked": 32, "next-token": 16}  # every token of the latter has scores for the whole vocabulary
_RATES = {"modernbert": 1e-3, "bert": 5e-4, None: 5e-4}  # of new networks; the last one is the decoder
_ADAPTED_RATE = 5e-5
_EPOCHS = 3
_NEW_ONLY = (
    "tokenizer", "vocabulary", "words", "lowercase", "architecture", "layers", "hidden", "heads", "feed_forward",
)  # fmt: skip
_MASKED_ONLY = ("next_sentence", "whole_words", "architecture")
_COUNTS = {  # whole numbers, and the least of each
    "layers": 1, "hidden": 2, "heads": 1, "feed_forward": 1, "length": 8, "epochs": 1, "steps": 1, "batch_size": 1,
    "vocabulary": 300, "rounds": 1, "held_out": 1, "seed": 0,
}  # fmt: skip
_NUMBERS = {"minutes": False, "learning_rate": False, "weight_decay": True, "max_grad_norm": True}  # whether 0 is one


@dataclass(frozen=True)
class PretrainSettings:
    """Settings of `fenlei.pretrain.run.pretrain`.

    Parameters
    ----------
    objective : {"masked", "next-token"}
    encoder : str or None, default=None
        Checkpoint to go on from, with its own tokenizer; None begins from nothing.
    tokenizer : {"wordpiece", "bpe", "unigram"}
        What to train; not with `encoder`.
    vocabulary : int, default=16000
        Most tokens.
    words : bool, default=False
        Let frequent Chinese words be tokens: jieba's for wordpiece; for bpe no token reaches over the border of one.
    lowercase : bool, default=True
    architecture : {"modernbert", "bert"} or None, default=None
        Of an encoder. None is ModernBERT (Warner et al. 2024), and BERT (Devlin et al. 2019) with `next_sentence`.
    layers, hidden, heads : int, default=4, 256, 4
    feed_forward : int or None, default=None
        None is twice `hidden` for ModernBERT, 8/3 of it for the decoder, whose layers have one matrix more than those
        of BERT as well, and four times for BERT.
    dropout : float, default=0.0
        While pretraining; from 0 to below 1.
    length : int, default=128
        Tokens of a sequence, special ones included.
    epochs, steps, minutes : int, int, float or None
        How long: passes over the corpus, optimizer steps, or minutes of the whole work. One of them at most; None of
        all is 3 epochs.
    batch_size : int or None, default=None
        Sequences of a step. None: 32, and 16 for next-token.
    learning_rate : float or None, default=None
        The highest. None: 1e-3 for a new ModernBERT, 5e-4 for other new networks, 5e-5 with `encoder`.
    schedule : str, default="linear"
        See `fenlei.engine.recipe.Recipe`.
    warmup : float, default=0.05
        Share of the steps over which the rate rises.
    weight_decay : float, default=0.01
    max_grad_norm : float, default=1.0
        0 leaves gradients as long as they are.
    precision : {"auto", "float32", "bfloat16"}
    whole_words : bool, default=True
        Hide words, not tokens; Chinese words are jieba's.
    next_sentence : bool, default=False
        Learn too whether the second half of a sequence follows the first.
    rounds : int, default=20
        How many times the held-out sequences are measured.
    held_out : int, default=1000
        Sequences to measure on, a twentieth of all at most.
    seed : int, default=13

    Examples
    --------
    >>> PretrainSettings.of({"layers": 2}).hidden
    256
    >>> PretrainSettings.of({"layer": 2})
    Traceback (most recent call last):
    fenlei.exceptions.SettingError: unknown setting of pretraining 'layer'; did you mean 'layers'? ...
    """

    objective: str = "masked"
    encoder: str | None = None
    tokenizer: str = "wordpiece"
    vocabulary: int = 16_000
    words: bool = False
    lowercase: bool = True
    architecture: str | None = None
    layers: int = 4
    hidden: int = 256
    heads: int = 4
    feed_forward: int | None = None
    dropout: float = 0.0
    length: int = 128
    epochs: int | None = None
    steps: int | None = None
    minutes: float | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    schedule: str = "linear"
    warmup: float = 0.05
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    precision: str = "auto"
    whole_words: bool = True
    next_sentence: bool = False
    rounds: int = 20
    held_out: int = 1000
    seed: int = 13

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Make them from names and values; an unknown name is refused with the nearest known one."""
        known = [field.name for field in fields(cls)]
        for name in settings:
            if name not in known:
                raise SettingError(unknown_name("setting of pretraining", name, known))
        return cls(**settings)

    def __post_init__(self) -> None:
        self._check_choices()
        for name, least in _COUNTS.items():
            _check_whole(name, getattr(self, name), least)
        for name, zero in _NUMBERS.items():
            _check_positive(name, getattr(self, name), zero=zero)
        for name in ("dropout", "warmup"):
            _check_share(name, getattr(self, name))
        for name in ("words", "lowercase", "whole_words", "next_sentence"):
            if not isinstance(getattr(self, name), bool):
                raise SettingError(f"{name} must be true or false; got {getattr(self, name)!r}")
        self._check_together()

    @property
    def is_masked(self) -> bool:
        """Whether words are hidden, rather than the next token foretold."""
        return self.objective == "masked"

    def resolved(self) -> Self:
        """Fill in the defaults that depend on other settings, all but the number of steps."""
        is_new, architecture = self.encoder is None, self._architecture()
        wide = {"bert": 4 * self.hidden, "modernbert": 2 * self.hidden}.get(architecture or "", 8 * self.hidden // 3)
        return replace(
            self,
            architecture=architecture,
            batch_size=self.batch_size or _BATCH[self.objective],
            learning_rate=self.learning_rate or (_RATES[architecture] if is_new else _ADAPTED_RATE),
            feed_forward=self.feed_forward or (wide if is_new else None),
            epochs=self.epochs or (_EPOCHS if self.steps is None and self.minutes is None else None),
        )

    def _architecture(self) -> str | None:
        """Of a new encoder; None for a decoder, and for a checkpoint to go on from."""
        if self.encoder is not None or not self.is_masked:
            return None
        return self.architecture or ("bert" if self.next_sentence else "modernbert")

    def _check_choices(self) -> None:
        for name, known in (
            ("objective", OBJECTIVES),
            ("tokenizer", TOKENIZERS),
            ("schedule", SCHEDULES),
            ("precision", PRECISIONS),
        ):
            if getattr(self, name) not in known:
                raise UnknownNameError(name, str(getattr(self, name)), known)
        if self.architecture not in (None, *ARCHITECTURES):
            raise UnknownNameError("architecture", str(self.architecture), ARCHITECTURES)
        if self.encoder is not None and not (isinstance(self.encoder, str) and self.encoder):
            raise SettingError(f"encoder must be the name or the folder of one; got {self.encoder!r}")

    def _check_together(self) -> None:
        given = [name for name in ("epochs", "steps", "minutes") if getattr(self, name) is not None]
        if len(given) > 1:
            raise SettingError(f"give only one of {' and '.join(given)}; each says how long to train")
        if self.hidden % self.heads:
            raise SettingError(f"hidden must be a multiple of heads; got {self.hidden} and {self.heads}")
        if (not self.is_masked or self._architecture() == "modernbert") and self.hidden // self.heads % 2:
            raise SettingError(f"hidden must be an even multiple of heads; got {self.hidden} and {self.heads}")
        if self.next_sentence and self.architecture == "modernbert":
            raise SettingError("next_sentence is for architecture='bert'; leave one of the two out")
        changed = [name for name, field in self.__dataclass_fields__.items() if getattr(self, name) != field.default]
        if not self.is_masked:
            _refuse("with objective='next-token'", [name for name in _MASKED_ONLY if name in changed])
        if self.tokenizer == "unigram" and self.words:
            raise SettingError(
                "words has no effect with tokenizer='unigram', whose tokens are words anyway; leave it out"
            )
        if self.encoder is not None:
            _refuse("with an encoder, which has its own", [name for name in _NEW_ONLY if name in changed])


def _refuse(reason: str, names: list[str]) -> None:
    if names:
        raise SettingError(f"{names[0]} has no effect {reason}; leave it out")


def _optional(name: str) -> bool:
    return PretrainSettings.__dataclass_fields__[name].default is None


def _check_whole(name: str, value: Any, least: int) -> None:
    if value is None and _optional(name):
        return
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < _LARGEST:
        raise SettingError(f"{name} must be a whole number from {least}; got {value!r}")


def _check_positive(name: str, value: Any, *, zero: bool) -> None:
    if value is None and _optional(name):
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not (0 <= value < float("inf")) or (value == 0 and not zero):
        raise SettingError(f"{name} must be a number {'from' if zero else 'above'} 0; got {value!r}")


def _check_share(name: str, value: Any) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1:
        raise SettingError(f"{name} must be a number from 0 to below 1; got {value!r}")
