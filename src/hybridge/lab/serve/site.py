"""What the listeners serve, and the one rule of sign-in they share with the in-process answerer. No input or output."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import msgspec

from hybridge.lab.apps.base import OFFERS, App, Request
from hybridge.wire.ask import HttpAnswer


class ExtendedProtection(StrEnum):
    """Exchange's ExtendedProtectionTokenChecking: what becomes of a sign-in not bound to its TLS channel."""

    OFF = "none"
    ALLOW = "allow"
    REQUIRE = "require"


class PowerShellEndpoint(Protocol):
    """The server half of remote PowerShell. ``connection_key`` names a TCP connection, ``principal`` who signed in."""

    async def post(
        self, connection_key: str, principal: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer one POST: status, headers, body. Raises ``ConnectionCut`` when it is never answered."""
        ...

    async def close(self) -> None:
        """End every session."""
        ...


class Gate(Protocol):
    """Stands before the apps of hosts without Windows sign-in, and may wait, which an app cannot."""

    async def through(self, request: Request, go: Callable[[], Awaitable[HttpAnswer]]) -> HttpAnswer:
        """The answer of ``go``, or one of its own."""
        ...


@dataclass(frozen=True)
class Site:
    """Everything served.

    ``windows_hosts`` are the hosts where a 401 also offers Negotiate, NTLM and Basic. ``powershell`` answers
    ``/powershell`` on ``powershell_hosts`` and is closed with the listener. All hosts are lower-case.
    """

    app: App
    hosts: frozenset[str]
    windows_hosts: frozenset[str] = frozenset()
    powershell: PowerShellEndpoint | None = None
    powershell_hosts: frozenset[str] = frozenset()
    extended_protection: ExtendedProtection = ExtendedProtection.REQUIRE
    gate: Gate | None = None


def with_offers(answer: HttpAnswer, host: str, site: Site) -> HttpAnswer:
    """``answer``; a 401 of a Windows host also offers what the host can sign in with, after the app's own offers.

    An app that says itself which of them are on does so by the header ``OFFERS``, which never leaves the lab.
    """
    if answer.status != 401 or host not in site.windows_hosts:
        return answer
    offers: tuple[str, ...] = ("Negotiate", "NTLM", f'Basic realm="{host}"')
    said = answer.header_all(OFFERS)
    if said:
        offers = tuple(offer for offer in offers if offer.partition(" ")[0].lower() in said)
        kept = tuple((name, value) for name, value in answer.headers if name.lower() != OFFERS)
        answer = msgspec.structs.replace(answer, headers=kept)
    return with_headers(answer, *(("www-authenticate", offer) for offer in offers))


def with_headers(answer: HttpAnswer, *headers: tuple[str, str]) -> HttpAnswer:
    """``answer`` with ``headers`` behind its own."""
    return msgspec.structs.replace(answer, headers=(*answer.headers, *headers))
