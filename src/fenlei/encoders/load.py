"""Load a pretrained encoder: its network in float32, its tokenizer, and how long a text it takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from fenlei._memory import raise_if_out_of_memory
from fenlei.encoders.bare import (
    build,
    class_settings,
    config_bytes,
    empty_encoder,
    encoder_of,
    is_decoder,
    make_config,
    network_class,
    quiet,
)
from fenlei.encoders.config import read_config, without_foreign
from fenlei.encoders.find import find_encoder
from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.encoders.tokenizer_files import longest_text, read_tokenizer
from fenlei.encoders.weight_names import shortened
from fenlei.encoders.weights import check_finite, read_weights
from fenlei.exceptions import ModelFolderError

__all__ = ["LoadedEncoder", "config_bytes", "empty_encoder", "load_encoder"]

_DEFAULT_LENGTH = 512  # tokens, where neither positions nor tokenizer set a limit
_HEADS = re.compile(r"(^|\.)(pooler|position_ids|masked_bias|attn\.bias)(\.|$)")  # nothing that a text goes through


@dataclass(frozen=True)
class LoadedEncoder:
    """A pretrained encoder.

    Attributes
    ----------
    network : PreTrainedModel
        Without a head, in float32, in evaluation mode.
    tokenizer : EncoderTokenizer
    max_length : int
        Most tokens of a text, those of the tokenizer's `prefix` and `suffix` among them.
    is_decoder : bool
        Whether each token sees only those before it, so that the last one tells most of the text.
    missing : list of str
        Weights that the checkpoint has not; they begin at random.
    unexpected : list of str
        Weights of the checkpoint that would be part of the network, but that it has no place for. Heads for other
        tasks are not listed.
    """

    network: PreTrainedModel
    tokenizer: EncoderTokenizer
    max_length: int
    is_decoder: bool
    missing: list[str]
    unexpected: list[str]


def load_encoder(name: str, *, message: Callable[[str], None] = lambda text: None) -> LoadedEncoder:
    """Load an encoder by the name of a folder, of a packaged one or on a hub; see `find_encoder`.

    Parameters
    ----------
    name : str
    message : callable
        Told of downloads and conversions, and of weights that are missing or left over.

    Raises
    ------
    ModelFolderError
        When the checkpoint is damaged, has no safetensors or no tokenizer, or needs code of its own.
    UnavailableError
        When no hub can be reached.
    UnknownNameError
    """
    folder = find_encoder(name, message=message)
    published = read_config(folder)
    config = make_config(without_foreign(published, str(folder)), str(folder))
    tokenizer = read_tokenizer(folder, published)
    weights = read_weights(folder)
    _check_size(config, weights, str(folder))
    network, info = _fitted(config, weights, str(folder))
    found = _Fit.of(network, info)
    found.check(str(folder), has_code="auto_map" in published)
    check_finite(network.state_dict(), str(folder))
    found.tell(name, message)
    _check_ids(network, tokenizer, str(folder))
    return LoadedEncoder(
        network, tokenizer, _max_length(network, folder), is_decoder(config), found.missing, found.unexpected
    )


def _check_size(config: PreTrainedConfig, weights: Mapping[str, Tensor], source: str) -> None:
    """Refuse a configuration of a much larger network than the weights are of, before there is memory for it."""
    with torch.device("meta"):
        wanted = sum(value.numel() for value in build(config).parameters())
    held = sum(value.numel() for value in weights.values())
    if wanted > 2 * held:
        raise ModelFolderError(
            f"{source}: its config.json is of a network of {wanted:,} weights, but the files hold {held:,}; "
            "fetch the checkpoint again"
        )


def _fitted(
    config: PreTrainedConfig, weights: dict[str, Tensor], source: str
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """Let transformers fit the weights into its network; what is missing is the same random numbers every time."""
    kind = network_class(config)
    try:
        with quiet(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            made: Any = kind.from_pretrained(
                None, config=config, state_dict=weights, dtype=torch.float32, output_loading_info=True,
                ignore_mismatched_sizes=True, **class_settings(kind),
            )  # fmt: skip
    except Exception as error:  # whatever the weights, or the want of them, lead to
        raise_if_out_of_memory(error)
        reason = " ".join(str(error).split())[:200]
        raise ModelFolderError(f"{source}: its weights do not fit its config.json: {reason}") from error
    network, info = made
    return _detached(encoder_of(network).float().eval()), info


def _detached(network: PreTrainedModel) -> PreTrainedModel:
    """Give the network memory of its own: a weight that was not converted is still the file on the disk."""
    for value in (*network.parameters(), *network.buffers()):
        value.data = value.data.clone()
    return network


@dataclass(frozen=True)
class _Fit:
    """How the weights of a checkpoint fit a network."""

    missing: list[str]
    unexpected: list[str]
    mismatched: list[tuple[str, Any, Any]]
    wanted: int

    @classmethod
    def of(cls, network: PreTrainedModel, info: Mapping[str, Any]) -> _Fit:
        own = {name for name, _ in network.named_parameters()}
        parts = {name for name, _ in network.named_children()}
        missing = {_bare(name, network) for name in info["missing_keys"]} & own
        unexpected = {name for name in info["unexpected_keys"] if _bare(name, network).partition(".")[0] in parts}
        return cls(
            sorted(name for name in missing if not _HEADS.search(name)),
            sorted(name for name in unexpected if not _HEADS.search(name)),
            sorted(info["mismatched_keys"]),
            len(own),
        )

    def check(self, source: str, *, has_code: bool) -> None:
        if self.mismatched:
            name, held, wanted = self.mismatched[0]
            raise ModelFolderError(
                f"{source}: the weight {name!r} has the shape {_shape(held)}, but config.json asks for {_shape(wanted)}"
            )
        if len(self.missing) == self.wanted:
            raise ModelFolderError(f"{source}: none of its weights is of the network that its config.json names")
        if has_code and (self.missing or self.unexpected):
            raise ModelFolderError(f"{source}: its network is code of its own, which fenlei never runs; choose another")

    def tell(self, name: str, message: Callable[[str], None]) -> None:
        if self.missing:
            message(
                f"{name}: {len(self.missing):,} of {self.wanted:,} weights are not in the checkpoint and begin at "
                f"random: {', '.join(shortened(self.missing))}"
            )
        if self.unexpected:
            message(
                f"{name}: {len(self.unexpected):,} weights of the checkpoint have no place in the network that its "
                f"config.json names, and are left out: {', '.join(shortened(self.unexpected))}"
            )


def _bare(name: str, network: PreTrainedModel) -> str:
    """Name of a weight within the network: checkpoints with a head have the network's name before it."""
    return name.removeprefix(f"{network.base_model_prefix}.") if network.base_model_prefix else name


