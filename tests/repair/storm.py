"""One organization in any weather: planned in the fair, applied and taken back in the foul, and looked through after.

Around our own key every service principal holds two living keys of other parties and an expired one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import get_args

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from hybridge.checks.registry import all_checks, cause_named
from hybridge.checks.rehearsal import subjects_of
from hybridge.doctor.examine import examine
from hybridge.evidence import Evidence, complete
from hybridge.lab.apps.keepings import kept
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import TENANT_ID, AuthCertificate, contoso
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.lab.weather import READS, Weather, weather_of
from hybridge.net.clock import SetClock
from hybridge.org.organization import Organization
from hybridge.org.records import Address, EntraApplication, EwsAccess, KeyCredential, Record, ServicePrincipal
from hybridge.org.union import AnyRecord
from hybridge.plan import Plan
from hybridge.repair import journal as j
from hybridge.repair.executor import Applied, Patience, apply, undo
from hybridge.repair.hands.base import Hand
from hybridge.repair.hands.exchange_online import ExchangeOnlineHand
from hybridge.repair.hands.graph import GraphHand
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.repair.hands.teams import TeamsHand
from hybridge.repair.planner import prove
from hybridge.terms.applications import KEY_HOLDERS
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import (
    Answerer,
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    HttpAnswer,
    HttpAsk,
    TlsAnswer,
    TlsAsk,
)

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ONLINE = Premises.ONLINE
KINDS: list[tuple[type[Record], Premises]] = [(kind, side) for kind in get_args(AnyRecord) for side in Premises]


@cache
def certificate() -> AuthCertificate:
    return make_auth_certificate(NOW)


def foreign(number: int, days: int = 200) -> KeyCredential:
    """A key of another party that ends in ``days``."""
    return KeyCredential(
        key_id=f"f0ee1900-0000-4000-8000-{number:012d}",
        custom_key_identifier=f"{number:040X}",
        display_name="CN=Another party",
        key=b"0of another party %d" % number,
        end_at=NOW + timedelta(days=days),
    )


def with_keys_of_others(organization: Organization) -> Organization:
    """Two living keys and an expired one of other parties on every principal that holds ours."""
    for number, app_id in enumerate(KEY_HOLDERS, start=1):
        principal = organization.one(ServicePrincipal, ONLINE, app_id)
        assert principal is not None
        others = (foreign(10 * number), foreign(10 * number + 1), foreign(10 * number + 2, days=-3))
        keys = (others[0], *principal.key_credentials, *others[1:])
        organization = organization.put(msgspec.structs.replace(principal, key_credentials=keys))
    return organization


@cache
def healthy() -> Organization:
    return with_keys_of_others(contoso(NOW, certificate()))


def broken_by(*causes: str) -> Organization:
    """The healthy organization with other parties' keys, broken by ``causes`` one after the other."""
    organization = healthy()
    for cause in causes:
        breaks = cause_named(cause)[1].breaks
        assert breaks is not None
        organization = breaks(organization)
    return organization


async def no_sleep(_: float) -> None:
    """Time is not waited for."""


def new_estate() -> Estate:
    estate = Estate(healthy(), clock=lambda: NOW, certificate=certificate())
    kept(estate).signing_key = signing_key()
    return estate


