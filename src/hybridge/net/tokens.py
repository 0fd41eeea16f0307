"""Entra tokens for the configured application, by azure-identity on a session of ours.

azure-identity is bent in five places, each found by trying: its own retries repeat even a bad certificate, so they are
off; its time limits are ignored with a foreign transport, so the limit is here; it sends one token request for each
concurrent caller, so callers share one; it loses the status of an answer that is no JSON, so the response class keeps
it; and it logs the body of a refusal, so its log is silenced. It is imported at the first token, because that costs a
third of a second.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import aiohttp

from hybridge.net.bodies import Unreadable, read_body
from hybridge.net.config import EntraConfig
from hybridge.net.failures import failure_of
from hybridge.net.http import Network, open_session
from hybridge.net.trust import CONNECTION, ConnectionFacts
from hybridge.terms.clouds import CLOUDS, WORLDWIDE
from hybridge.wire.ask import Failure, FailureReason

ANSWER_LIMIT = 1024 * 1024
"""Bytes of a token answer; real ones are a few kilobytes."""


@dataclass(frozen=True)
class EntraError:
    """What an AADSTS code means. ``says`` continues "Entra refused ..."."""

    reason: FailureReason
    says: str
    next_step: str


def _sign_in(says: str, next_step: str) -> EntraError:
    return EntraError(FailureReason.SIGN_IN, says, next_step)


def _forbidden(says: str, next_step: str) -> EntraError:
    return EntraError(FailureReason.FORBIDDEN, says, next_step)


ERRORS = {
    7000215: _sign_in("the client secret is wrong", "Check entra.client_secret: the value is needed, not its id."),
    7000222: _sign_in("the client secret has expired", "Make a new secret for the application and configure it."),
    700016: _sign_in("the tenant knows no such application", "Check entra.client_id and entra.tenant_id."),
    700027: _sign_in(
        "the certificate does not belong to the application", "Upload its public part to the application."
    ),
    90002: _sign_in("there is no such tenant", "Check entra.tenant_id and entra.cloud."),
    900023: _sign_in("the tenant id is not valid", "Check entra.tenant_id."),
    7000112: _forbidden("the application is disabled", "Enable sign-in for the application in Entra."),
    65001: _forbidden("nobody consented to the permissions", "Grant admin consent to the application."),
    53003: _forbidden("a conditional access policy blocks it", "Exempt the workload identity, or run elsewhere."),
    500011: _forbidden("the tenant has no such service to ask for", "Check that the service is used in this tenant."),
}
"""The codes administrators meet. Source: Microsoft's reference of Entra authentication error codes."""

ANOTHER_AFTER = timedelta(minutes=1)
"""How long it takes before another token is fetched in place of one a service refused; it may refuse them all."""

MENDED_AFTER = timedelta(minutes=15)
"""How long a lasting failure is believed where the application had signed in before: gateways run for months."""

LASTING = frozenset({FailureReason.SIGN_IN, FailureReason.FORBIDDEN, FailureReason.NOT_CONFIGURED})
"""Failures that will not go away during a run: remembered, so that a wrong secret is sent once."""


class Credential(Protocol):
    """What we use of azure-identity's credentials."""

    async def get_token(self, *scopes: str) -> Any: ...

    async def close(self) -> None: ...


class BoundedResponse(aiohttp.ClientResponse):
    """A response whose body is read with a bound, and whose status is kept for the failure sentence."""

    _bounded: bytes | None = None

    async def read(self) -> bytes:
        """The whole body, or Unreadable."""
        if self._bounded is None:
            facts = CONNECTION.get()
            if facts is not None:
                facts.answered, facts.status = True, self.status
                facts.content_type = self.content_type
            self._bounded = await read_body(self, ANSWER_LIMIT, decoded=True)
        return self._bounded