def _shape(size: Any) -> str:
    return " x ".join(map(str, size))


def _check_ids(network: PreTrainedModel, tokenizer: EncoderTokenizer, source: str) -> None:
    """Refuse a tokenizer whose tokens have no vectors; the padding token needs none of its own."""
    vectors: Any = network.get_input_embeddings().weight
    rows = len(vectors)
    if tokenizer.pad_id >= rows:
        tokenizer.pad_id = 0
    if tokenizer.largest_id >= rows:
        raise ModelFolderError(
            f"{source}: its tokenizer has {len(tokenizer):,} tokens, its network vectors for {rows:,}; "
            "the files are of two checkpoints"
        )


def _max_length(network: PreTrainedModel, folder: Path) -> int:
    told = longest_text(folder)
    places = _places(network)
    limits = [limit for limit in (told, places) if limit is not None]
    return min(limits, default=_DEFAULT_LENGTH)


def _places(network: PreTrainedModel) -> int | None:
    """Places that the network has for tokens; RoBERTa and its kin count from the padding id on."""
    for name, part in network.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, nn.Embedding) and part.padding_idx is not None:
            return int(part.num_embeddings) - part.padding_idx - 1
    limit = getattr(network.config, "max_position_embeddings", None)
    return limit if isinstance(limit, int) and limit > 0 else None
