"""Picks the renderer for a format."""

from __future__ import annotations

from hybridge.report import json_, text
from hybridge.report.encoding import whole
from hybridge.report.model import Report

FORMATS = ("text", "json", "html", "csv", "junit", "sarif", "markdown")
SUFFIXES = {
    ".txt": "text",
    ".json": "json",
    ".html": "html",
    ".htm": "html",
    ".csv": "csv",
    ".xml": "junit",
    ".sarif": "sarif",
    ".md": "markdown",
}
"""The format a file's suffix asks for."""


def render(report: Report, format: str, colour: bool = False) -> str:
    """``report`` in ``format``, one of ``FORMATS``."""
    if format == "json":
        return json_.render(report)
    return whole(text.render(report, colour) if format == "text" else _other(report, format))


def _other(report: Report, format: str) -> str:
    """Formats that few runs need, each with what it imports."""
    from hybridge.report import csv_, html, junit, markdown, sarif

    renderers = {
        "html": html.render,
        "csv": csv_.render,
        "junit": junit.render,
        "sarif": sarif.render,
        "markdown": markdown.render,
    }
    return renderers[format](report)
