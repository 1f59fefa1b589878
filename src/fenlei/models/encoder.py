r"""``encoder``: a pretrained encoder, fine-tuned, with a head of your choice: mean, convolution, recurrence and others.

.. math:: z = W \cdot \operatorname{head}\bigl(h_1, \dots, h_n\bigr) + b

where h are the states that the encoder gives for the tokens of a text: of its last layer, or a learned mix of several.

Devlin, Chang, Lee, Toutanova, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", NAACL
2019, read the first token's state. `fenlei.layers.heads` has the others, `fenlei.encoders.strategies` what of the
encoder learns, and `fenlei.encoders.windows` what is read of long texts.

Cost: that of the encoder, some 2 operations for each of its layers' weights and token forward, and twice that backward.
With ``strategy="frozen"`` it runs once over the texts, and an epoch costs next to nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from fenlei._checks import check_choice, check_number, check_sizes
from fenlei.encoders.examples import StateExamples, WindowExamples
from fenlei.encoders.load import config_bytes
from fenlei.encoders.mixout import add_mixout, remove_mixout
from fenlei.encoders.packing import check_packs, leave_packed
from fenlei.encoders.states import encode_states
from fenlei.encoders.strategies import STRATEGIES, add_lora, choose_weights, merge_lora, renew_top, set_dropout
from fenlei.encoders.training import quicken
from fenlei.engine.batches import Examples
from fenlei.engine.recipe import Run
from fenlei.engine.trainer import place_of, uses_bfloat16
from fenlei.exceptions import SettingError
from fenlei.layers.conv_pool import POOLINGS
from fenlei.layers.heads import head_names
from fenlei.layers.recurrent import CELLS
from fenlei.models._encoder import EncoderClassifierConfig, EncoderClassifierNetwork, chosen_head
from fenlei.models._gradient import GradientTextClassifier, plain
from fenlei.models._pretrained import PretrainedTextClassifier, encoding_told_to

_RATES = {"full": 1e-4, "gradual": 1e-4, "last": 2e-4, "lora": 1e-3, "bitfit": 1e-3, "frozen": 1e-3}
_HEAD_RATE = 1e-3
_EPOCHS = {"frozen": 15}
_BATCH, _SHORT = 32, 32  # texts of a step; of half as many tokens twice as many fill the processor
_LOOKED_AT = 1000  # texts, to see how long they are
WINDOW_POOLINGS = ("mean", "max", "attention")


class EncoderClassifier(PretrainedTextClassifier, GradientTextClassifier):
    """A pretrained encoder with a head, fine-tuned.

    Parameters
    ----------
    encoder : str, default="e5-small"
        A folder in the layout of Hugging Face, a name that ``fenlei encoders`` lists, a name on the Hub, or
        ``modelscope:`` and a name there.
    head : str or None, default=None
        What becomes of the tokens' states: ``cls``, ``last``, ``mean``, ``max``, ``attention``, ``conv``, ``rnn``,
        ``rcnn``, or several joined by ``+``. None is ``mean``, and ``last`` for a decoder.
    mix : int, default=1
        Last layers whose states are mixed by learned weights; 1 is the last layer alone.
    widths : sequence of int, default=(2, 3, 4)
        Of the head ``conv``: how many tokens the filters see.
    filters : int, default=128
        How many filters there are of each width.
    pooling : {"max", "average", "kmax"}, default="max"
        What of a filter's answers is kept; ``kmax`` keeps 3.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        Of the heads ``rnn`` and ``rcnn``.
    hidden : int, default=128
        Size of their state in each direction.
    strategy : {"full", "frozen", "last", "gradual", "lora", "bitfit"}, default="full"
        Which of the encoder's weights learn; see `fenlei.encoders.strategies`.
    last_layers : int, default=2
        How many for ``strategy="last"``.
    layer_decay : float, default=1.0
        Rate of a layer by that of the layer above, above 0 to 1.
    lora_rank : int, default=8
        Of the additions of ``strategy="lora"``.
    fresh_layers : int, default=0
        Top layers that begin anew at random (Zhang et al., "Revisiting Few-sample BERT Fine-tuning", ICLR 2021).
    mixout : float, default=0.0
        Share of the encoder's weights that are the pretrained ones again at each step (Lee, Cho, Kang, "Mixout", ICLR
        2020), 0 to below 1.
    encoder_dropout : float or None, default=None
        Of the encoder's own dropout in training; None is what the checkpoint says.
    max_length : int or None, default=None
        Tokens of a window, special ones among them; None is 256, or what the encoder can read if that is less.
    long_text : {"head", "tail", "head+tail", "windows"}, default="head"
        What is read of texts that are longer: see `fenlei.encoders.windows`.
    window_pooling : {"mean", "max", "attention"}, default="mean"
        How the vectors of a text's windows become one.
    prefix : str or None, default=""
        Put before each text, such as "query: "; None is what the encoder was pretrained with, where that is known.
    packing : bool, default=False
        Whether the texts of a training batch lie end to end, so that only attention sees padding; for encoders whose
        attention can be set. It pays only where the texts of a batch differ much in length.
    checkpointing : bool, default=False
        Compute states anew in the backward pass: a third slower, a fraction of the memory.
    dropout : float, default=0.1
        Share of the values of the text's vector set to 0 in training, before the last layer.
    epochs : int or None, default=None
        Passes over the training texts at most; None is 3, with ``strategy="frozen"`` 15.
    batch_size : int or None, default=None
        Texts of a step; None is 32, and 64 where half of the texts have 32 tokens at most.
    score_precision : {"float32", "bfloat16"}, default="float32"
        Of matrix products in use. On processors with units for it bfloat16 is several times as fast; probabilities
        then differ by some 0.001, also between a text alone and in a batch.
    learning_rate : float or None, default=None
        The highest of the schedule, of the encoder's weights; None goes by the strategy.
    head_rate : float or None, default=None
        The same, of the head's weights; None is 0.001.
    schedule : {"constant", "linear", "cosine", "step", "one-cycle"}, default="linear"
        Course of the learning rate after the warm-up.
    warmup : float, default=0.1
        Share of the steps over which the rate rises.
    max_grad_norm : float, default=1.0
        Longer gradients are scaled down to this length; 0 leaves them.
    **shared
        What all networks have; see `fenlei.models._gradient.GradientTextClassifier`.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    multi_label_ : bool
    network_ : EncoderClassifierNetwork
        A Hugging Face model.
    tokenizer_ : EncoderTokenizer
    batch_size_ : int
        Texts of a step.
    trained_weights_ : int
        Number of weights that learned.
    history_ : list of dict
        Loss and accuracy of each epoch.

    Examples
    --------
    What is not given goes by the strategy:

    >>> model = EncoderClassifier(head="mean+conv", strategy="frozen")
    >>> model
    EncoderClassifier(head='mean+conv', strategy='frozen')
    >>> model.recipe_defaults()
    {'epochs': 15, 'learning_rate': 0.001, 'batch_size': 32}
    """

    family = "encoder"
    network_: EncoderClassifierNetwork

    def __init__(
        self,
        *,
        encoder: str = "e5-small",
        head: str | None = None,
        mix: int = 1,
        widths: Sequence[int] = (2, 3, 4),
        filters: int = 128,
        pooling: Literal["max", "average", "kmax"] = "max",
        cell: Literal["lstm", "gru", "rnn"] = "lstm",
        hidden: int = 128,
        strategy: Literal["full", "frozen", "last", "gradual", "lora", "bitfit"] = "full",
        last_layers: int = 2,
        layer_decay: float = 1.0,
        lora_rank: int = 8,
        fresh_layers: int = 0,
        mixout: float = 0.0,
        encoder_dropout: float | None = None,
        max_length: int | None = None,
        long_text: Literal["head", "tail", "head+tail", "windows"] = "head",
        window_pooling: Literal["mean", "max", "attention"] = "mean",
        prefix: str | None = "",
        packing: bool = False,
        checkpointing: bool = False,
        dropout: float = 0.1,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        head_rate: float | None = None,
        schedule: Literal["constant", "linear", "cosine", "step", "one-cycle"] = "linear",
        warmup: float = 0.1,
        max_grad_norm: float = 1.0,
        score_precision: Literal["float32", "bfloat16"] = "float32",
        **shared: Any,
    ) -> None:
        super().__init__(
            dropout=dropout, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, schedule=schedule,
            warmup=warmup, max_grad_norm=max_grad_norm, **shared,
        )  # fmt: skip
        self.encoder = encoder
        self.head = head
        self.mix = mix
        self.widths = widths
        self.filters = filters
        self.pooling = pooling
        self.cell = cell
        self.hidden = hidden
        self.strategy = strategy
        self.last_layers = last_layers
        self.layer_decay = layer_decay
        self.lora_rank = lora_rank
        self.fresh_layers = fresh_layers
        self.mixout = mixout
        self.encoder_dropout = encoder_dropout
        self.max_length = max_length
        self.long_text = long_text
        self.window_pooling = window_pooling
        self.prefix = prefix
        self.packing = packing
        self.checkpointing = checkpointing
        self.head_rate = head_rate
        self.score_precision = score_precision

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        if self.head is not None:
            head_names(self.head)
        check_choice(self, "strategy", *STRATEGIES)
        check_choice(self, "window_pooling", *WINDOW_POOLINGS)
        check_choice(self, "pooling", *POOLINGS)
        check_choice(self, "cell", *CELLS)
        check_choice(self, "packing", True, False)
        check_choice(self, "checkpointing", True, False)
        check_choice(self, "score_precision", "float32", "bfloat16")
        check_sizes(self, "widths", most=20)
        for name in ("mix", "filters", "hidden", "last_layers", "lora_rank"):
            check_number(self, name, least=1, most=10_000, whole=True)
        check_number(self, "fresh_layers", least=0, most=1000, whole=True)
        for name in ("mixout", "encoder_dropout"):
            check_number(self, name, least=0, most=0.99, optional=name == "encoder_dropout")
        check_number(self, "head_rate", above=0, most=100, optional=True)
        check_number(self, "layer_decay", above=0, most=1)
        self._check_together()
        super().check_settings()

    def _check_together(self) -> None:
        """Refuse settings that exclude each other."""
        if not self.widths:
            raise SettingError("widths must name at least one width")
        if self.strategy in ("frozen", "lora", "bitfit") and (self.fresh_layers or self.mixout):
            raise SettingError(f"fresh_layers and mixout change weights that strategy={self.strategy!r} leaves alone")
        if self.strategy == "last" and self.fresh_layers > self.last_layers:
            raise SettingError("fresh_layers above last_layers would never learn; raise last_layers")
        if self.strategy == "lora" and self.layer_decay != 1:
            raise SettingError("layer_decay is not for strategy='lora', whose weights are its own")
        if self.adversarial and self.strategy in ("frozen", "last", "lora", "bitfit"):
            raise SettingError(f"adversarial moves token vectors, which strategy={self.strategy!r} leaves alone")
        if self.packing and self.strategy == "frozen":
            raise SettingError("packing has no use with strategy='frozen', whose encoder does not learn")
        if self.checkpointing and self.r_drop:
            raise SettingError("r_drop changes the dropout before checkpointing computes it anew; use one of them")

    def recipe_defaults(self) -> dict[str, Any]:
        """Give what the strategy goes best with."""
        rate, batch_size = _RATES[self.strategy], getattr(self, "batch_size_", _BATCH)
        return {"epochs": _EPOCHS.get(self.strategy, 3), "learning_rate": rate, "batch_size": batch_size}

    def learn_inputs(self, texts: list[str], run: Run) -> list[str]:
        """Find the encoder and its tokenizer, and how long a window may be."""
        self._loaded = self._load(texts, run)
        prepared = self.prepare(texts)
        typical = np.median(self.tokenizer_.encode(prepared[:_LOOKED_AT]).lengths)
        self.batch_size_ = int(self.batch_size or (_BATCH if typical > _SHORT else 2 * _BATCH))
        return prepared

    def scoring(self) -> AbstractContextManager[Any]:
        """Set the type of matrix products in use."""
        wanted = self.score_precision == "bfloat16"
        return torch.autocast(self.network_.device.type, torch.bfloat16, enabled=wanted)

    def make_network(self, run: Run) -> EncoderClassifierNetwork:
        """Put head and linear layer over the encoder, and choose what learns."""
        loaded = self._loaded
        del self._loaded  # a classifier keeps one network
        encoder = loaded.network
        self._check_mix(encoder)
        if self.encoder_dropout is not None:
            set_dropout(encoder, float(self.encoder_dropout))
        size = int(encoder.config.hidden_size)
        config = self._config(json.loads(config_bytes(encoder)), size, loaded.is_decoder)
        quicken(encoder)
        if self.packing:
            check_packs(encoder, str(self.encoder))
        network = EncoderClassifierNetwork(config, encoder)
        self._set_strategy(network)
        if self.checkpointing:
            network.activation_checkpointing_enable()
        self.trained_weights_ = sum(p.numel() for p in network.parameters() if p.requires_grad)
        return network

    def _check_mix(self, encoder: Any) -> None:
        n_layers = int(encoder.config.num_hidden_layers)
        if self.mix > n_layers:
            raise SettingError(f"mix={self.mix}, but the encoder has {n_layers} layers")

    def _set_strategy(self, network: EncoderClassifierNetwork) -> None:
        """Choose which weights learn, and how fast."""
        recipe = self._recipe()
        network.head_rate = (_HEAD_RATE if self.head_rate is None else float(self.head_rate)) / recipe.learning_rate
        network.layer_decay, network.gradual = float(self.layer_decay), self.strategy == "gradual"
        renew_top(network.encoder, int(self.fresh_layers))
        choose_weights(network.encoder, self.strategy, int(self.last_layers))
        if self.mixout:
            add_mixout(network.encoder, float(self.mixout))
        if self.strategy == "lora":
            network.encoder = add_lora(network.encoder, int(self.lora_rank), 2.0 * self.lora_rank)

    def make_examples(
        self, prepared: list[str], targets: NDArray[Any], weights: NDArray[np.float32], run: Run
    ) -> WindowExamples:
        """Look up the ids and cut windows; `run` is told of what is not read."""
        return WindowExamples(self._windows(prepared, run), targets, weights, self.tokenizer_.pad_id)

    def to_learn_from(self, network: Any, examples: Any, run: Run) -> Examples:
        """Run a frozen encoder over the texts, once; pack what another learns from, if that is wished."""
        if self.strategy != "frozen":
            return replace(examples, packed=bool(self.packing))
        bf16, place = uses_bfloat16(self.precision, self.device), place_of(self.device)
        states = encode_states(
            network.to(place).eval().read, examples.windows, examples.pad_id,
            bf16=bf16, device=place, progress=encoding_told_to(run),
        )  # fmt: skip
        windows = examples.windows
        return StateExamples(states, windows.ids.bounds, windows.bounds, examples.targets, examples.weights)

    def finish(self, network: Any, examples: Any) -> None:
        """Turn the network back into a plain one."""
        if self.strategy == "lora":
            network.encoder = merge_lora(network.encoder)
        remove_mixout(network.encoder)
        leave_packed(network.encoder, None)
        network.requires_grad_(True)

    def _learned(self) -> dict[str, Any]:
        return {"trained_weights": self.trained_weights_, "history": self.history_, "best_epoch": self.best_epoch_}

    def _take_learned(self, learned: Mapping[str, Any]) -> None:
        self.trained_weights_ = int(learned["trained_weights"])
        self.history_, self.best_epoch_ = list(learned["history"]), int(learned["best_epoch"])

    def _config(self, encoder: dict[str, Any], size: int, reads_left_to_right: bool) -> EncoderClassifierConfig:
        head = chosen_head(self.head, "head", reads_left_to_right=reads_left_to_right)
        names = ("mix", "widths", "filters", "pooling", "cell", "hidden", "window_pooling", "dropout")
        own = {name: plain(getattr(self, name)) for name in names}
        make_config: Any = EncoderClassifierConfig  # its keywords are annotations, which mypy cannot see
        config: EncoderClassifierConfig = make_config(
            encoder=encoder, size=size, reads_left_to_right=reads_left_to_right, num_labels=len(self.classes_),
            **own | {"head": head, "widths": list(self.widths)},
        )  # fmt: skip
        return config
