"""From prepared texts to windows of token ids; one way for training, scoring and exported models, without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fenlei.encoders.windows import Windows, cut_windows, never_empty

if TYPE_CHECKING:
    from fenlei.encoders.tokenizer import EncoderTokenizer

_OVERLAP = 0.25  # of a window


def read_windows(
    prepared: list[str], tokenizer: EncoderTokenizer, *, max_length: int, long_text: str = "head", prefix: str = ""
) -> Windows:
    """Look up the ids and cut windows.

    Parameters
    ----------
    prepared : list of str
    tokenizer : EncoderTokenizer
    max_length : int
        Tokens of a window at most, special ones among them.
    long_text : {"head", "tail", "head+tail", "windows"}
        What is read of longer texts; see `fenlei.encoders.windows`.
    prefix : str
        Put before each text.
    """
    ids = tokenizer.encode([prefix + text for text in prepared] if prefix else prepared)
    special = len(tokenizer.prefix) + len(tokenizer.suffix)
    return cut_windows(
        ids if special else never_empty(ids, tokenizer.pad_id), max_length, prefix=tokenizer.prefix,
        suffix=tokenizer.suffix, how=long_text, overlap=max(0, int(_OVERLAP * (max_length - special))),
    )  # fmt: skip
