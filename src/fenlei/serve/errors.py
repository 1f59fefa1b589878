"""The errors that a client is told of: a status, a code for programs, and one line for people."""

from __future__ import annotations

import json
import math
from typing import Any


class ServeError(Exception):
    """A request that is not answered as the client wished.

    Parameters
    ----------
    status : int
        Of HTTP.
    code : str
        For programs, such as ``too_many_texts``.
    message : str
        One line: what is wrong and what to do. Never holds a client's text.
    retry_after : float, optional
        Seconds after which it may work.

    Examples
    --------
    >>> ServeError(413, "too_many_texts", "2,000 texts; at most 1,000").body()
    b'{"error": {"code": "too_many_texts", "message": "2,000 texts; at most 1,000"}}'
    >>> ServeError(413, "too_many_texts", "2,000 texts; at most 1,000").body("/v2/models/a/infer")
    b'{"error": "2,000 texts; at most 1,000"}'
    """

    def __init__(self, status: int, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after = status, code, message, retry_after

    def body(self, path: str = "") -> bytes:
        """Write the JSON of the answer at an address; the Open Inference Protocol has a form of its own."""
        is_v2 = (path + "/").startswith("/v2/")
        return json.dumps({"error": self.message if is_v2 else {"code": self.code, "message": self.message}}).encode()

    def headers(self) -> dict[str, str]:
        """Give the headers that belong to the status, besides those of the content."""
        if self.status == 401:
            return {"WWW-Authenticate": "Bearer"}
        if self.retry_after is None:
            return {}
        return {"Retry-After": str(max(1, math.ceil(self.retry_after)))}


class ClientLeft(Exception):  # noqa: N818  (nothing went wrong here)
    """The client closed the connection before its answer."""


def overloaded(wait: float) -> ServeError:
    """Tell that the wait would be too long; `wait` in seconds."""
    return ServeError(429, "overloaded", "more than can be answered in time; retry, or send less", retry_after=wait)


def crowded() -> ServeError:
    """Tell that more requests are in hand than HTTP alone can answer in time."""
    return ServeError(429, "crowded", "more requests than can be answered in time; retry", retry_after=1)


def too_large() -> ServeError:
    """Tell that a request would never fit into the queue."""
    return ServeError(413, "too_much_text", "more text than a model's queue takes; send it in parts")


def too_late() -> ServeError:
    """Tell that an accepted request met its deadline unanswered."""
    return ServeError(429, "deadline", "not answered within the deadline; retry, or send less", retry_after=1)


def model_failed(error: Exception) -> ServeError:
    """Tell that the model raised; the kind of error is said, its message is not, since it may quote a text."""
    return ServeError(500, "model_error", f"the model failed on this request ({type(error).__name__})")


def not_ready(what: str) -> ServeError:
    """Tell that the service, or a model, takes no requests for now."""
    return ServeError(503, "not_ready", f"{what} is not ready; retry", retry_after=1)


def draining() -> ServeError:
    """Tell that the service is about to end."""
    return ServeError(503, "draining", "the service is shutting down; retry elsewhere", retry_after=1)


def to_bytes(value: Any) -> bytes:
    r"""Write JSON in UTF-8, with escapes where that has no character.

    Examples
    --------
    >>> to_bytes({"label": "\ud800"})
    b'{"label": "\\ud800"}'
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False).encode()
