"""The OpenAPI schema as one plain page, which needs no network and no script."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Schema = Mapping[str, Any]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title></head>
<body><h1>{title}</h1><p>{text}</p><p>For programs: <a href="openapi.json">openapi.json</a></p>
{body}
</body></html>
"""


def describe_in_html(schema: Schema) -> str:
    """Write a schema as HTML, an article for each address.

    Examples
    --------
    >>> page = describe_in_html({"info": {"title": "T", "version": "1"}, "paths": {"/a": {"get": {"summary": "<A>"}}}})
    >>> "<h2>GET /a</h2>" in page, "&lt;A&gt;" in page
    (True, True)
    """
    info = schema["info"]
    title = escape(f"{info['title']} {info['version']}")
    articles = (
        _article(schema, method, path, facts)
        for path, methods in schema["paths"].items()
        for method, facts in methods.items()
    )
    return _PAGE.format(title=title, text=escape(info.get("description", "")), body="\n".join(articles))


def _article(schema: Schema, method: str, path: str, facts: Schema) -> str:
    parts = [f"<article><h2>{method.upper()} {escape(path)}</h2>"]
    parts.append(f"<p>{escape(str(facts.get('description') or facts.get('summary', '')))}</p>")
    parts.extend(_parameters(facts))
    for kind, content in facts.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<h3>Body: {escape(kind)}</h3>{_fields(schema, content.get('schema', {}))}")
    parts.append("<h3>Answers</h3><dl>")
    for status, answer in facts.get("responses", {}).items():
        parts.append(f"<dt>{escape(status)}</dt><dd>{escape(answer.get('description', ''))}</dd>")
    return "".join([*parts, "</dl></article>"])


def _parameters(facts: Schema) -> Iterator[str]:
    for one in facts.get("parameters", ()):
        told = f"{one['in']}{', required' if one.get('required') else ''}. {one.get('description', '')}"
        yield f"<p><code>{escape(one['name'])}</code>: {escape(told)}</p>"


def _fields(schema: Schema, body: Schema) -> str:
    """Write the fields of a body and its examples."""
    found = _resolved(schema, body)
    rows = "".join(
        f"<li><code>{escape(name)}</code> ({escape(_kind(field))}) {escape(field.get('description', ''))}</li>"
        for name, field in found.get("properties", {}).items()
    )
    examples = "".join(f"<pre>{escape(json.dumps(one, ensure_ascii=False))}</pre>" for one in found.get("examples", ()))
    return f"<ul>{rows}</ul>{examples}"


def _resolved(schema: Schema, part: Schema) -> Schema:
    if "$ref" not in part:
        return part
    name = part["$ref"].rpartition("/")[2]
    found: Schema = schema["components"]["schemas"][name]
    return found


def _kind(field: Schema) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}))}"
    return str(field.get("type", "any"))