@cache
def signing_key() -> rsa.RSAPrivateKey:
    """One for all estates, as making it takes longer than a whole plan."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


CLOCK = SetClock(NOW)
PATIENCE = Patience(sleep=no_sleep)
SUBJECTS = subjects_of(contoso(NOW, certificate()))
HANDS: tuple[Hand, ...] = (
    PowerShellHand(),
    GraphHand(WORLDWIDE.graph, CLOCK, no_sleep),
    TeamsHand(WORLDWIDE.teams_config, no_sleep),
    ExchangeOnlineHand(),
)


def keys_of_others(organization: Organization) -> dict[str, set[bytes]]:
    """Application id -> the living keys that are not ours."""
    ours = certificate().der
    return {
        one.identity: {
            key.key
            for key in one.key_credentials
            if key.key and key.key != ours and (key.end_at is None or key.end_at > NOW)
        }
        for one in organization.all(ServicePrincipal, ONLINE)
    }


def principals_of(journaled: set[Address], *organizations: Organization) -> set[Address]:
    """The service principals of journaled applications: Entra makes and removes them together."""
    applications = (organization.at(address) for organization in organizations for address in journaled)
    return {
        ServicePrincipal(premises=ONLINE, identity=one.application_id).address
        for one in applications
        if isinstance(one, EntraApplication)
    }


def as_compared(organization: Organization) -> Organization:
    """EWS lists sorted, as Exchange keeps sets; keys sorted, and without the expired ones, which a write leaves out."""
    return Organization(_settled(record) for record in organization)


def _settled(record: Record) -> Record:
    if isinstance(record, EwsAccess):
        lists = {name: getattr(record, name) for name in ("ews_allow_list", "ews_block_list")}
        given = {name: tuple(sorted(entries)) for name, entries in lists.items() if entries is not None}
        return msgspec.structs.replace(record, **given)
    if isinstance(record, ServicePrincipal):
        living = [key for key in record.key_credentials if key.end_at is None or key.end_at > NOW]
        return msgspec.structs.replace(record, key_credentials=tuple(sorted(living, key=lambda key: key.key or b"")))
    return record


class Killed(BaseException):
    """The process ends here. No ``except Exception`` may hold it up."""


class Life:
    """Counts down to the end of the process; ``left`` None lives for ever."""

    def __init__(self) -> None:
        self.left: int | None = None

    def tick(self) -> None:
        """One moment passes."""
        if self.left is None:
            return
        self.left -= 1
        if self.left == 0:
            self.left = None
            raise Killed


class MortalJournal(j.OpenJournal):
    """A journal in a process that may end before and after every line."""

    life = Life()

    def begin(self, who: str, at: datetime) -> None:
        self.life.tick()
        super().begin(who, at)
        self.life.tick()

    def write(self, event: j.Event) -> None:
        self.life.tick()
        super().write(event)
        self.life.tick()


class MortalAnswerer:
    """Asks for a process that may end before and after every write."""

    def __init__(self, inner: Answerer, life: Life) -> None:
        self._inner = inner
        self._life = life

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        if ask.method in READS:
            return await self._inner.http(ask)
        self._life.tick()
        answer = await self._inner.http(ask)
        self._life.tick()
        return answer

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        if ask.name.startswith("Get-"):
            return await self._inner.cmdlet(ask)
        self._life.tick()
        answer = await self._inner.cmdlet(ask)
        self._life.tick()
        return answer

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        return await self._inner.dns(ask)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        return await self._inner.tls(ask)


@dataclass
class Storm:
    """A lab, the plan for what broke it, and the journals in ``root``. The product asks through ``live`` if given."""

    broken: Organization
    root: Path
    estate: Estate = field(default_factory=lambda: new_estate())
    live: Answerer | None = None
    life: Life = field(default_factory=Life)
    plan: Plan = field(init=False)

    def __post_init__(self) -> None:
        self.estate.organization = self.broken
        self.answerer = MortalAnswerer(self.live or InProcess(self.estate), self.life)
        self.plan = self.planned()

    @property
    def weather(self) -> Weather:
        return weather_of(self.estate)

    def evidence(self) -> Evidence:
        """Everything, seen truly."""
        return complete(self.estate.organization, KINDS, NOW, domain="contoso.com", tenant_id=TENANT_ID)

    def planned(self) -> Plan:
        """The plan for the present state."""
        return prove(all_checks(), self.evidence(), SUBJECTS)

    def findings(self) -> set[str]:
        results = examine(self.evidence(), SUBJECTS, all_checks())
        return {finding.name for result in results for finding in result.findings}

    def journal(self) -> j.OpenJournal:
        journal = MortalJournal(self.root / self.plan.id, self.plan.id, self.plan.organization)
        journal.life = self.life
        return journal

    async def apply(self) -> Applied:
        applied = await self.apply_unchecked()
        self.check()
        return applied

    async def apply_unchecked(self) -> Applied:
        """The same where somebody else has changed something too."""
        with self.journal() as journal:
            return await apply(self.plan, self.answerer, journal, HANDS, who="ada", clock=CLOCK, patience=PATIENCE)

    async def undo(self) -> Applied:
        undone = await self.undo_unchecked()
        self.check()
        return undone

    async def undo_unchecked(self) -> Applied:
        """The same where somebody else has changed something too."""
        with self.journal() as journal:
            return await undo(journal, self.answerer, HANDS, who="ada", clock=CLOCK, patience=PATIENCE)

    async def again(self, what: Callable[[], Awaitable[Applied]], times: int = 4) -> None:
        """Do ``what`` until it is complete, as a person would who is told to."""
        ended = await what()
        for _ in range(times):
            if ended.complete:
                return
            ended = await what()
        assert ended.complete, ended.says

    def check(self) -> None:
        """What holds at every moment: nothing unjournaled has changed, and nobody's key is gone."""
        changed = set(as_compared(self.broken).difference(as_compared(self.estate.organization)))
        path = self.root / self.plan.id / j.FILE_NAME
        steps = j.read_journal(path).steps if path.exists() else ()
        journaled = {step.change.address for step in steps if step.state is not j.State.UNDONE}
        journaled |= principals_of(journaled, self.broken, self.estate.organization)
        assert changed <= journaled, f"changed and not in the journal: {changed - journaled}"
        present = keys_of_others(self.estate.organization)
        for app_id, keys in keys_of_others(self.broken).items():
            assert keys <= present.get(app_id, set()), f"lost keys of others on {app_id}"

    def is_healed(self) -> bool:
        return not self.findings() and not self.planned().changes

    def is_as_before(self) -> bool:
        return as_compared(self.estate.organization) == as_compared(self.broken)
