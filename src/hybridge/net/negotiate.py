"""Signing in to Exchange: Basic, NTLM and Negotiate (Kerberos where the system has it), with channel binding.

NTLM and Negotiate sign in a *connection*, not a request. Two identities in one pool would therefore answer as each
other, and a pool that changes the connection between two legs looks like a wrong password. So each channel is a
session with exactly one connection, used by one ask at a time, for one host and one account; when the connection
turns out to be another one in the middle, the sign-in is begun again instead of being counted as refused.

The first leg goes out without credentials and, for the sake of long bodies, without the body: the reply shows the
certificate (which the sign-in is bound to, RFC 5929 tls-server-end-point) and the schemes on offer. A password is
never sent, nor a hash of it, to a server that did not ask for this kind of sign-in.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import aiohttp
import msgspec
import spnego
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from spnego.channel_bindings import GssChannelBindings

from hybridge.net.account import Account
from hybridge.net.config import ExchangeConfig
from hybridge.net.http import Network, WatchedConnector, open_session, send
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, HttpAsk

logging.getLogger("spnego").setLevel(logging.WARNING)  # at DEBUG it writes the tokens

LEGS = 6
"""More legs than any sign-in needs."""
NTLM_FIRST = b"NTLMSSP\x00\x01"
"""How the first NTLM message begins, bare or inside SPNEGO."""
BINDING_HINT = (
    " If they are right, Extended Protection may refuse them because a load balancer shows another certificate."
)
QUOTED = re.compile(r'"[^"]*"')
SCHEMES = {"basic": ("basic",), "ntlm": ("ntlm", "negotiate"), "negotiate": ("negotiate", "ntlm")}
"""Schemes of WWW-Authenticate that serve each setting of exchange.auth, best first."""


class Sender(Protocol):
    """Sends an ask once on a session; see ``net.http.send``."""

    async def __call__(
        self,
        session: aiohttp.ClientSession,
        ask: HttpAsk,
        *,
        extra: Mapping[str, str] | None = None,
        bare: bool = False,
    ) -> HttpAnswer: ...


def offered(answer: HttpAnswer) -> dict[str, str]:
    """Schemes of the reply's WWW-Authenticate headers in lower case -> their token ("" when there is none)."""
    schemes: dict[str, str] = {}
    for line in answer.header_all("www-authenticate"):
        for part in QUOTED.sub('""', line).split(","):
            words = part.split(None, 1)
            if words and "=" not in words[0].rstrip("="):
                schemes.setdefault(words[0].lower(), words[1].strip() if len(words) > 1 else "")
    return schemes


def channel_binding(leaf: bytes) -> GssChannelBindings | None:
    """The tls-server-end-point binding of a certificate (DER); None where RFC 5929 defines none."""
    try:
        algorithm = x509.load_der_x509_certificate(leaf).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return None
    if algorithm is None:
        return None
    name = "sha256" if algorithm.name in ("md5", "sha1") else algorithm.name
    return GssChannelBindings(application_data=b"tls-server-end-point:" + hashlib.new(name, leaf).digest())


class ConnectionReplaced(Exception):
    """Another connection took the place of the one being signed in."""


class SignInBroken(Exception):
    """A leg could not be made: an unreadable challenge, or a kind of sign-in this machine cannot do."""


class Channel:
    """One connection to one host as one account."""

    def __init__(self, network: Network) -> None:
        self.session = open_session(network, alone=True)
        self.signed = False

    @property
    def connector(self) -> WatchedConnector:
        assert isinstance(self.session.connector, WatchedConnector)
        return self.session.connector


