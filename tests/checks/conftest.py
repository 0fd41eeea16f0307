"""What tests of checks judge: Contoso, healthy, with every answer its servers would give; and how it is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.checks.classic_probes import KINDS as CLASSIC_KINDS
from tests.checks.classic_probes import classic_probes
from tests.checks.crossing_probes import KINDS as CROSSING_KINDS
from tests.checks.crossing_probes import crossing_probes
from tests.loop.walk import Walk, new_estate

from hybridge.checks.base import Saying
from hybridge.checks.registry import all_checks, check_named
from hybridge.evidence import Evidence, Key, Seen, Unseen, complete
from hybridge.findings import Finding, NotApplicable, Scope, Subject
from hybridge.lab.contoso import DOMAIN, EWS_URL, MAIL_HOST, TENANT_ID, AuthCertificate, contoso
from hybridge.lab.in_process import InProcess
from hybridge.lab.verbs import Verbs
from hybridge.net.clock import SetClock
from hybridge.org import probes as p
from hybridge.org.organization import Organization
from hybridge.org.records import Mailbox, Record
from hybridge.plan import Change, Manual
from hybridge.rules import CALLERS
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
PROBES: tuple[tuple[type[Record], Premises], ...] = (
    (p.AutodiscoverV2Probe, ONLINE),
    (p.BearerChallengeProbe, ON),
    (p.RestApiProbe, ON),
    (p.EwsCallerProbe, ON),
    (p.TeamsPresence, ONLINE),
    *CLASSIC_KINDS,
    *CROSSING_KINDS,
    (p.GetDelegateProbe, ON),
    (p.EwsAccessProbe, ON),
)

Look = Callable[..., list[Saying]]
"""``look(check name, organization, subject="", *, unseen=(), now=..., domain=..., tenant_id=...)``."""


def _probes(organization: Organization) -> list[Record]:
    """What a healthy Contoso answers."""
    boxes = [one.identity for one in organization.all(Mailbox, ON)]
    start, end = f"https://outlook.office365.com/{p.__name__}", "https://autodiscover.contoso.com"
    found: list[Record] = [
        p.BearerChallengeProbe(
            premises=ON,
            identity=EWS_URL,
            status=401,
            bearer=True,
            client_id=apps.EXCHANGE_ONLINE,
            trusted_issuers=(f"{apps.ACCESS_CONTROL_SERVICE}@{TENANT_ID}",),
            reached_exchange=True,
        ),
        p.RestApiProbe(premises=ON, identity=f"https://{MAIL_HOST}/api", status=401, reached_exchange=True),
    ]
    found += classic_probes(boxes)
    found += crossing_probes(organization)
    for box in boxes:
        classic = f"{end}/autodiscover/autodiscover.xml"
        for protocol, url in (("EWS", EWS_URL), ("REST", f"https://{MAIL_HOST}/api"), ("AutodiscoverV1", classic)):
            hops = (f"{start}/autodiscover.json", f"{end}/autodiscover/autodiscover.json")
            found.append(
                p.AutodiscoverV2Probe(
                    premises=ONLINE,
                    identity=f"{box}/{protocol}",
                    mailbox=box,
                    protocol=protocol,
                    hops=hops,
                    status=200,
                    url=url,
                )
            )
        found += [
            p.EwsCallerProbe(premises=ON, identity=f"{box}/{caller.name}", mailbox=box, caller=caller.name, status=401)
            for caller in CALLERS
        ]
        found.append(p.GetDelegateProbe(premises=ON, identity=box))
        steps = dict.fromkeys(("open_code", "create_code", "read_code", "delete_code"), "NoError")
        found.append(p.EwsAccessProbe(premises=ON, identity=f"{box}/impersonation", mailbox=box, **steps))
        found.append(p.TeamsPresence(premises=ONLINE, identity=box, availability="Available", seen_at=NOW))
    return found


@pytest.fixture(scope="session")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """What an examination of the healthy lab really sees."""
    clock = SetClock(NOW)
    estate = new_estate(clock)
    answerer = InProcess(estate)
    walk = Walk(estate, Verbs(estate, answerer), clock, tmp_path_factory.mktemp("walk"), answerer)
    return asyncio.run(walk.look()).evidence


@pytest.fixture(scope="session")
def healthy(examined: Evidence) -> Organization:
    """Contoso as records, with the probes of a healthy day: those written down here, all others as the lab gives them.

    The records are of a certificate of their own, so that no check is passed by what the lab's looks like.
    """
    year = timedelta(days=365)
    organization = contoso(NOW, AuthCertificate(b"DER of the certificate", NOW - year, NOW + year))
    written = {kind for kind, _ in PROBES} | {type(one) for one in organization}
    others = (one for one in examined.organization() if type(one) not in written and _is_probe(type(one)))
    return organization.put(*_probes(organization), *others)


def _is_probe(kind: type[Record]) -> bool:
    return kind.__module__.startswith(f"{p.__name__}.")


@pytest.fixture(scope="session")
def kinds(healthy: Organization, examined: Evidence) -> frozenset[tuple[type[Record], Premises]]:
    """Every kind there is: what an organization lacks of them is known to be absent."""
    read = {(at.kind, at.premises) for at, reading in examined.readings.items() if isinstance(reading, Seen)}
    asked = {(kind, premises) for check in all_checks() for kind, premises in check.needs}
    absent = {(kind, premises) for kind, premises in asked if (kind.__name__, premises) in read}
    return frozenset({*((type(one), one.premises) for one in healthy), *PROBES, *absent})


@pytest.fixture(scope="session")
def look(kinds: frozenset[tuple[type[Record], Premises]]) -> Look:
    """Asks one check about one subject, and gives everything it says."""

    def asked(
        name: str,
        organization: Organization,
        subject: str = "",
        *,
        unseen: tuple[tuple[type[Record], Premises], ...] = (),
        now: datetime = NOW,
        domain: str = DOMAIN,
        tenant_id: str = TENANT_ID,
    ) -> list[Saying]:
        evidence = complete(organization, kinds - set(unseen), now, domain=domain, tenant_id=tenant_id)
        check = check_named(name)
        scope = {Scope.ORGANIZATION: "", Scope.MAILBOX: "ada@contoso.com"}.get(
            check.scope, "ada@contoso.com:grace@contoso.com"
        )
        return list(check.find(evidence, Subject(check.scope, subject or scope)))

    return asked


@pytest.fixture(scope="session")
def causes(look: Look) -> Callable[..., list[str]]:
    """Like ``look``, reduced to a word for each saying: the slug, "unseen" or "not-applicable"."""

    def asked(*args: object, **options: object) -> list[str]:
        return [_word(saying) for saying in look(*args, **options)]

    return asked


def _word(saying: Saying) -> str:
    match saying:
        case Finding():
            return saying.cause
        case Unseen():
            return "unseen"
        case NotApplicable():
            return "not-applicable"


@pytest.fixture(scope="session")
def heal() -> Callable[[Saying, Organization], tuple[Change, ...] | Manual]:
    """What the cause of a finding proposes."""

    def cure(finding: Saying, organization: Organization) -> tuple[Change, ...] | Manual:
        assert isinstance(finding, Finding), finding
        return check_named(finding.check).cause(finding.cause).heals(finding, organization)

    return cure


@pytest.fixture(scope="session")
def changed(
    heal: Callable[[Saying, Organization], tuple[Change, ...] | Manual],
) -> Callable[[Saying, Organization], Organization]:
    """The organization once a finding was healed; fails for a cure that changes nothing."""

    def fold(finding: Saying, organization: Organization) -> Organization:
        cure = heal(finding, organization)
        assert isinstance(cure, tuple) and cure, cure
        for change in cure:
            organization = change.applied_to(organization)
        return organization

    return fold


@pytest.fixture(scope="session")
def evidence(healthy: Organization, kinds: frozenset[tuple[type[Record], Premises]]) -> Evidence:
    """Healthy Contoso, everything read."""
    return complete(healthy, kinds, NOW, domain=DOMAIN, tenant_id=TENANT_ID)


@pytest.fixture(scope="session")
def without(evidence: Evidence) -> Callable[[type[Record], Premises], Evidence]:
    """Healthy Contoso with one kind not read at all."""

    def cut(kind: type[Record], premises: Premises) -> Evidence:
        readings = {key: one for key, one in evidence.readings.items() if key != Key(kind.__name__, premises)}
        return Evidence(evidence.now, readings, evidence.domain, evidence.tenant_id)

    return cut