class EntraTokens:
    """Tokens by scope; concurrent callers share one request, lasting failures are remembered."""

    def __init__(self, network: Network, entra: EntraConfig) -> None:
        self._network = network
        self._entra = entra
        self._login = CLOUDS.get(entra.cloud, WORLDWIDE).login
        self._session: aiohttp.ClientSession | None = None
        self._credential: Credential | None = None
        self._flights: dict[str, asyncio.Task[str | Failure]] = {}
        self._failed: dict[str, tuple[Failure, datetime]] = {}
        self._current: dict[str, str] = {}
        self._another_at: dict[str, datetime] = {}

    async def token(self, scope: str) -> str | Failure:
        """A valid access token for ``scope``, or why there is none."""
        failed = self._remembered(scope)
        if failed is not None:
            return failed
        flight = self._flights.get(scope)
        if flight is None:
            flight = self._flights[scope] = asyncio.create_task(self._fetch(scope))
            flight.add_done_callback(lambda _: self._flights.pop(scope, None))
        return await asyncio.shield(flight)

    def _remembered(self, scope: str) -> Failure | None:
        """The lasting failure of ``scope``; where it once worked, somebody may have mended it at Entra meanwhile."""
        if scope not in self._failed:
            return None
        failure, at = self._failed[scope]
        if scope in self._current and abs(self._network.clock.now() - at) >= MENDED_AFTER:
            del self._failed[scope]
            return None
        return failure

    async def another(self, scope: str, refused: str) -> str | Failure | None:
        """A token in place of one the service ``refused`` (ended early, or our clock is wrong); None so soon after."""
        current = self._current.get(scope, refused)
        if scope in self._flights or current != refused:
            return await self.token(scope) if scope in self._flights else current
        now = self._network.clock.now()
        if scope in self._another_at and abs(now - self._another_at[scope]) < ANOTHER_AFTER:
            return None
        self._another_at[scope] = now
        stale, self._credential = self._credential, None
        if stale is not None:
            await stale.close()
        return await self.token(scope)

    async def close(self) -> None:
        """Stop what is under way and close the session."""
        for flight in tuple(self._flights.values()):
            flight.cancel()
        await asyncio.gather(*self._flights.values(), return_exceptions=True)
        if self._credential is not None:
            await self._credential.close()
        if self._session is not None:
            await self._session.close()

    async def _fetch(self, scope: str) -> str | Failure:
        facts = ConnectionFacts()
        CONNECTION.set(facts)  # a task has its own context: nothing to put back
        try:
            credential = await self._opened()
        except (ValueError, OSError) as error:
            return self._note(scope, self._unusable(error))
        try:
            async with asyncio.timeout(self._network.net.timeout):
                token = self._current[scope] = str((await credential.get_token(scope)).token)
                return token
        except Exception as error:
            return self._note(scope, self._failure(error, facts))

    def _note(self, scope: str, failure: Failure) -> Failure:
        if failure.reason in LASTING:
            self._failed[scope] = failure, self._network.clock.now()
        return failure

    async def _opened(self) -> Credential:
        if self._credential is None:
            make = await asyncio.to_thread(_import_azure)
            self._session = self._session or open_session(
                self._network, decompress=True, response_class=BoundedResponse
            )
            self._credential = self._credential or make(self._entra, self._session, self._login)
        return self._credential

    def _unusable(self, error: Exception) -> Failure:
        setting = "entra.certificate_file" if self._entra.certificate_file else "entra.tenant_id"
        why = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
        return Failure(
            reason=FailureReason.NOT_CONFIGURED,
            says=f"The Entra application cannot sign in, because {setting} is not usable{why}.",
            next_step="A certificate file is PEM text with an RSA key and its certificate, without a password."
            if self._entra.certificate_file
            else "Give the tenant as its id or as a domain name.",
        )

    def _failure(self, error: Exception, facts: ConnectionFacts) -> Failure:
        body = _error_body(error)
        if body is not None:
            return self._refusal(body)
        if facts.status and not isinstance(error, TimeoutError) and not _names_our_kind(error):
            return Failure(
                reason=FailureReason.MALFORMED,
                says=f"{self._login} answered with status {facts.status} ({facts.content_type}) instead of a token.",
                next_step="Check whether a proxy or a sign-in page of the network answers in its place.",
            )
        return failure_of(error, self._login, facts, self._network.net.timeout)

    def _refusal(self, body: dict[str, Any]) -> Failure:
        numbers = [number for number in _list(body.get("error_codes")) if isinstance(number, int)]
        known = next((ERRORS[number] for number in numbers if number in ERRORS), None)
        code = f"AADSTS{numbers[0]}" if numbers else str(body.get("error"))[:60]
        if known is None:
            known = _sign_in("", "Look the code up in Microsoft's reference of Entra error codes.")
        says = f"Entra refused the sign-in of application {self._entra.client_id}"
        return Failure(
            reason=known.reason,
            says=f"{says}: {known.says} ({code})." if known.says else f"{says} ({code}).",
            next_step=known.next_step,
        )


def _names_our_kind(error: Exception) -> bool:
    """Whether the cause is one of the network's or of the body's, which ``failure_of`` tells better."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, aiohttp.ClientError | Unreadable):
            return True
        seen = seen.__cause__
    return False


def _error_body(error: Exception) -> dict[str, Any] | None:
    """The JSON object of a refusal, from azure's exception; None when it is none."""
    response = getattr(error, "response", None)
    try:
        body = response.json() if response is not None else None
    except Exception:
        return None  # azure raises whatever its decoder raises
    return body if isinstance(body, dict) and "error" in body else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _import_azure() -> Callable[[EntraConfig, aiohttp.ClientSession, str], Credential]:
    """Import azure-identity (a third of a second) and give the function that makes our credential."""
    from azure.core.pipeline.transport import AioHttpTransport
    from azure.identity.aio import CertificateCredential, ClientSecretCredential

    for name in ("azure", "msal"):
        logging.getLogger(name).setLevel(logging.CRITICAL)

    def make(entra: EntraConfig, session: aiohttp.ClientSession, login: str) -> Credential:
        transport = AioHttpTransport(session=session, session_owner=False, use_env_settings=False)
        common = {"authority": login, "transport": transport, "retry_total": 0}
        if entra.certificate_file:
            return CertificateCredential(
                entra.tenant_id, entra.client_id, certificate_path=entra.certificate_file, **common
            )
        return ClientSecretCredential(entra.tenant_id, entra.client_id, entra.client_secret.reveal(), **common)

    return make
