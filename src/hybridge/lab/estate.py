"""The lab's only mutable thing: which organization is served now, at what time, with which certificates.

Everything else of the lab is a function of an ``Estate`` and a request. One event loop owns it, so there are no locks:
a reader takes ``estate.organization`` (an immutable value), a writer puts a new one in its place.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from hybridge.lab.contoso import AuthCertificate
from hybridge.org.organization import Organization

ADMINISTRATOR = "svc-hybridge@contoso.com"
"""The lab's administrator as ``Request.principal`` names it, however the account was spelt at sign-in."""

ADMINISTRATOR_LOGON = "CONTOSO\\svc-hybridge"
"""The same account in the form domain\\user."""

ENTRA_CLIENT = "c11e47ab-5a1e-4b2c-9d3f-4879b71d6e00"
"""The Entra application the printed configuration signs in with."""

CERTIFICATE_VARIANTS = ("good", "expired", "not-yet-valid", "wrong-name", "self-signed", "untrusted", "no-chain")
"""What the certificate of a host may be. ``untrusted``: of a root nobody knows; ``no-chain``: issuer not sent."""

LOG_LIMIT = 10_000
"""Requests the log keeps; the oldest are dropped."""


class LoggedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request a listener answered. ``principal`` is "" for an anonymous one.

    ``digest`` is equal for requests that ask the same: method, host, path, query, user agent and body.
    """

    host: str
    method: str
    path: str
    user_agent: str
    status: int
    principal: str
    digest: str = ""


class Estate:
    """The organization being served and the circumstances around it.

    ``clock`` gives aware UTC; ``certificate`` is the public half of the Exchange authentication certificate;
    ``randomness`` makes the passwords and secrets. ``users`` maps an account, in both its spellings, to its password;
    ``entra_clients`` maps a client id to its secret. ``certificate_variants`` maps a host to one of
    ``CERTIFICATE_VARIANTS``; an absent host is good. Change it by ``switch_certificate``, which tells the listeners.
    """

    def __init__(
        self,
        organization: Organization,
        *,
        clock: Callable[[], datetime],
        certificate: AuthCertificate,
        randomness: random.Random | None = None,
    ) -> None:
        source = randomness or random.SystemRandom()
        password = _secret(source)
        self.organization = organization
        self.healthy = organization
        self.certificate = certificate
        self.offset = timedelta()
        self.faults: tuple[str, ...] = ()
        self.certificate_variants: dict[str, str] = {}
        self.log: list[LoggedRequest] = []
        self.users: dict[str, str] = {ADMINISTRATOR_LOGON: password, ADMINISTRATOR: password}
        self.entra_clients: dict[str, str] = {ENTRA_CLIENT: _secret(source)}
        self._clock = clock
        self._watchers: list[Callable[[str], None]] = []
        self._forgetters: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """The lab's time: the clock moved by ``offset``. Aware UTC."""
        return self._clock() + self.offset

    def move_clock(self, delta: timedelta) -> None:
        """Let ``delta`` pass at once; a negative one goes back."""
        self.offset += delta

    def break_(self, name: str, organization: Organization) -> None:
        """Serve ``organization`` from now on and list cause ``name`` among the faults."""
        self.organization = organization
        if name not in self.faults:
            self.faults = (*self.faults, name)

    def heal(self, name: str, organization: Organization) -> None:
        """Serve ``organization`` from now on and drop cause ``name`` from the faults."""
        self.organization = organization
        self.faults = tuple(fault for fault in self.faults if fault != name)

    def reset(self) -> None:
        """Back to the start: the healthy organization, no fault, good certificates, the clock not moved."""
        self.organization = self.healthy
        self.faults = ()
        self.offset = timedelta()
        for host in tuple(self.certificate_variants):
            self.switch_certificate(host, "good")
        for forget in self._forgetters:
            forget()

    def switch_certificate(self, host: str, variant: str) -> None:
        """Let ``host`` show certificate ``variant`` from the next connection on; listeners close the open ones.

        Raises ``ValueError`` with one sentence when there is no such variant.
        """
        if variant not in CERTIFICATE_VARIANTS:
            raise ValueError(f'There is no certificate variant "{variant}"; choose {", ".join(CERTIFICATE_VARIANTS)}.')
        name = host.lower()
        if variant == "good":
            self.certificate_variants.pop(name, None)
        else:
            self.certificate_variants[name] = variant
        for watcher in self._watchers:
            watcher(name)

    def on_reset(self, forget: Callable[[], None]) -> None:
        """Call ``forget`` at every reset: for services that remember something beside the organization."""
        self._forgetters.append(forget)

    def watch_certificates(self, watcher: Callable[[str], None]) -> Callable[[], None]:
        """Call ``watcher(host)`` after each switch; the returned function ends that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def remember(self, request: LoggedRequest) -> None:
        """Add ``request`` to the log, which keeps the last ``LOG_LIMIT``."""
        self.log.append(request)
        if len(self.log) > LOG_LIMIT:
            del self.log[: len(self.log) - LOG_LIMIT]

    def principal_of(self, account: str) -> str | None:
        """The one name of ``account`` (``domain\\user`` or ``user@domain``, case ignored); None when unknown."""
        wanted = account.casefold()
        if not any(known.casefold() == wanted for known in self.users):
            return None
        return ADMINISTRATOR if wanted == ADMINISTRATOR_LOGON.casefold() else wanted


def _secret(source: random.Random) -> str:
    """A password of 24 letters and digits: no colon, as NTLM account files separate their fields by colons."""
    return "".join(source.choice(string.ascii_letters + string.digits) for _ in range(24))
