"""Outlook on the web, as far as a stranger sees it: the way to the sign-in page, and the build both show."""

from __future__ import annotations

from hybridge.lab.apps.base import Request
from hybridge.lab.estate import Estate
from hybridge.org.records import ExchangeServer, ServerSettings
from hybridge.rules import version_of
from hybridge.terms.premises import Premises
from hybridge.wire import owa
from hybridge.wire.ask import HttpAnswer


def build_of(estate: Estate, server: ExchangeServer) -> str:
    """The build installed on ``server``: that of ExSetup.exe, but never one of another cumulative update."""
    settings = estate.organization.one(ServerSettings, Premises.ON_PREMISES, server.identity)
    printed = version_of(server.admin_display_version)
    setup = version_of(settings.setup_version) if settings else None
    found = setup if setup and printed and setup[:3] == printed[:3] else printed
    return ".".join(map(str, found)) if found else ""


def answer(estate: Estate, request: Request, server: ExchangeServer) -> HttpAnswer:
    """The sign-in page, or the way to it."""
    build = build_of(estate, server)
    if request.path.lower() == owa.SIGN_IN:
        return owa.write_sign_in(build)
    return owa.write_root(request.host, build)
