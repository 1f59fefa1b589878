"""Say why, on request: how much each part of a text counts for its label."""

from __future__ import annotations

from typing import Any

from fenlei.serve.errors import ServeError
from fenlei.serve.served import ServedModel
from fenlei.serve.settings import Limits


def check_explained(texts: list[str], limits: Limits) -> None:
    """Refuse to explain too many texts, or a long one: it may take as many predictions as a text has words."""
    most, longest = limits.explained, limits.explained_characters
    if len(texts) > most:
        raise ServeError(413, "too_many_texts", f"{len(texts):,} texts to explain; at most {most} a request")
    for place, text in enumerate(texts):
        if len(text) > longest:
            message = f"text {place} (from 0) has {len(text):,} characters; at most {longest:,} can be explained"
            raise ServeError(413, "text_too_long", message)


def explain_text(served: ServedModel, text: str) -> dict[str, Any]:
    """Explain the label that the model gives a text; of several the likeliest."""
    from fenlei.explain.methods import explain

    return explain(served.model, [text])[0].to_dict()
