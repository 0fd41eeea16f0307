"""The lab's only mutable thing: which organization is served now, at what time, with which certificates.

Everything else of the lab is a function of an ``Estate`` and a request. One event loop owns it, so there are no locks:
a reader takes ``estate.organization`` (an immutable value), a writer puts a new one in its place.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar, cast

import msgspec

from hybridge.lab.behaviour.publishing import facing
from hybridge.lab.contoso import AuthCertificate
from hybridge.lab.contoso_online import OWN_APPLICATION_ID
from hybridge.org.organization import Organization
from hybridge.org.records import PublishedHost
from hybridge.terms.clouds import WORLDWIDE, Cloud
from hybridge.terms.premises import Premises

ADMINISTRATOR = "svc-hybridge@contoso.com"
"""The lab's administrator as ``Request.principal`` names it, however the account was spelt at sign-in."""

ADMINISTRATOR_LOGON = "CONTOSO\\svc-hybridge"
"""The same account in the form domain\\user."""

ENTRA_CLIENT = OWN_APPLICATION_ID
"""The Entra application the printed configuration signs in with."""

CERTIFICATE_VARIANTS = (
    "good",
    "other-subject",
    "expired",
    "not-yet-valid",
    "wrong-name",
    "self-signed",
    "untrusted",
    "no-chain",
)
"""What the certificate of a host may be. ``untrusted``: of a root nobody knows; ``no-chain``: issuer not sent."""

LOG_LIMIT = 10_000
"""Requests the log keeps; the oldest are dropped."""


T = TypeVar("T")


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
    ``cloud`` is the Microsoft cloud the tenant is in; its hosts are served and no other cloud's.
    """

    def __init__(
        self,
        organization: Organization,
        *,
        clock: Callable[[], datetime],
        certificate: AuthCertificate,
        randomness: random.Random | None = None,
        cloud: Cloud = WORLDWIDE,
    ) -> None:
        source = randomness or random.SystemRandom()
        password = _secret(source)
        self._watchers: list[Callable[[str], None]] = []
        self._organization = organization
        self.healthy = organization
        self.certificate = certificate
        self.cloud = cloud
        self.offset = timedelta()
        self.faults: tuple[str, ...] = ()
        self.certificate_variants: dict[str, str] = {}
        self.log: list[LoggedRequest] = []
        self.users: dict[str, str] = {ADMINISTRATOR_LOGON: password, ADMINISTRATOR: password}
        self.entra_clients: dict[str, str] = {ENTRA_CLIENT: _secret(source)}
        self._clock = clock
        self._forgetters: list[Callable[[], object]] = []
        self._own: dict[type, object] = {}
        self._clock_watchers: list[Callable[[], None]] = []

    @property
    def organization(self) -> Organization:
        """What is served now. Where another one is put, the watchers of hosts published otherwise are told."""
        return self._organization

    @organization.setter
    def organization(self, organization: Organization) -> None:
        before, self._organization = self._organization, organization
        for host in _published_otherwise(before, organization):
            self._tell(host)

    def facing(self, host: str) -> PublishedHost:
        """How ``host`` is published now, with the certificate it was switched to."""
        found = facing(self._organization, host)
        switched = self.certificate_variants.get(host.lower())
        return msgspec.structs.replace(found, certificate=switched) if switched else found

    @property
    def certificates(self) -> dict[str, str]:
        """Hosts that show a certificate which is not good, with its variant, by whatever reason."""
        published = (one.identity.lower() for one in self._organization.all(PublishedHost, Premises.ON_PREMISES))
        hosts = dict.fromkeys((*published, *self.certificate_variants))
        return {host: variant for host in hosts if (variant := self.facing(host).certificate) != "good"}

    def now(self) -> datetime:
        """The lab's time: the clock moved by ``offset``. Aware UTC."""
        return self._clock() + self.offset

    def shown_time(self, host: str) -> datetime:
        """What a clock outside would read off the answers of ``host``: the time nobody moved, as wrong as its own."""
        return self._clock() + self.skew(host)

    def skew(self, host: str) -> timedelta:
        """How far the clock of the servers behind ``host`` is ahead of true time."""
        return timedelta(seconds=facing(self._organization, host).clock_skew_seconds)

    def move_clock(self, delta: timedelta) -> None:
        """Let ``delta`` pass at once; a negative one goes back. Who waits for a time is told."""
        self.offset += delta
        for watcher in tuple(self._clock_watchers):
            watcher()

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
        """Back to the start: the healthy organization, no fault, good certificates, the clock not moved, no log."""
        self.log.clear()
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
        self._tell(name)

    def _tell(self, host: str) -> None:
        for watcher in self._watchers:
            watcher(host)

    def own(self, kind: type[T], make: Callable[[], T], forget: Callable[[T], object]) -> T:
        """The one ``kind`` that a service keeps for this estate beside the organization.

        It is made when it is first asked for; every reset calls ``forget`` with it.
        """
        if kind not in self._own:
            made = make()
            self._own[kind] = made
            self._forgetters.append(lambda: forget(made))
        return cast(T, self._own[kind])

    def watch_clock(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call ``watcher()`` whenever the clock is moved; the returned function ends that."""
        self._clock_watchers.append(watcher)
        return lambda: self._clock_watchers.remove(watcher)

    def watch_certificates(self, watcher: Callable[[str], None]) -> Callable[[], None]:
        """Call ``watcher(host)`` after each change of how a host is published; the returned function ends that."""
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


def _published_otherwise(before: Organization, after: Organization) -> tuple[str, ...]:
    """Hosts whose records of publishing differ."""
    one, two = (each.all(PublishedHost, Premises.ON_PREMISES) for each in (before, after))
    if one is two:
        return ()
    known = {record.identity.lower(): record for record in one}
    now = {record.identity.lower(): record for record in two}
    return tuple(host for host in {**known, **now} if known.get(host) != now.get(host))


def _secret(source: random.Random) -> str:
    """A password of 24 letters and digits: no colon, as NTLM account files separate their fields by colons."""
    return "".join(source.choice(string.ascii_letters + string.digits) for _ in range(24))
