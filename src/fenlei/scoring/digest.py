"""A fingerprint by which texts, or bytes, are known again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


class Digest:
    """A fingerprint of texts or bytes, one after the other, that grows with each."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def add_texts(self, texts: Iterable[str]) -> None:
        """Take more texts; where one ends and the next begins counts too."""
        for text in texts:
            data = text.encode("utf-8", "surrogatepass")
            self._hash.update(len(data).to_bytes(8, "little") + data)

    def add(self, data: bytes) -> None:
        """Take more bytes."""
        self._hash.update(data)

    def __str__(self) -> str:
        return self._hash.hexdigest()
