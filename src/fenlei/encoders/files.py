"""Which files of a checkpoint are read: settings, safetensors, tokenizer; nothing that could run code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from fenlei.encoders import config
from fenlei.encoders.config import read_settings
from fenlei.exceptions import ModelFolderError

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
TOKENIZER = "tokenizer.json"
TOKENIZER_SETTINGS, SPECIAL_TOKENS = "tokenizer_config.json", "special_tokens_map.json"
PRETRAINING = "pretraining.json"
"""How fenlei pretrained an encoder."""
VOCABULARIES = (  # of tokenizers from before tokenizer.json
    "vocab.txt", "vocab.json", "spiece.model", "spm.model", "sentencepiece.bpe.model", "tokenizer.model",
)  # fmt: skip
TOKENIZERS = (TOKENIZER, *VOCABULARIES)
CARD = "README.md"
WANTED = (
    CARD, config.FILE, WHOLE, INDEX, "model-*.safetensors", *TOKENIZERS, TOKENIZER_SETTINGS, SPECIAL_TOKENS,
    "merges.txt", "added_tokens.json", PRETRAINING,
)  # fmt: skip
"""Patterns of what is downloaded."""

_SHARD = re.compile(r"[A-Za-z0-9][\w.-]*\.safetensors")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack")


def weight_files(folder: Path) -> list[Path]:
    """Find the files of the weights.

    Raises
    ------
    ModelFolderError
        When there are none in safetensors, or one is missing.
    """
    if (folder / WHOLE).is_file():
        return [folder / WHOLE]
    index = read_settings(folder / INDEX)
    if index is None:
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        raise ModelFolderError(f"{folder}: {without_weights(names)}")
    shards = index.get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise ModelFolderError(f"{folder / INDEX}: lists no weights; fetch the checkpoint again")
    return [_shard(folder, str(name)) for name in sorted({str(name) for name in shards.values()})]


def without_weights(names: Iterable[str]) -> str:
    """Say why a checkpoint of these files cannot be read."""
    pickle = next((name for name in sorted(names) if name.endswith(_PICKLES)), None)
    if pickle is None:
        return f"has no {WHOLE}; choose a checkpoint with its weights"
    return (
        f"has its weights in {pickle} only, which may run code when it is opened, and is not read; "
        f"choose a checkpoint with {WHOLE}, or write one with transformers' save_pretrained"
    )


def has_tokenizer(folder: Path) -> bool:
    """Whether a checkpoint has the files of a tokenizer."""
    return any((folder / name).is_file() for name in TOKENIZERS)


def is_complete(folder: Path) -> bool:
    """Whether all files of an encoder are there."""
    try:
        return (folder / config.FILE).is_file() and has_tokenizer(folder) and bool(weight_files(folder))
    except (ModelFolderError, OSError):
        return False


def size(folder: Path) -> int:
    """Bytes of the files of an encoder."""
    return sum(file.stat().st_size for form in WANTED for file in folder.glob(form))


def _shard(folder: Path, name: str) -> Path:
    if not _SHARD.fullmatch(name):
        raise ModelFolderError(f"{folder / INDEX}: {name!r} is not the name of a file of weights; do not load it")
    if not (folder / name).is_file():
        raise ModelFolderError(f"{folder}: {name} is missing; fetch the checkpoint again")
    return folder / name