class SignIn:
    """Sends asks as the Exchange account."""

    def __init__(
        self, network: Network, exchange: ExchangeConfig, account: Account | None = None, sender: Sender = send
    ) -> None:
        self._network = network
        self._send = sender
        self._exchange = exchange
        self._account = account or Account(exchange.username)
        self._idle: defaultdict[str, list[Channel]] = defaultdict(list)
        self._channels: list[Channel] = []
        self._shared: aiohttp.ClientSession | None = None

    async def send(self, ask: HttpAsk, host: str, place: str) -> HttpAnswer:
        """Send ``ask`` to ``host`` (``place`` is host and port) signed in; network exceptions pass."""
        barred = self._account.barred(place)
        if barred is not None:
            return HttpAnswer(failure=barred)
        if self._exchange.auth == "basic":
            return await self._basic(ask, place)
        idle = self._idle[place]
        channel = idle.pop() if idle else self._open_channel()
        try:
            return await self._on_channel(channel, ask, host, place)
        finally:
            idle.append(channel)

    async def close(self) -> None:
        """Close every connection."""
        for channel in self._channels:
            await channel.session.close()
        if self._shared is not None:
            await self._shared.close()

    def _open_channel(self) -> Channel:
        channel = Channel(self._network)
        self._channels.append(channel)
        return channel

    async def _basic(self, ask: HttpAsk, place: str) -> HttpAnswer:
        session = self._shared = self._shared or open_session(self._network)
        if not self._account.accepted_at(place):
            answer = await self._look(session, ask)
            if answer.status != 401:
                return answer
            if "basic" not in offered(answer):
                return self._not_offered(answer, place)
        async with self._account.turn():
            barred = self._account.barred(place)
            if barred is not None:
                return HttpAnswer(failure=barred)
            login = f"{self._exchange.username}:{self._exchange.password.reveal()}".encode()
            answer = await self._send(
                session, ask, extra={"Authorization": f"Basic {base64.b64encode(login).decode()}"}
            )
            return self._judged(answer, place)

    async def _on_channel(self, channel: Channel, ask: HttpAsk, host: str, place: str) -> HttpAnswer:
        answer = await (self._send if channel.signed else self._look)(channel.session, ask)
        for _ in range(2):
            if answer.status != 401:
                return answer
            channel.signed = False
            schemes = offered(answer)
            scheme = next((name for name in SCHEMES[self._exchange.auth] if name in schemes), None)
            if scheme is None:
                return self._not_offered(answer, place)
            async with self._account.turn():
                barred = self._account.barred(place)
                if barred is not None:
                    return HttpAnswer(failure=barred)
                try:
                    return await self._legs(channel, ask, scheme, host, place)
                except ConnectionReplaced:
                    continue
        return HttpAnswer(
            failure=Failure(
                reason=FailureReason.UNREACHABLE,
                says=f"{place} changes the connection in the middle of the sign-in.",
                next_step="A proxy or load balancer in between must keep a connection to one server (NTLM needs it).",
            )
        )

    async def _legs(self, channel: Channel, ask: HttpAsk, scheme: str, host: str, place: str) -> HttpAnswer:
        protocol = "ntlm" if "ntlm" in (scheme, self._exchange.auth) else "negotiate"
        made = channel.connector.made
        proved = False
        try:
            binding = channel_binding(channel.connector.leaf)
            context = await _undisturbed(lambda: self._context(host, protocol, binding))
            token = await _undisturbed(context.step)
            for _ in range(LEGS):
                answer = await self._send(
                    channel.session, ask, extra=_authorization(scheme, token), bare=_withheld(token, ask)
                )
                if channel.connector.made != made:
                    raise ConnectionReplaced
                if answer.status != 401:
                    break
                proved = NTLM_FIRST not in token
                challenge = offered(answer).get(scheme, "")
                if context.complete or not challenge:
                    break
                token = await _undisturbed(partial(_step, context, challenge))
        except SignInBroken as error:
            return HttpAnswer(failure=_broken(place, str(error)))
        if answer.status == 401 and not proved:
            return msgspec.structs.replace(answer, failure=_broken(place, "no challenge came"))
        if _withheld(token, ask) and answer.status != 401:
            answer = await self._send(channel.session, ask)
        channel.signed = answer.status != 401
        return self._judged(answer, place)

    async def _look(self, session: aiohttp.ClientSession, ask: HttpAsk) -> HttpAnswer:
        """Ask without credentials, and at first without the body; all of it follows when nobody wants a sign-in."""
        answer = await self._send(session, ask, bare=bool(ask.body))
        if answer.status != 401 and ask.body:
            answer = await self._send(session, ask)
        return answer

    def _context(self, host: str, protocol: str, binding: GssChannelBindings | None) -> spnego.ContextProxy:
        return spnego.client(
            self._exchange.username,
            self._exchange.password.reveal(),
            hostname=host,
            service="HTTP",
            protocol=protocol,
            channel_bindings=binding,
        )

    def _judged(self, answer: HttpAnswer, place: str) -> HttpAnswer:
        if answer.status < 300:
            self._account.accept(place)
        if answer.status != 401:  # a redirect, a refusal or a 503 of something in between proves nothing
            return answer
        hint = "" if self._exchange.auth == "basic" else BINDING_HINT
        return msgspec.structs.replace(answer, failure=self._account.refuse(place, hint))

    def _not_offered(self, answer: HttpAnswer, place: str) -> HttpAnswer:
        names = ", ".join(offered(answer)) or "nothing"
        return msgspec.structs.replace(
            answer,
            failure=Failure(
                reason=FailureReason.SIGN_IN,
                says=f"{place} does not offer a sign-in of the kind {self._exchange.auth}, only {names}.",
                next_step="Change exchange.auth, or the authentication methods of the virtual directory.",
            ),
        )


def _step(context: spnego.ContextProxy, challenge: str) -> bytes | None:
    token: bytes | None = context.step(base64.b64decode(challenge))
    return token


def _withheld(token: bytes, ask: HttpAsk) -> bool:
    """Whether the body stays behind in this leg: it is the first of NTLM, which is never the last."""
    return NTLM_FIRST in token and bool(ask.body)


def _authorization(scheme: str, token: bytes) -> dict[str, str]:
    name = "NTLM" if scheme == "ntlm" else "Negotiate"
    return {"Authorization": f"{name} {base64.b64encode(token).decode()}"}


async def _undisturbed(step: Callable[[], Any]) -> Any:
    """Run a step of pyspnego in a thread (Kerberos asks the network); whatever it raises becomes SignInBroken."""
    try:
        return await asyncio.to_thread(step) or b""
    except Exception as error:
        raise SignInBroken(type(error).__name__) from error


def _broken(place: str, why: str) -> Failure:
    return Failure(
        reason=FailureReason.SIGN_IN,
        says=f"The sign-in at {place} broke off ({why}).",
        next_step="Check exchange.auth; Negotiate without NTLM needs Kerberos on this machine.",
    )
