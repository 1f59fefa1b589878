"""The ``config.json`` of a checkpoint: what a network is made from, and what in it would run foreign code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fenlei.exceptions import ModelFolderError

FILE = "config.json"
_LIMIT = 10_000_000  # bytes of a JSON file of settings
_FOREIGN = (  # keys that make transformers fetch code or other weights
    "auto_map", "attn_implementation", "experts_implementation", "custom_pipelines", "configuration_files",
    "fusion_config", "kernel_config", "transformers_weights",
)  # fmt: skip
_HARMLESS = (None, "eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")
_AUTOSET = "_attn_implementation_autoset"  # a mark that some releases of transformers wrote
_COUNTS = ("layer", "layers", "experts", "blocks")  # endings of keys that count parts of a network
_MOST_LAYERS = 1000


def read_config(folder: Path) -> dict[str, Any]:
    """Read the configuration of a checkpoint.

    Raises
    ------
    ModelFolderError
        When there is none, or it is no JSON object with a ``model_type``.
    """
    config = read_settings(folder / FILE)
    if config is None:
        raise ModelFolderError(f"{folder}: has no {FILE}; give the folder of a checkpoint in Hugging Face layout")
    if not isinstance(config.get("model_type"), str):
        raise ModelFolderError(f"{folder / FILE}: names no model_type; it cannot be told which network this is")
    return config


def read_settings(path: Path) -> dict[str, Any] | None:
    """Read a JSON object from a file of a checkpoint; None when there is no such file."""
    try:
        if path.stat().st_size > _LIMIT:
            raise ModelFolderError(f"{path}: has over {_LIMIT:,} bytes, no settings have; do not load it")
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelFolderError(f"{path}: cannot be read: {error.strerror}; check its permissions") from error
    try:
        settings = json.loads(data)  # not the strict parser: tokenizers without a limit write one of 30 digits
    except (ValueError, RecursionError) as error:
        raise ModelFolderError(f"{path}: not sound JSON: {error}; fetch the checkpoint again") from error
    if not isinstance(settings, dict):
        raise ModelFolderError(f"{path}: holds no JSON object; fetch the checkpoint again")
    return settings


def without_foreign(config: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Copy a published configuration without the keys that only transformers' own code is asked for by.

    A checkpoint whose ``model_type`` transformers knows may offer code of its own all the same: that is left out, and
    whether the network is still the one that was trained shows when the weights are fitted in.

    Raises
    ------
    ModelFolderError
        When a key names an attention or a kernel from elsewhere, or the network would be absurdly deep.
    """
    check_sizes(config, source)
    found = dict(config)
    found.pop("auto_map", None)
    found.pop(_AUTOSET, None)
    for key in [key for key in found if is_foreign(key)]:
        if found.pop(key) not in _HARMLESS:
            raise ModelFolderError(f"{source}: {key!r} in {FILE} would run foreign code, which fenlei never does")
    if found.pop("quantization_config", None) is not None:
        raise ModelFolderError(f"{source}: its weights are quantised; take the unquantised checkpoint")
    check_own(found, source)
    return found


def check_own(config: Mapping[str, Any], source: str) -> None:
    """Refuse what no configuration in a model folder holds: fenlei leaves it out when it writes one.

    Raises
    ------
    ModelFolderError
    """
    check_sizes(config, source)
    for key, _ in _walk(config):
        if is_foreign(key) or key == "quantization_config":
            raise ModelFolderError(f"{source}: {key!r} in the encoder's configuration would run foreign code")


def is_foreign(key: str) -> bool:
    """Whether a key lets a configuration name code."""
    return key.lstrip("_").startswith(_FOREIGN)


def check_sizes(config: Mapping[str, Any], source: str) -> None:
    """Refuse numbers of layers that no network has: each is an object, even before there is memory for its weights."""
    for key, value in _walk(config):
        if key.endswith(_COUNTS) and isinstance(value, int) and value > _MOST_LAYERS:
            raise ModelFolderError(f"{source}: {key}={value:,} in {FILE}; no network has so many")


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    """All keys and values, of nested objects too."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key), item
            yield from _walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item)
