"""What the families of networks share: preparation, token ids, training by the engine, and their files."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save

from fenlei._checks import check_choice, check_number
from fenlei._strict_json import dump
from fenlei.base import Held, TextClassifier
from fenlei.engine.batches import TokenExamples, in_length_order
from fenlei.engine.losses import Loss
from fenlei.engine.recipe import OPTIMIZERS, PRECISIONS, SCHEDULES, Recipe, Run
from fenlei.engine.trainer import train_network
from fenlei.exceptions import ModelFolderError, SettingError
from fenlei.features.inputs import BOTH, TokenInputs
from fenlei.features.vocabulary import SPECIAL
from fenlei.layers.embedding import part_rows
from fenlei.models._network import TextNetwork
from fenlei.preparation import Preparation
from fenlei.targets import Targets, class_weights

_FEWEST_TO_HOLD_OUT = 50  # texts; of fewer, a tenth tells nothing
_PARTS = 2**15  # buckets
_SCORED = 512  # texts at a time
_RECIPE = (
    "epochs", "batch_size", "learning_rate", "optimizer", "momentum", "weight_decay", "schedule", "warmup",
    "max_grad_norm", "label_smoothing", "focal", "precision", "patience", "stop_after", "accumulate", "seed",
)  # fmt: skip
EMBEDDINGS = ("random", "static", "nonstatic", "multichannel")


class NeuralTextClassifier(TextClassifier):
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
        File of word vectors to begin with; see `fenlei.vectors`.
    embedding : {"random", "static", "nonstatic", "multichannel"} or None, default=None
        Whether token vectors begin at random or as given, and whether they learn; ``multichannel`` adds a kept and a
        trained copy. None is ``nonstatic`` with ``vectors`` and ``random`` without.
    parts : int or None, default=None
        Number of buckets for the character n-grams of words, whose vectors are added to the word's own; 0 for none.
        None is 32,768, but 0 for Chinese texts, for units other than ``token`` and for static vectors.
    embedding_dropout : float, default=0.2
        Share of the values of each token's vector set to 0 in training.
    dropout : float, default=0.5
        The same, of the text's vector before the last layer.
    epochs : int, default=10
        Passes over the training texts at most.
    batch_size : int, default=64
        Texts of a step.
    accumulate : int, default=1
        Batches whose gradients are added before a step; for small memories.
    learning_rate : float, default=0.001
        The highest of the schedule.
    optimizer : {"adamw", "adam", "sgd", "rmsprop"}, default="adamw"
        How steps follow from gradients; ``adamw`` moves only those token vectors that a batch holds.
    momentum : float, default=0.9
        Of ``sgd`` and ``rmsprop``.
    weight_decay : float, default=0.01
        How strongly weights are drawn to 0.
    schedule : {"constant", "linear", "cosine", "step", "one-cycle"}, default="linear"
        Course of the learning rate after the warm-up: level, a line to 0, half a cosine to 0, a tenth after each third,
        or up and down again.
    warmup : float, default=0.05
        Share of the steps over which the rate rises.
    max_grad_norm : float, default=5.0
        Longer gradients are scaled down to this length; 0 leaves them.
    label_smoothing : float, default=0.0
        Probability taken from the label and spread over all classes, 0 to below 1.
    focal : float, default=0.0
        Exponent of the focal loss, for rare classes; 0 is cross-entropy.
    class_weight : None, "balanced" or dict, default=None
        How much the texts of each class count; "balanced" makes all classes count the same in sum.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Of matrix products in training; ``auto`` is bfloat16 where the processor has units for it.
    patience : int or None, default=3
        Epochs without a better held-out loss or score before training ends; None never ends early.
    stop_after : int or None, default=None
        Epochs after which training ends, the schedule being that of all ``epochs``; None goes on to the last.
    hold_out : float, default=0.1
        Share of the training texts held out to choose the epoch by, when none are given, at most 0.5; 0 keeps the last
        epoch.
    clean : dict or None, default=None
        Settings of `fenlei.clean.cleaner.Cleaner` that differ from its defaults.
    segmenter : {None, "char", "jieba", "mixed", "word"}, default=None
        Who cuts the text into words; None leaves it to the unit.
    segment : dict or None, default=None
        Settings of the segmenter.
    stop_words : str, list of str or None, default=None
        Tokens to leave out; see `fenlei.preparation.Preparation`.
    language : {"auto", "zh", "en", "mixed", "other"}, default="auto"
        Detected from the texts unless given.
    seed : int, default=13
        Of the first weights, the order of the texts and the dropout; the same seed gives the same model.
    """

    trains_in_epochs = True
    network_class: ClassVar[type[TextNetwork]]
    default_dim: ClassVar[int] = 128
    """Size of the token vectors when neither ``dim`` nor ``vectors`` says."""
    network_: TextNetwork
    history_: list[dict[str, float]]

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
        dropout: float = 0.5,
        epochs: int = 10,
        batch_size: int = 64,
        accumulate: int = 1,
        learning_rate: float = 0.001,
        optimizer: Literal["adamw", "adam", "sgd", "rmsprop"] = "adamw",
        momentum: float = 0.9,
        weight_decay: float = 0.01,
        schedule: Literal["constant", "linear", "cosine", "step", "one-cycle"] = "linear",
        warmup: float = 0.05,
        max_grad_norm: float = 5.0,
        label_smoothing: float = 0.0,
        focal: float = 0.0,
        class_weight: str | dict[Any, float] | None = None,
        precision: Literal["auto", "float32", "bfloat16"] = "auto",
        patience: int | None = 3,
        stop_after: int | None = None,
        hold_out: float = 0.1,
        clean: dict[str, Any] | None = None,
        segmenter: str | None = None,
        segment: dict[str, Any] | None = None,
        stop_words: str | list[str] | None = None,
        language: str = "auto",
        seed: int = 13,
    ) -> None:
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
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.accumulate = accumulate
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.warmup = warmup
        self.max_grad_norm = max_grad_norm
        self.label_smoothing = label_smoothing
        self.focal = focal
        self.class_weight = class_weight
        self.precision = precision
        self.patience = patience
        self.stop_after = stop_after
        self.hold_out = hold_out
        self.clean = clean
        self.segmenter = segmenter
        self.segment = segment
        self.stop_words = stop_words
        self.language = language
        self.seed = seed

    @property
    def language_(self) -> str:
        """Language of the training texts: "zh", "en", "mixed" or "other"."""
        self._check_fitted("preparation_")
        return str(self.preparation_.language_["name"])

    def settings_to_refit(self) -> dict[str, Any]:
        """End after as many epochs as were best, at the same rates."""
        self._check_fitted("best_epoch_")
        return {"stop_after": self.best_epoch_, "hold_out": 0.0}

    @abstractmethod
    def network_settings(self) -> dict[str, Any]:
        """Give the settings of the network's configuration that are the family's own."""

    def begin(self, network: TextNetwork, examples: TokenExamples) -> None:
        """Set weights that follow from the training texts, before training."""

    def finish(self, network: TextNetwork, examples: TokenExamples) -> None:
        """Look at the trained network and its training texts, after training."""

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        self._inputs().check_settings()
        check_choice(self, "embedding", None, *EMBEDDINGS)
        check_choice(self, "optimizer", *OPTIMIZERS)
        check_choice(self, "schedule", *SCHEDULES)
        check_choice(self, "precision", *PRECISIONS)
        for name in ("epochs", "batch_size", "accumulate", "max_length"):
            check_number(self, name, least=1, whole=True)
        check_number(self, "parts", least=0, most=2**26, whole=True, optional=True)
        for name in ("dim", "patience", "stop_after"):
            check_number(self, name, least=1, most=100_000, whole=True, optional=True)
        check_number(self, "learning_rate", above=0, most=100)
        for name in ("weight_decay", "max_grad_norm", "focal"):
            check_number(self, name, least=0)
        for name in ("embedding_dropout", "dropout", "label_smoothing", "momentum"):
            check_number(self, name, least=0, most=0.99)
        check_number(self, "hold_out", least=0, most=0.5)
        check_number(self, "warmup", least=0, most=1)
        check_number(self, "seed", least=0, most=2**31, whole=True)
        if self.embedding not in (None, "random") and self.vectors is None:
            raise SettingError(f"embedding={self.embedding!r} needs vectors to begin with; set vectors=FILE")
        if self.embedding == "random" and self.vectors is not None:
            raise SettingError("embedding='random' leaves the vectors unused; leave one of the two out")
        if self.segmenter is not None and self.unit not in ("token", BOTH):
            raise SettingError(f"a segmenter has no effect with unit={self.unit!r}; leave it out")

    def _fit(
        self, texts: list[str], targets: Targets, weights: NDArray[np.float64], held: Held | None, run: Run | None
    ) -> None:
        run = run or Run()
        self.preparation_ = self._preparation().fit(texts)
        documents = self.preparation_.transform(texts)
        self.inputs_ = self._inputs().fit(documents)
        examples = self._examples(documents, targets, weights, run)
        valid = (
            None if held is None else self._examples(self.preparation_.transform(held.texts), held.targets, None, run)
        )
        if valid is None:
            examples, valid = self._divide(examples, targets)
        loss = Loss(
            multi_label=targets.multi_label, smoothing=self.label_smoothing, focal=self.focal,
            class_weights=self._class_weights(targets),
        )  # fmt: skip
        self.network_ = self._make_network(run)
        self.begin(self.network_, examples)
        outcome = train_network(self.network_, examples, valid, loss, self._recipe(), run)
        self.history_, self.best_epoch_ = outcome.history, outcome.best_epoch
        self.finish(self.network_, examples)

    def _scores(self, texts: list[str]) -> NDArray[np.float64]:
        inputs = self.inputs_.transform(self.preparation_.transform(texts))
        channels = tuple(channel.cut(self.max_length).sequences for channel in inputs)
        examples = TokenExamples(channels, np.zeros(len(texts), np.int64), np.ones(len(texts), np.float32))
        out = np.empty((len(texts), len(self.classes_)))
        self.network_.eval()
        with torch.inference_mode():
            for order in in_length_order(examples, _SCORED):
                logits = self.network_(input_ids=examples.padded(order).to(self.network_.device)).logits.double()
                out[order] = (logits.sigmoid() if self.multi_label_ else logits.softmax(1)).cpu().numpy()
        return out

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
            raise ModelFolderError(f"the files of this {self.family} model do not fit together: {error}") from error

    def _check_weights(self, weights: Mapping[str, torch.Tensor], dim: int) -> None:
        """Refuse weights of other shapes before there is memory for them, and numbers that would lead astray."""
        with torch.device("meta"):
            expected = {name: value.shape for name, value in self._empty_network(dim).state_dict().items()}
        if expected != {name: value.shape for name, value in weights.items()}:
            raise ValueError("the weights have not the shapes that settings and vocabulary ask for")
        if not all(bool(torch.isfinite(value).all()) for value in weights.values()):
            raise ValueError("a weight is not a number")
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

    def _recipe(self) -> Recipe:
        return Recipe(**{name: _plain(getattr(self, name)) for name in _RECIPE})

    def _examples(
        self, documents: Any, targets: Targets, weights: NDArray[np.float64] | None, run: Run
    ) -> TokenExamples:
        cuts = [channel.cut(self.max_length) for channel in self.inputs_.transform(documents)]
        if cuts[0].n_texts:
            run.message(
                f"{cuts[0].n_texts:,} of {len(documents):,} texts are longer than max_length={self.max_length}: "
                f"{cuts[0].n_ids:,} tokens at their ends are not read"
            )
        encoded = targets.indicator.astype(np.float32) if targets.multi_label else targets.indices
        heavy = np.ones(len(documents)) if weights is None else weights
        return TokenExamples(tuple(cut.sequences for cut in cuts), encoded, heavy.astype(np.float32))

    def _divide(self, examples: TokenExamples, targets: Targets) -> tuple[TokenExamples, TokenExamples | None]:
        """Hold a part out to choose the epoch by; every class keeps its share, and its only text is learned."""
        n = len(examples)
        if self.hold_out == 0 or n < _FEWEST_TO_HOLD_OUT:
            return examples, None
        rng = np.random.default_rng(self.seed)
        order = rng.permutation(n)
        classes = targets.indicator.argmax(1)
        by_class = order[np.argsort(classes[order], kind="stable")]
        by_class = by_class[np.bincount(classes)[classes[by_class]] > 1]
        held = np.zeros(n, bool)
        held[by_class[:: max(2, round(1 / self.hold_out))]] = True
        if not examples.weights[held].any() or not examples.weights[~held].any():  # nothing to choose by, or to learn
            return examples, None
        return examples.select(~held), examples.select(held)

    def _class_weights(self, targets: Targets) -> torch.Tensor | None:
        if self.class_weight is None:
            return None
        return torch.tensor(class_weights(self.class_weight, self.classes_, targets.indicator.sum(0))).float()

    def _make_network(self, run: Run) -> TextNetwork:
        with torch.random.fork_rng():
            torch.manual_seed(int(self.seed))
            if self.vectors is None:
                return self._empty_network(int(self.dim or self.default_dim))
            return self._network_with_vectors(self.vectors, run)

    def _network_with_vectors(self, path: str, run: Run) -> TextNetwork:
        from fenlei.vectors.formats import load_vectors

        tokens = self.inputs_.tokens_
        words = np.array([token not in SPECIAL for token in tokens])
        rows, found = load_vectors(path, only=set(tokens)).rows_of(tokens)
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
            **{name: _plain(value) for name, value in self.network_settings().items()},
        )  # fmt: skip
        network = self.network_class(config)
        if spelled is not None:
            network.embedding.spell(spelled)
        return network

    def _embedding(self) -> str:
        return self.embedding or ("random" if self.vectors is None else "nonstatic")


def _plain(value: Any) -> Any:
    """Numpy's numbers, which searches over settings draw, as Python's."""
    return value.item() if isinstance(value, np.generic) else value
