"""Smaller encoders of an encoder: some of its layers, hidden units, attention heads or token vectors.

Nothing here knows how a network is built. The configuration is changed, an empty network is made of it, and where a
weight's shape in it is another one, that is where the weight is cut.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from fenlei.encoders.bare import config_bytes, empty_encoder
from fenlei.encoders.fewer_heads import KEPT_HEADS, kept_heads
from fenlei.encoders.strategies import find_layers
from fenlei.exceptions import FenleiError, SettingError

_UNITS = ("intermediate_size", "hidden_dim", "d_ff", "ffn_dim", "n_inner")  # names of the number of hidden units
_HEADS, _GROUPS, _HEAD_SIZE = "num_attention_heads", "num_key_value_heads", "head_dim"


@dataclass(frozen=True)
class Cut:
    """Weights of an encoder that a smaller configuration has fewer of.

    Attributes
    ----------
    settings : dict
        The smaller configuration.
    n_units, n_kept : int
        Units of each layer before, and of those the ones that stay.
    axes : list of dict, one a layer
        Name of each weight that is cut, and along which axis.
    takers : list of str, one a layer
        The module that takes the units in.
    width : int or None
        How many numbers of a unit stand side by side, as those of a head do; the units may stand there several times,
        where several matrices are one. None for all that a matrix has of a unit.
    """

    settings: dict[str, Any]
    n_units: int
    n_kept: int
    axes: list[dict[str, int]]
    takers: list[str]
    width: int | None

    def places(self, units: Sequence[int], size: int) -> Tensor:
        """Where the numbers of some units stand along an axis of this size."""
        width = self.width or size // self.n_units
        every = torch.arange(size).view(-1, self.n_units, width)
        return every[:, list(units)].flatten()


def cut_units(encoder: PreTrainedModel, n_kept: int) -> Cut:
    """Find what is to be cut for fewer hidden units of the feed-forward parts.

    Raises
    ------
    SettingError
        When the configuration has no number of them, or a layer has several such parts.
    """
    settings = _settings(encoder)
    name = next((name for name in _UNITS if name in settings), None)
    if name is None:
        raise SettingError(f"a {encoder.config.model_type} does not say how many hidden units it has; set keep=1")
    n_units = settings[name] or 4 * int(encoder.config.hidden_size)  # as GPT-2 has it
    return _find_cut(encoder, settings | {name: n_kept}, int(n_units), n_kept, width=1)


def n_units(encoder: PreTrainedModel) -> int:
    """Hidden units of each feed-forward part."""
    return cut_units(encoder, 1).n_units


def cut_heads(encoder: PreTrainedModel, n_kept: int) -> Cut:
    """Find what is to be cut for fewer attention heads, of which some may be one as `n_heads` tells.

    Raises
    ------
    SettingError
        When no configuration can say that there are fewer heads of the same size, as in GPT-2.
    """
    settings, config = _settings(encoder), encoder.config
    heads, units = int(config.num_attention_heads), n_heads(encoder)
    size = getattr(config, _HEAD_SIZE, None) or int(config.hidden_size) // heads
    smaller = settings | {_HEAD_SIZE: size, _native(encoder, _HEADS): n_kept * (heads // units)}
    if settings.get(_GROUPS, 1) != 1:
        smaller[_GROUPS] = n_kept
    if KEPT_HEADS not in settings:
        with suppress(FenleiError):
            return _find_cut(encoder, smaller, units, n_kept, width=None)
    try:
        cut = _find_cut(encoder, settings | {KEPT_HEADS: n_kept}, units, n_kept, width=None)
    except FenleiError as error:
        raise SettingError(
            f"the heads of a {config.model_type} cannot be cut; leave keep_heads out, and lower keep or keep_layers"
        ) from error
    return replace(cut, width=len(inputs_first(encoder.get_submodule(cut.takers[0]))) // units)


def n_heads(encoder: PreTrainedModel) -> int:
    """Attention heads of each layer; those that share keys and values are one, unless all do."""
    heads = kept_heads(encoder.config)
    groups = int(getattr(encoder.config, _GROUPS, None) or heads)
    return groups if groups > 1 else heads


def without_units(
    encoder: PreTrainedModel, cut: Cut, kept: Sequence[Sequence[int]], means: Sequence[Tensor]
) -> PreTrainedModel:
    """Make the network without some units; where there is a bias behind, it takes over their mean.

    Parameters
    ----------
    encoder : PreTrainedModel
    cut : Cut
    kept : sequence of sequences of int, one a layer
        Units that stay.
    means : sequence of tensors, one a layer
        Mean of each number that goes into the layer's taker.
    """
    state = {name: value.cpu() for name, value in encoder.state_dict().items()}
    for axes, taker, units, mean in zip(cut.axes, cut.takers, kept, means, strict=True):
        module = encoder.get_submodule(taker)
        gone = torch.ones(len(mean), dtype=torch.bool)
        gone[cut.places(units, len(mean))] = False
        if has_bias(module):
            state[f"{taker}.bias"] = state[f"{taker}.bias"] + inputs_first(module).cpu()[gone].T @ mean[gone]
        for name, axis in axes.items():
            state[name] = state[name].index_select(axis, cut.places(units, state[name].shape[axis]))
    return _made(cut.settings, state)


def without_layers(encoder: PreTrainedModel, kept: Sequence[int]) -> PreTrainedModel:
    """Make the network of some layers, in their order.

    Raises
    ------
    SettingError
        When the layers differ in shape, so that one cannot take another's place.
    """
    prefix, layers = named_layers(encoder)
    settings = {
        name: [value[i] for i in kept] if isinstance(value, list) and len(value) == len(layers) else value
        for name, value in _settings(encoder).items()
    }
    settings[_native(encoder, "num_hidden_layers")] = len(kept)
    state = {name: value for name, value in encoder.state_dict().items() if not name.startswith(f"{prefix}.")}
    for new, old in enumerate(kept):
        state |= {f"{prefix}.{new}.{name}": value for name, value in layers[old].state_dict().items()}
    return _made(settings, state)


def with_tokens(encoder: PreTrainedModel, rows: Sequence[int]) -> PreTrainedModel:
    """Make the network with the vectors of some tokens, which get the ids 0, 1, 2 ... in this order.

    Parameters
    ----------
    encoder : PreTrainedModel
    rows : sequence of int
        Ids that the tokens have now.
    """
    new = {old: i for i, old in enumerate(rows)}
    settings = {
        name: new.get(value) if name.endswith("_token_id") and isinstance(value, int) else value
        for name, value in _settings(encoder).items()
    }
    settings[_native(encoder, "vocab_size")] = len(rows)
    weight = _weight_of(encoder.get_input_embeddings())
    state = {
        name: value[list(rows)] if value.data_ptr() == weight.data_ptr() else value
        for name, value in encoder.state_dict().items()
    }
    return _made(settings, state)


def named_layers(encoder: PreTrainedModel) -> tuple[str, nn.ModuleList]:
    """Find the transformer layers, lowest first, and their name within the encoder.

    Raises
    ------
    SettingError
        When there are none, as where all layers share their weights.
    """
    layers = find_layers(encoder)
    if layers is None:
        raise SettingError(f"the layers of a {encoder.config.model_type} are not apart from one another; distil it")
    return next(name for name, module in encoder.named_modules() if module is layers), layers


def has_bias(module: Any) -> bool:
    """Whether something is added to what a layer gives."""
    return getattr(module, "bias", None) is not None


def inputs_first(module: Any) -> Tensor:
    """Matrix of a linear layer, a row for each number that comes in; GPT-2 keeps its own that way."""
    weight = _weight_of(module)
    return weight.T if isinstance(module, nn.Linear) else weight


def _weight_of(module: Any) -> Tensor:
    weight: Tensor = module.weight.detach()
    return weight


def _find_cut(
    encoder: PreTrainedModel, settings: dict[str, Any], n_units: int, n_kept: int, *, width: int | None
) -> Cut:
    with torch.device("meta"):
        expected = empty_encoder(settings).state_dict()
    own = encoder.state_dict()
    prefix, layers = named_layers(encoder)
    axes: list[dict[str, int]] = [{} for _ in layers]
    for name, value in own.items():
        different = [i for i, size in enumerate(value.shape) if size != expected[name].shape[i]]
        if different:
            number = name.removeprefix(f"{prefix}.").partition(".")[0]
            axes[_checked(number, different, value, n_units)][name] = different[0]
    return Cut(settings, n_units, n_kept, axes, [_taker(encoder, names) for names in axes], width)


def _checked(number: str, different: list[int], value: Tensor, n_units: int) -> int:
    """Give the number of the layer, if a weight of it is cut as expected."""
    if not number.isdigit() or len(different) > 1 or value.shape[different[0]] % n_units:
        raise SettingError("the parts of this encoder cannot be cut one by one")
    return int(number)


def _taker(encoder: PreTrainedModel, axes: Mapping[str, int]) -> str:
    """Find the one module whose inputs are cut."""
    found = []
    for name, axis in axes.items():
        module, _, kind = name.rpartition(".")
        inputs = 1 if isinstance(encoder.get_submodule(module), nn.Linear) else 0
        if kind == "weight" and encoder.state_dict()[name].dim() == 2 and axis == inputs:
            found.append(module)
    if len(found) != 1:
        raise SettingError("the layers of this encoder are not built as expected, and cannot be made narrower")
    return found[0]


def _settings(encoder: PreTrainedModel) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(config_bytes(encoder))
    return settings


def _native(encoder: PreTrainedModel, name: str) -> str:
    """Name of a setting in this kind of configuration."""
    return str(encoder.config.attribute_map.get(name, name))


def _made(settings: dict[str, Any], state: Mapping[str, Tensor]) -> PreTrainedModel:
    with torch.random.fork_rng(devices=[]):
        made = empty_encoder(settings)
    try:
        made.load_state_dict(state)
    except RuntimeError as error:
        raise SettingError("the layers of this encoder differ, so that none can take the place of another") from error
    return made.eval()
