"""Outlook on the web tells its build to anybody: a header, and the folder its sign-in page loads from. Both halves.

The build moves with security updates. Some sites strip the header; then nothing is known, and nothing is wrong.
"""

from __future__ import annotations

import re

from hybridge.wire.ask import HttpAnswer, HttpAsk

ROOT = "/owa/"
SIGN_IN = "/owa/auth/logon.aspx"
VERSION_HEADER = "x-owa-version"

_FOLDER = re.compile(rb"/(?:owa/auth|owa/prem|ecp)/(15\.\d{1,2}\.\d{1,5}\.\d{1,5})/")
_DOTTED = re.compile(r"15\.\d{1,2}\.\d{1,5}\.\d{1,5}")


def ask_root(host: str) -> HttpAsk:
    """The start page, without credentials."""
    return HttpAsk(method="GET", url=f"https://{host}{ROOT}", limit=256 * 1024)


def ask_sign_in(host: str) -> HttpAsk:
    """The sign-in page, without credentials."""
    return HttpAsk(method="GET", url=f"https://{host}{SIGN_IN}", limit=256 * 1024)


def read_version(answer: HttpAnswer) -> str:
    """The build an answer shows, "15.2.2562.37"; "" when it shows none."""
    said = answer.header(VERSION_HEADER).strip()
    if _DOTTED.fullmatch(said):
        return said
    found = _FOLDER.search(answer.body)
    return found[1].decode() if found else ""


def write_root(host: str, version: str) -> HttpAnswer:
    """The start page sends a stranger to the sign-in page."""
    location = f"https://{host}{SIGN_IN}?url=https%3a%2f%2f{host}%2fowa%2f&reason=0"
    return HttpAnswer(status=302, headers=(("location", location), (VERSION_HEADER, version)))


def write_sign_in(version: str) -> HttpAnswer:
    """The sign-in page, which loads its style from a folder named after ``version``."""
    page = f"<html><head><link rel='stylesheet' href='/owa/auth/{version}/themes/resources/logon.css'></head></html>"
    return HttpAnswer(
        status=200,
        headers=(("content-type", "text/html; charset=utf-8"), (VERSION_HEADER, version)),
        body=page.encode(),
    )
