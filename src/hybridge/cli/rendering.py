"""Picks the renderer for a format."""

from __future__ import annotations

from hybridge.report import json_, text
from hybridge.report.model import Report


def render(report: Report, format: str, colour: bool = False) -> str:
    """``report`` in ``format`` (text, json or html)."""
    if format == "json":
        return json_.render(report)
    if format == "html":
        from hybridge.report import html

        return html.render(report)
    return text.render(report, colour)
