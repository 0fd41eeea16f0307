"""Named tests: the checks that answer one question, in the order in which a failure of one explains the next.

A test is a row of steps, and below each are the results of its checks. A step names rows of the catalogue of known
tests (``checks.coverage``: "ADV2-01", or a whole family such as "TLS"), and a check belongs to the first step of the
test that names a row it covers: nothing here lists checks, so a new check that covers a row takes its place by itself.

The questions and their order follow the tests of Microsoft's Remote Connectivity Analyzer and the Teams and Exchange
troubleshooting article; the inner steps are our own, as Microsoft's are not published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from hybridge.checks.base import Check
from hybridge.checks.coverage import rows_of
from hybridge.evidence import Evidence, Key, Origin, Reading, Seen
from hybridge.findings import CheckResult, Outcome, Scope, Stage


@dataclass(frozen=True)
class Step:
    """A step of a test, which answers ``rows``."""

    title: str
    rows: tuple[str, ...]


@dataclass(frozen=True)
class NamedTest:
    """``question`` is what it answers; ``wants`` says of what it must be told ("mailbox", "delegation" or "")."""

    name: str
    question: str
    steps: tuple[Step, ...]
    wants: str = "mailbox"
    writes: bool = False
    """Whether it makes something in the mailbox (and takes it away again)."""


class UnknownTest(ValueError):
    """``--test`` names no test. ``str`` is one sentence; ``nearest`` what may have been meant."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no test '{name}'.")
        names = [test.name for test in TESTS]
        self.nearest = tuple(get_close_matches(name, names, n=2, cutoff=0.4)) or tuple(names)


_FOUND_BY_TEAMS = Step(
    "Teams finds the mailbox (Autodiscover V2)",
    ("ADV2-01", "ADV2-02", "ADV2-03", "ADV2-04", "ADV2-06", "ADV2-07", "X-03", "X-17"),
)
_TLS = Step("Names, certificates and TLS of what is published", ("TLS", "MRCA-21", "MRCA-23", "X-05"))
_PUBLISHED = Step("What is published reaches Exchange", ("ADC-06", "X-04", "X-11", "PROBE-04", "NET"))
_EWS = Step("EWS lets the services of Teams in", ("EWS", "X-10", "X-16", "PROBE-03"))
_OAUTH = Step("Exchange and Microsoft 365 trust each other (OAuth)", ("OAUTH", "PROBE-01", "PROBE-02", "X-06", "X-08"))
_VERSIONS = Step("Versions of the servers", ("VER", "PROBE-05", "CAL-06"))
_PARTNERS = Step("Teams may act in Exchange (partner applications)", ("PA", "X-20"))
_HYBRID = Step("Kind of hybrid", ("CAL-09", "X-02", "OAUTH-07"))

_DELEGATION = ("DEL-01", "DEL-02", "DEL-03", "DEL-04", "DEL-06", "DEL-07", "DEL-10")

TESTS = (
    NamedTest(
        "teams-exchange-integration",
        "Can the services of Teams reach this person's mailbox?",
        (Step("The person", ("CAL-04", "CAL-05")), _HYBRID, _FOUND_BY_TEAMS, _TLS, _PUBLISHED, _EWS, _OAUTH, _VERSIONS),
    ),
    NamedTest(
        "outlook-connectivity",
        "Does Outlook find the mailbox and get in?",
        (
            Step("Service connection point of Active Directory", ("ADC-05",)),
            Step("Names in DNS, and what port 80 does", ("ADC-01", "MRCA-15", "MRCA-19", "MRCA-20", "MRCA-21")),
            Step("Autodiscover answers (POX)", ("ADC-02", "ADC-04", "MRCA-36")),
            Step("Autodiscover answers (SOAP)", ("ADC-03",)),
            _TLS,
            _PUBLISHED,
            Step("MAPI over HTTP", ("MRCA-32", "MRCA-33", "MRCA-34", "MRCA-35", "MRCA-26", "MRCA-27", "MRCA-11")),
            Step("EWS", ("EWS-07", "ADV2-06", "MRCA-30")),
        ),
    ),
    NamedTest(
        "free-busy",
        "Do people see each other's free/busy across premises, both ways?",
        (
            Step("Availability was really asked, both ways", ("FB-04",)),
            Step("Who shares with whom", ("FB", "X-07", "X-09")),
            Step("OAuth", ("OAUTH", "X-08", "X-13")),
            _TLS,
            _VERSIONS,
        ),
    ),
    NamedTest(
        "teams-meeting-delegation",
        "Can the delegate schedule a Teams meeting for the delegator?",
        (
            _HYBRID,
            Step("The delegation", (*_DELEGATION, "X-15", "X-19")),
            _FOUND_BY_TEAMS,
            _EWS,
            _PARTNERS,
            _OAUTH,
            _VERSIONS,
        ),
        wants="delegation",
    ),
    NamedTest(
        "teams-calendar-app",
        "Does this person have a calendar in Teams, with its meetings?",
        (
            Step("The person and the policies of Teams", ("CAL",)),
            _FOUND_BY_TEAMS,
            _TLS,
            _PUBLISHED,
            _EWS,
            _OAUTH,
        ),
    ),
    NamedTest(
        "teams-presence",
        "Does presence in Teams follow this person's calendar and automatic replies?",
        (
            _HYBRID,
            Step("Presence and automatic replies agree", ("PRES-07",)),
            Step("The REST API is published and answers", ("PRES", "ADV2-05", "X-14")),
            _TLS,
            _EWS,
            _OAUTH,
        ),
    ),
    NamedTest(
        "exchange-oauth",
        "Do Exchange and Microsoft 365 take each other's tokens?",
        (
            Step("Test-OAuthConnectivity, both ways", ("OAUTH-08",)),
            Step("The authentication certificate", ("OAUTH-01", "OAUTH-02", "OAUTH-03", "PROBE-02", "X-06")),
            Step("Trust in the tenant", ("OAUTH-04", "OAUTH-05", "PROBE-01", "PROBE-03", "PROBE-06", "EWS-06")),
            Step("Connectors and names", ("OAUTH-06", "OAUTH-07", "OAUTH-09", "X-08", "OAUTH-12")),
            Step("The dedicated hybrid application", ("OAUTH-11", "X-13")),
            _PARTNERS,
            Step("Everything else of OAuth", ("OAUTH",)),
        ),
        wants="",
    ),
    NamedTest(
        "ews-access",
        "May our account create, read and delete in this mailbox by EWS?",
        (
            Step("An item was made, read and deleted", ("MRCA-1", "MRCA-2", "MRCA-3", "MRCA-42")),
            Step("The account signs in", ("MRCA-41",)),
            Step("EWS", ("EWS-01", "EWS-03", "EWS-05", "EWS-07")),
            _TLS,
        ),
        writes=True,
    ),
)


