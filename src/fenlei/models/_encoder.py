"""The network of the families over pretrained encoders: an encoder, a head, and a linear layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import SequenceClassifierOutput

from fenlei.encoders.load import empty_encoder
from fenlei.encoders.packing import keys_of_tokens, leave_packed, positions_of
from fenlei.encoders.strategies import depths, unfreeze_top
from fenlei.encoders.training import leave_keys
from fenlei.engine.losses import plain_loss
from fenlei.exceptions import SettingError
from fenlei.layers.dropout import KeyedDropout
from fenlei.layers.heads import Heads, HeadSettings, head_names
from fenlei.layers.packing import Packed
from fenlei.layers.pooling import AttentionPooling, pool

K = 3  # of pooling="kmax"


class EncoderClassifierConfig(PreTrainedConfig):
    """Settings of `EncoderClassifierNetwork`; see `fenlei.models.encoder.EncoderClassifier`.

    Parameters
    ----------
    encoder : dict
        Configuration of the encoder.
    size : int
        Values of one of its states.
    reads_left_to_right : bool
        Whether a token sees only those before it.
    """

    model_type = "fenlei-encoder"
    encoder: dict[str, Any] | None = None
    size: int = 0
    reads_left_to_right: bool = False
    head: str = "mean"
    mix: int = 1
    widths: list[int] | tuple[int, ...] = (2, 3, 4)
    filters: int = 128
    pooling: str = "max"
    cell: str = "lstm"
    hidden: int = 128
    window_pooling: str = "mean"
    dropout: float = 0.1


class EncoderClassifierNetwork(PreTrainedModel):
    """An encoder, a head over the states of its last layer or layers, and a linear layer.

    Parameters
    ----------
    config : EncoderClassifierConfig
    encoder : PreTrainedModel, optional
        Without it one is made with random weights.
    """

    config_class = EncoderClassifierConfig
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    head_rate = 1.0
    """Rate of the head's weights, by the recipe's."""
    layer_decay = 1.0
    """Rate of a layer of the encoder, by that of the layer above."""
    gradual = False
    """Whether the layers begin to learn one after another."""

    def __init__(self, config: Any, encoder: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        settings = HeadSettings(
            widths=tuple(config.widths), filters=(config.filters,) * len(config.widths), pooling=config.pooling, k=K,
            cell=config.cell, hidden=config.hidden,
        )  # fmt: skip
        self.heads = Heads(config.head, config.size, settings)
        self.mix = nn.Parameter(torch.zeros(config.mix)) if config.mix > 1 else None
        features = self.heads.out_features
        self.window_attention = AttentionPooling(features) if config.window_pooling == "attention" else None
        self.dropout = KeyedDropout(config.dropout, salt=2)
        self.classifier = nn.Linear(features, config.num_labels)
        self.post_init()
        self.encoder = empty_encoder(config.encoder) if encoder is None else encoder  # has its own first weights

    def forward(
        self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None, states: Tensor | None = None,
        windows: Tensor | None = None, places: Tensor | None = None, labels: Tensor | None = None,
        keys: Tensor | None = None, **kwargs: Any,
    ) -> SequenceClassifierOutput:  # fmt: skip
        """Score a padded batch, or a packed one.

        Parameters
        ----------
        input_ids : tensor of int64, shape (n_windows, longest), or (1, n_tokens) for a packed batch
        attention_mask : tensor of int64, shape (n_windows, longest), optional
            1 where there is a token. All are tokens when not given.
        states : tensor of shape (n_windows, longest, n_layers, size), optional
            What `read` gave, instead of `input_ids`.
        windows : tensor of int64, shape (n_texts, most), optional
            Which windows each text has, in their order and text by text, -1 beyond its last; one when not given.
        places : tensor of int64, shape (n_windows, longest), optional
            Of a packed batch, whose windows come end to end: the number of the token at each place of a window, -1
            beyond its end.
        labels : tensor, optional
            Of int64, shape (n_texts,): the class. Of float, shape (n_texts, n_labels): 0 and 1 for multi-label.
        keys : tensor of int64, shape (n_texts,), optional
            What the dropout of each text's vector depends on.

        Returns
        -------
        SequenceClassifierOutput
            ``logits`` of shape (n_texts, n_labels), and ``loss`` when there are labels.
        """
        packed = None if places is None else Packed.of(places)
        if self.training:
            of_windows = keys_of_windows(keys, windows)
            leave_keys(self.encoder, of_windows if packed is None else keys_of_tokens(of_windows, packed))
        vectors = self.vectors(input_ids, attention_mask, states, windows, packed)
        logits = self.classifier(self.dropout(vectors, keys)).float()
        return SequenceClassifierOutput(loss=plain_loss(logits, labels), logits=logits)

    def vectors(
        self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None, states: Tensor | None = None,
        windows: Tensor | None = None, packed: Packed | None = None,
    ) -> Tensor:  # fmt: skip
        """Give the vector of each text, shape (n_texts, n_features); parameters as of `forward`."""
        if states is None:
            assert input_ids is not None  # noqa: S101  (one of the two is always given)
            states = self.read(input_ids, attention_mask, packed)
        if packed is not None:
            attention_mask = packed.mask
        states = states.float()  # those that were kept are bfloat16, which weights in float32 do not take
        longest = states.shape[1]
        lengths = torch.full((len(states),), longest) if attention_mask is None else attention_mask.sum(1)
        found: Tensor = self.heads(self._mixed(states), lengths.to(states.device).clamp(min=1))
        if windows is None and self.window_attention is not None:  # whose weights take part in every step
            windows = torch.arange(len(found), device=found.device)[:, None]
        return found if windows is None else self._one_a_text(found, windows)

    def read(self, input_ids: Tensor, attention_mask: Tensor | None = None, packed: Packed | None = None) -> Tensor:
        """Run the encoder; the states of the last layers, shape (n_windows, longest, n_layers, size)."""
        how: dict[str, Any] = {"use_cache": False} if self.config.reads_left_to_right else {}
        how |= {"input_ids": input_ids, "attention_mask": attention_mask}
        if packed is not None:
            how["position_ids"] = positions_of(self.encoder, packed)
        leave_packed(self.encoder, packed)
        if self.mix is None:
            states: Tensor = self.encoder(**how).last_hidden_state[:, :, None]
        else:
            states = torch.stack(self.encoder(**how, output_hidden_states=True).hidden_states[-len(self.mix) :], 2)
        return states if packed is None else packed.padded(states[0])

    def rate_of(self, name: str) -> float:
        """Rate of a weight by the recipe's: the head has its own, and the encoder's fall from the top down."""
        if not name.startswith("encoder."):
            return self.head_rate
        if self.layer_decay == 1:
            return 1.0
        return float(self.layer_decay ** max(0, self._depths()[name.removeprefix("encoder.")]))

    def begin_epoch(self, epoch: int, epochs: int) -> None:
        """Let more layers learn, where they begin one after another: none at first, all in the last epoch."""
        if not self.gradual:
            return
        deepest = max(self._depths().values()) + 1
        unfreeze_top(self.encoder, deepest if epoch + 1 >= epochs else round(deepest * epoch / (epochs - 1)))

    def _depths(self) -> dict[str, int]:
        return depths(self.encoder)

    def _mixed(self, states: Tensor) -> Tensor:
        if self.mix is None:
            return states[:, :, 0]
        return torch.einsum("nlkd,k->nld", states, self.mix.softmax(0).to(states.dtype))

    def _one_a_text(self, vectors: Tensor, windows: Tensor) -> Tensor:
        padded, counts = vectors[windows.clamp(min=0)], (windows >= 0).sum(1)
        if self.window_attention is not None:
            pooled: Tensor = self.window_attention(padded, counts)
            return pooled
        return pool(padded, counts, self.config.window_pooling)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if callable(reset := getattr(module, "reset", None)):  # our layers draw their own weights
            reset()
        elif module is self.classifier:
            init.normal_(module.weight, std=0.02)
            init.zeros_(module.bias)
        else:
            super()._init_weights(module)


def chosen_head(asked: str | None, setting: str, *, reads_left_to_right: bool) -> str:
    """Choose the head where none is asked for: the mean, and the last token of a decoder, which has seen all others.

    Raises
    ------
    SettingError
        When the first token of a decoder is asked for, which has seen no other.

    Examples
    --------
    >>> chosen_head(None, "head", reads_left_to_right=True)
    'last'
    """
    if asked is None:
        return "last" if reads_left_to_right else "mean"
    if reads_left_to_right and "cls" in head_names(asked):
        raise SettingError(
            f"{setting}={asked} reads the first token, which in a decoder has seen no other; take {setting}=last"
        )
    return asked


def keys_of_windows(keys: Tensor | None, windows: Tensor | None) -> Tensor | None:
    """Give each window a key of its own: its text's, and its number within the text added."""
    if keys is None or windows is None:
        return keys
    return (keys[:, None] + torch.arange(windows.shape[1], device=keys.device))[windows >= 0]
