"""Networks to pretrain: those of `transformers`, scoring the vocabulary only at the places that are to be foretold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    LlamaConfig,
    LlamaForCausalLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedModel,
)
from transformers.utils.generic import ModelOutput

from fenlei.encoders.bare import quiet
from fenlei.encoders.find import find_encoder
from fenlei.encoders.load import LoadedEncoder, load_encoder
from fenlei.encoders.strategies import set_dropout
from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.encoders.training import leave_keys, quicken
from fenlei.encoders.weights import read_weights
from fenlei.exceptions import SettingError
from fenlei.pretrain.settings import PretrainSettings

_SCORES = ("decoder.weight", "lm_head.weight", "embed_out.weight", "vocab_projector.weight")  # the head's last layer
_DROPOUTS = {
    "bert": ("hidden_dropout_prob", "attention_probs_dropout_prob"),
    "modernbert": ("embedding_dropout", "mlp_dropout", "attention_dropout"),
}
_FINE_TUNING_DROPOUT = 0.1  # that of BERT; a short pretraining does without, learning from few labels does not


@dataclass
class PlacedOutput(ModelOutput):
    """Scores of the places that were asked for.

    Attributes
    ----------
    logits : tensor of shape (n_places, vocabulary)
    extra_loss : tensor or None
        Loss of telling whether the second half of each sequence follows the first.
    extra_right : tensor of bool, shape (n,), or None
        Whether that was told rightly of each sequence.
    """

    logits: Tensor | None = None
    extra_loss: Tensor | None = None
    extra_right: Tensor | None = None


class PlacedLanguageModel(PreTrainedModel):
    """A language model whose head sees only some places: most of a small network's work is the scores of a vocabulary.

    The vectors that leave the layers are gathered before they reach the head, whatever kind of network it is.

    Parameters
    ----------
    network : PreTrainedModel
        With a head for masked or next tokens; is made faster to train.
    """

    main_input_name = "input_ids"
    _no_split_modules: list[str] = []  # noqa: RUF012  (as transformers wants it)
    _supports_sdpa = True  # whether the network does was settled when it was made

    def __init__(self, network: PreTrainedModel) -> None:
        super().__init__(network.config)
        self.network = network
        self._places: Tensor | None = None
        network.base_model.register_forward_hook(self._gather)
        quicken(network)

    def forward(
        self, input_ids: Tensor, places: Tensor, follows: Tensor | None = None, keys: Tensor | None = None,
        batch_key: Tensor | None = None, **inputs: Any,
    ) -> PlacedOutput:  # fmt: skip
        """Score some places.

        Parameters
        ----------
        input_ids : tensor of int64, shape (n, length)
        places : tensor of int64, shape (n_places,)
            Counted through all sequences.
        follows : tensor of int64, shape (n,), optional
            Whether the second half of each sequence belongs to the first.
        keys, batch_key : tensor, optional
            What the dropout of each sequence depends on; the latter is of no use here.
        **inputs
            ``attention_mask`` and ``token_type_ids``.
        """
        self._places = places
        if self.training:
            leave_keys(self.network, keys)
        try:
            found = self.network(input_ids=input_ids, **inputs, **self._switches())
        finally:
            self._places = None
        logits = found.logits if "logits" in found else found.prediction_logits
        if follows is None:
            return PlacedOutput(logits[0])
        pairs = found.seq_relationship_logits.float()  # 0 is for "follows"
        return PlacedOutput(logits[0], nn.functional.cross_entropy(pairs, 1 - follows), pairs.argmax(1) == 1 - follows)

    def _switches(self) -> dict[str, Any]:
        return {"use_cache": False} if isinstance(getattr(self.config, "use_cache", None), bool) else {}

    def _gather(self, module: nn.Module, inputs: Any, output: Any) -> Any:
        if self._places is not None:
            states = output.last_hidden_state
            output.last_hidden_state = states.flatten(0, 1)[self._places][None]
        return output


def new_network(settings: PretrainSettings, tokenizer: EncoderTokenizer) -> PreTrainedModel:
    """Make a network with random weights: an encoder, or for the next token a decoder like Llama.

    ModernBERT (Warner et al., "Smarter, Better, Faster, Longer", 2024) normalises before each layer, and tells places
    apart by turning queries and keys. BERT, which normalises after each layer and learns a vector a place, stays for
    thousands of steps at what the frequency of tokens tells. All layers see the whole sequence: it is short.

    Examples
    --------
    >>> from fenlei.pretrain.tokenizer import train_tokenizer
    >>> tokenizer = EncoderTokenizer(train_tokenizer(["好看"], "wordpiece", size=300))
    >>> network = new_network(PretrainSettings(layers=1, hidden=8, heads=2).resolved(), tokenizer)
    >>> network.config.model_type, network.config.vocab_size
    ('modernbert', 7)
    """
    ids: dict[str, Any] = {
        "pad_token_id": tokenizer.pad_id,
        "bos_token_id": tokenizer.prefix[0],
        "eos_token_id": tokenizer.suffix[0],
    }
    sizes: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": settings.hidden,
        "num_hidden_layers": settings.layers,
        "num_attention_heads": settings.heads,
        "intermediate_size": settings.feed_forward,
        "max_position_embeddings": settings.length,
        "tie_word_embeddings": True,
    }
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        if not settings.is_masked:
            return LlamaForCausalLM(LlamaConfig(**sizes, **ids, attention_dropout=settings.dropout))
        dropout: dict[str, Any] = dict.fromkeys(_DROPOUTS[str(settings.architecture)], settings.dropout)
        if settings.architecture == "modernbert":
            ids |= {"cls_token_id": tokenizer.prefix[0], "sep_token_id": tokenizer.suffix[0]}
            make_config: Any = ModernBertConfig  # one of its keywords is no annotation, so mypy cannot see it
            return ModernBertForMaskedLM(make_config(**sizes, **ids, **dropout, global_attn_every_n_layers=1))
        config = BertConfig(**sizes, **dropout, pad_token_id=tokenizer.pad_id)
        return BertForPreTraining(config) if settings.next_sentence else BertForMaskedLM(config)


def known_network(
    name: str, settings: PretrainSettings, message: Callable[[str], None]
) -> tuple[PreTrainedModel, EncoderTokenizer]:
    """Load a checkpoint with its head; one that has none gets a new one, tied to its embedding.

    Raises
    ------
    SettingError
        When it cannot do what the settings ask for.
    ModelFolderError, UnknownNameError, UnavailableError
        When it cannot be loaded; see `fenlei.encoders.load.load_encoder`.
    """
    loaded = load_encoder(name, message=message)
    config = loaded.network.config
    _check_fits(loaded, settings)
    kind: Any = BertForPreTraining if settings.next_sentence else _heads(settings)[type(config)]
    folder = find_encoder(name)
    weights = read_weights(folder)
    if not any(key.endswith(_SCORES) for key in weights):
        config.tie_word_embeddings = True
    with quiet(), torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        network, found = kind.from_pretrained(
            None, config=config, state_dict=weights, dtype=torch.float32, output_loading_info=True
        )
    set_dropout(network, settings.dropout)
    if any("embed" not in key for key in found["missing_keys"]):
        message(f"{name}: has no head for this objective; it gets a new one, which begins at random")
    return network, loaded.tokenizer


def _heads(settings: PretrainSettings) -> Any:
    return MODEL_FOR_MASKED_LM_MAPPING if settings.is_masked else MODEL_FOR_CAUSAL_LM_MAPPING


def _check_fits(loaded: LoadedEncoder, settings: PretrainSettings) -> None:
    kind = loaded.network.config.model_type
    if settings.length > loaded.max_length:
        raise SettingError(f"length must be at most {loaded.max_length} with this encoder; got {settings.length}")
    if settings.is_masked and (loaded.is_decoder or loaded.tokenizer.mask_id is None):
        raise SettingError("this encoder has no token that hides others; set objective='next-token', or take another")
    if not settings.is_masked and not loaded.is_decoder:
        raise SettingError("this encoder sees both sides of a token; set objective='masked', or take a decoder")
    if type(loaded.network.config) not in _heads(settings):
        raise SettingError(f"transformers has no network of the type {kind!r} for objective={settings.objective!r}")
    if settings.next_sentence and kind != "bert":
        raise SettingError(f"next_sentence needs an encoder of the type 'bert'; this is {kind!r}")


def published_config(network: PreTrainedModel, *, is_new: bool) -> None:
    """Set what was different for pretraining alone to what those who load the network expect."""
    config: Any = network.config
    for name in _DROPOUTS.get(config.model_type, ()) if is_new else ():
        setattr(config, name, _FINE_TUNING_DROPOUT)
    if hasattr(config, "use_cache"):
        config.use_cache = True
