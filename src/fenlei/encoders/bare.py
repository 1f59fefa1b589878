"""Make the bare network of an encoder from its configuration, with transformers' own classes and no others."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import transformers
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_TEXT_ENCODING_MAPPING,
    MODEL_MAPPING,
    PreTrainedConfig,
    PreTrainedModel,
)

from fenlei._memory import raise_if_out_of_memory
from fenlei._strict_json import dump, parse
from fenlei.encoders.config import check_own, is_foreign
from fenlei.encoders.fewer_heads import narrow_heads
from fenlei.exceptions import ModelFolderError

_SOURCE = "encoder"
_LEFT_OUT = ("_name_or_path", "name_or_path", "id2label", "label2id", "num_labels", "problem_type", "dtype")


def config_bytes(network: PreTrainedModel) -> bytes:
    """Write the configuration of a network as JSON, from which `empty_encoder` makes it again.

    Raises
    ------
    ModelFolderError
        When it holds what JSON cannot, such as an infinity.
    """
    settings = {
        key: value for key, value in network.config.to_dict().items() if not is_foreign(key) and key not in _LEFT_OUT
    }
    try:
        data = dump(settings)
        parse(data, "config.json", config=True)
    except (TypeError, ValueError) as error:
        raise ModelFolderError(f"the configuration of {type(network).__name__} cannot be saved: {error}") from error
    return data


def empty_encoder(config: Mapping[str, Any]) -> PreTrainedModel:
    """Make a network with random weights, in float32; under ``torch.device("meta")`` without memory for them.

    Parameters
    ----------
    config : mapping
        What `config_bytes` wrote, parsed.

    Raises
    ------
    ModelFolderError
        When the model type is unknown, no network of text, or a key would run foreign code.
    """
    check_own(config, _SOURCE)
    return build(make_config(config, _SOURCE))


def make_config(config: Mapping[str, Any], source: str) -> PreTrainedConfig:
    """Make transformers' configuration; refuses what it does not know.

    Raises
    ------
    ModelFolderError
    """
    settings = {key: value for key, value in config.items() if key not in ("model_type", "torch_dtype", "dtype")}
    kind = config.get("model_type")
    known = CONFIG_MAPPING[kind] if isinstance(kind, str) and kind in CONFIG_MAPPING else None
    if known is None or known not in MODEL_MAPPING:
        raise ModelFolderError(
            f"{source}: transformers {transformers.__version__} has no network of the type {str(kind)[:80]!r}; "
            "a newer one may, and code that comes with a checkpoint is never run"
        )
    try:
        with quiet():
            made: PreTrainedConfig = known(**settings)
    except Exception as error:  # whatever its checks, or the want of them, lead to
        raise ModelFolderError(f"{source}: not a configuration of the type {kind!r}: {_line(error)}") from error
    if hasattr(made, "use_cache"):
        made.use_cache = False  # what is kept for the next token, which nobody asks for here
    return made


def build(config: PreTrainedConfig) -> PreTrainedModel:
    """Make the network of a configuration with random weights; of an encoder with a decoder, the encoder."""
    kind = network_class(config)
    try:
        with quiet():
            made = kind(config, **class_settings(kind))
    except Exception as error:  # as above
        raise_if_out_of_memory(error)
        raise ModelFolderError(f"{_SOURCE}: no {kind.__name__} can be made: {_line(error)}") from error
    network = encoder_of(made)
    narrow_heads(network)
    return network


def network_class(config: PreTrainedConfig) -> type[PreTrainedModel]:
    """Which class of transformers makes the network: the bare one, of T5 and its like the encoder alone."""
    kind = type(config)
    halves = bool(kind.is_encoder_decoder) and kind in MODEL_FOR_TEXT_ENCODING_MAPPING
    found: Any = (MODEL_FOR_TEXT_ENCODING_MAPPING if halves else MODEL_MAPPING)[kind]
    if isinstance(found, tuple | list):  # several of one configuration: the checkpoint says which
        named = config.architectures or []
        found = next((one for one in found if one.__name__ in named), found[0])
    if found.main_input_name != "input_ids" or {"vision_config", "audio_config"} & set(kind.sub_configs):
        raise ModelFolderError(f"{config.model_type!r} is no network of text alone; choose a text encoder or decoder")
    network: type[PreTrainedModel] = found
    return network


def class_settings(kind: type[PreTrainedModel]) -> dict[str, Any]:
    """Leave out the dense layer for next-sentence prediction: no head reads it, and training would carry it along."""
    return {"add_pooling_layer": False} if "add_pooling_layer" in inspect.signature(kind).parameters else {}


def encoder_of(network: PreTrainedModel) -> PreTrainedModel:
    """Take the encoder out of a network that has a decoder, too."""
    is_half = type(network.config) in MODEL_FOR_TEXT_ENCODING_MAPPING  # UMT5's says that it has a decoder all the same
    if is_half or not getattr(network.config, "is_encoder_decoder", False):
        return network
    half = network.get_encoder()
    if half is network or not isinstance(half, PreTrainedModel):
        raise ModelFolderError(f"{type(network).__name__} has a decoder that its encoder cannot be taken from")
    return half


def is_decoder(config: PreTrainedConfig) -> bool:
    """Whether each token sees only those before it."""
    kind = type(config)
    causal = kind in MODEL_FOR_CAUSAL_LM_MAPPING and kind not in MODEL_FOR_MASKED_LM_MAPPING
    return not kind.is_encoder_decoder and (causal or bool(getattr(config, "is_decoder", False)))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from reporting, in tables and bars, what fenlei tells in one line."""
    logs = transformers.utils.logging
    level, bars = logs.get_verbosity(), logs.is_progress_bar_enabled()
    logs.set_verbosity(logging.CRITICAL)
    logs.disable_progress_bar()
    try:
        yield
    finally:
        logs.set_verbosity(level)
        if bars:
            logs.enable_progress_bar()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
