"""Find the tokenizer in a checkpoint: ``tokenizer.json``, or older files that transformers can turn into one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fenlei._optional import require
from fenlei.encoders.config import read_settings
from fenlei.encoders.files import SPECIAL_TOKENS, TOKENIZER, TOKENIZER_SETTINGS, has_tokenizer
from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.exceptions import ModelFolderError

_LIMIT = 200_000_000  # bytes


def read_tokenizer(folder: Path, config: Mapping[str, Any] | None = None) -> EncoderTokenizer:
    """Read the tokenizer of a checkpoint; no code that comes with it is run.

    Parameters
    ----------
    folder : Path
    config : mapping, optional
        The checkpoint's configuration, asked for the padding id when the tokenizer's files do not tell.

    Raises
    ------
    ModelFolderError
        When there is none, or it is damaged, or needs foreign code.
    """
    path = folder / TOKENIZER
    if path.is_file():
        if path.stat().st_size > _LIMIT:
            raise ModelFolderError(f"{path}: has over {_LIMIT:,} bytes, no tokenizer has; do not load it")
        data = path.read_bytes()
    else:
        data = _from_old_files(folder)
    try:
        tokenizer = EncoderTokenizer.from_bytes(data)
    except ModelFolderError as error:
        raise ModelFolderError(f"{folder}: {error}") from error
    tokenizer.pad_id = _pad_id(folder, config or {}, tokenizer)
    return tokenizer


def longest_text(folder: Path) -> int | None:
    """Most tokens of a text that the tokenizer's settings allow, special ones among them; None when they do not tell.

    A tokenizer that was saved without a limit tells a number with 30 digits.
    """
    limit = _settings(folder).get("model_max_length")
    if isinstance(limit, int | float) and 8 <= limit <= 10_000_000:
        return int(limit)
    return None


def _from_old_files(folder: Path) -> bytes:
    if not has_tokenizer(folder):
        raise ModelFolderError(f"{folder}: has no tokenizer ({TOKENIZER}, vocab.txt or a sentencepiece model); add it")
    if "auto_map" in _settings(folder):
        raise ModelFolderError(f"{folder}: its tokenizer is code of its own, which is never run; add a {TOKENIZER}")
    transformers = require("transformers", extra="neural")
    try:
        made = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        return str(made.backend_tokenizer.to_str()).encode()
    except Exception as error:  # its readers of old formats raise whatever they like
        reason = " ".join(str(error).split())[:200]
        raise ModelFolderError(f"{folder}: its tokenizer cannot be turned into a {TOKENIZER}: {reason}") from error


def _settings(folder: Path) -> dict[str, Any]:
    return read_settings(folder / TOKENIZER_SETTINGS) or {}


def _pad_id(folder: Path, config: Mapping[str, Any], tokenizer: EncoderTokenizer) -> int:
    """Take the padding token's id from the first place that tells of it; else the end of text stands in for it."""
    settings = (read_settings(folder / SPECIAL_TOKENS) or {}) | _settings(folder)
    pad, end = tokenizer.id_of(_name(settings.get("pad_token"))), tokenizer.id_of(_name(settings.get("eos_token")))
    told = (pad, tokenizer.told_pad_id, config.get("pad_token_id"), end, config.get("eos_token_id"), 0)
    return next(i for i in told if isinstance(i, int) and 0 <= i < len(tokenizer))


def _name(token: Any) -> str | None:
    """Read a special token, which is a text or an object with its ``content``."""
    found = token.get("content") if isinstance(token, Mapping) else token
    return found if isinstance(found, str) else None