def named_test(name: str) -> NamedTest:
    """The test called ``name``. Raises ``UnknownTest``."""
    for test in TESTS:
        if test.name == name:
            return test
    raise UnknownTest(name)


def checks_for(test: NamedTest, checks: Iterable[Check]) -> tuple[Check, ...]:
    """Those of ``checks`` that a step of ``test`` wants."""
    return tuple(check for check in checks if any(_wants(step, check) for step in test.steps))


def _wants(step: Step, check: Check) -> bool:
    rows = rows_of(check)
    return any(name in rows or any(row.startswith(f"{name}-") for row in rows) for name in step.rows)


def run(test: NamedTest, evidence: Evidence, checks: Sequence[Check], results: Sequence[CheckResult]) -> Stage:
    """``results`` as the tree of ``test``: each with what was asked for it, how long that took and what came of it."""
    left = {check.name: check for check in checks}
    children = tuple(_step(step, left, evidence, results) for step in test.steps)
    return _above(test.question, children)


def _step(step: Step, left: dict[str, Check], evidence: Evidence, results: Sequence[CheckResult]) -> Stage:
    own = [check for check in left.values() if _wants(step, check)]
    for check in own:
        del left[check.name]
    children = [_result(check, one, evidence) for check in own for one in results if one.check == check.name]
    return _above(step.title, tuple(children))


def _above(title: str, stages: tuple[Stage, ...]) -> Stage:
    outcome = next((one for one in _WORST if any(stage.outcome is one for stage in stages)), Outcome.NOT_APPLICABLE)
    return Stage(
        title=title, outcome=outcome, took_ms=max((stage.took_ms for stage in stages), default=0.0), stages=stages
    )


_WORST = (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.ACCEPTED, Outcome.PASSED)


def _result(check: Check, result: CheckResult, evidence: Evidence) -> Stage:
    readings = tuple(_readings(check, result, evidence))
    origins = tuple(dict.fromkeys((*_found_at(result), *(one.origin for one in readings if isinstance(one, Seen)))))
    said = [finding.says for finding in result.findings] or [one.says for one in result.unseen]
    return Stage(
        title=check.title if result.subject.scope is Scope.ORGANIZATION else f"{check.title} ({result.subject})",
        check=check.name,
        outcome=result.outcome,
        took_ms=max((origin.took_ms for origin in origins), default=0.0) + result.took_ms,
        says=tuple(dict.fromkeys((*said, *([result.reason] if result.reason else [])))),
        details=tuple(_detail(origin) for origin in origins),
    )


def _readings(check: Check, result: CheckResult, evidence: Evidence) -> Iterator[Reading]:
    """What the check was judged from: of every kind the reading nearest to its subject."""
    scopes = dict.fromkeys((result.subject.mailbox.lower(), result.subject.delegate.lower(), ""))
    for kind, premises in check.needs:
        made = (evidence.readings.get(Key(kind.__name__, premises, scope)) for scope in scopes)
        yield from [one for one in made if one is not None][:1]


def _found_at(result: CheckResult) -> Iterator[Origin]:
    for finding in result.findings:
        yield from finding.origins


def _detail(origin: Origin) -> str:
    first = origin.excerpt.strip().replace("\n", " | ")
    return f"{origin.source}: {first}" if first else origin.source
