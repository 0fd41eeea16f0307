"""The JSON Schema (2020-12) of the JSON report, generated from its types."""

from __future__ import annotations

from typing import Any

import msgspec

from hybridge.report.document import Document

ADDRESS = "urn:hybridge:report"


def schema() -> dict[str, Any]:
    """The schema as plain values, its definitions in the order of their names."""
    made = msgspec.json.schema(Document)
    definitions = made.pop("$defs", {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ADDRESS,
        "title": "hybridge doctor --format json",
        **made,
        "$defs": {name: definitions[name] for name in sorted(definitions)},
    }


def render() -> str:
    """The schema as an indented document with a final newline."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"
