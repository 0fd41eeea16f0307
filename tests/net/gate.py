"""A server's door that signs in connections, as IIS does: Basic, NTLM, Negotiate, with channel binding."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import spnego
from aiohttp import web
from spnego.channel_bindings import GssChannelBindings
from tests.net.farm import Pair

TYPE_3 = b"NTLMSSP\x00\x03"


def binding_of(leaf: Pair) -> GssChannelBindings:
    """What the server binds to: the certificate's own hash, SHA-256 for weaker ones."""
    algorithm = leaf.certificate.signature_hash_algorithm
    assert algorithm is not None
    digest = hashlib.new(algorithm.name, leaf.der).digest()
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)


@dataclass
class Gate:
    """``passwords`` are for Basic (NTLM reads NTLM_USER_FILE); ``binding`` is required when set."""

    schemes: tuple[str, ...] = ("NTLM",)
    binding: GssChannelBindings | None = None
    passwords: dict[str, str] = field(default_factory=dict)
    close_after_challenge: bool = False
    close_each: bool = False
    garbage: bool = False
    busy: int = 0
    """How many proofs are answered 503 without a look at them."""
    hang_at_proof: bool = False
    proofs: int = 0
    """How often a password, or a proof of it, came in."""
    proof_came: asyncio.Event = field(default_factory=asyncio.Event)
    signed_in: list[str] = field(default_factory=list)
    """Who signed in, one entry for each sign-in."""
    seen: list[tuple[str, str, int]] = field(default_factory=list)
    """Method, scheme of the Authorization header, length of the body."""
    _contexts: dict[asyncio.BaseTransport, spnego.ContextProxy] = field(default_factory=dict)
    _users: dict[asyncio.BaseTransport, str] = field(default_factory=dict)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        assert transport is not None
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        self.seen.append((request.method, scheme, len(await request.read())))
        if scheme == "Basic":
            return self._basic(token)
        if scheme:
            return await self._step(request, transport, scheme, base64.b64decode(token))
        user = self._users.get(transport)
        if user is None:
            return self._refuse(self.schemes)
        return self._admit(request, user)

    def _admit(self, request: web.Request, user: str) -> web.Response:
        response = web.Response(text=f"{user} {self.seen[-1][2]}")
        if self.close_each:
            response.force_close()
        return response

    def _refuse(self, lines: Iterable[str], *, close: bool = False) -> web.Response:
        response = web.Response(status=401, text="no")
        for line in lines:
            response.headers.add("WWW-Authenticate", line)
        if close:
            response.force_close()
        return response

    def _basic(self, token: str) -> web.Response:
        self.proofs += 1
        if self.busy:
            self.busy -= 1
            return web.Response(status=503)
        user, _, password = base64.b64decode(token).decode().partition(":")
        if self.passwords.get(user) != password:
            return self._refuse(self.schemes)
        return web.Response(text=f"{user} {self.seen[-1][2]}")

    async def _step(
        self, request: web.Request, transport: asyncio.BaseTransport, scheme: str, token: bytes
    ) -> web.Response:
        if self.garbage:
            return self._refuse([f"{scheme} {base64.b64encode(b'NTLMSSP rubbish').decode()}"])
        if TYPE_3 in token:
            self.proofs += 1
            self.proof_came.set()
            if self.hang_at_proof:
                await asyncio.sleep(30)
        context = self._contexts.get(transport)
        if context is None:
            protocol = "ntlm" if scheme == "NTLM" else "negotiate"
            context = self._contexts[transport] = spnego.server(protocol=protocol, channel_bindings=self.binding)
        try:
            reply = context.step(token)
        except spnego.exceptions.SpnegoError:
            del self._contexts[transport]
            return self._refuse(self.schemes)
        if not context.complete:
            line = f"{scheme} {base64.b64encode(reply or b'').decode()}"
            return self._refuse([line], close=self.close_after_challenge)
        del self._contexts[transport]
        user = self._users[transport] = str(context.client_principal)
        self.signed_in.append(user)
        return self._admit(request, user)
