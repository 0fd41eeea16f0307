"""What could not be read is never passed: every check, without each of the kinds it needs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hybridge.checks.base import Check
from hybridge.checks.registry import all_checks
from hybridge.checks.rehearsal import subjects_of
from hybridge.doctor.examine import examine
from hybridge.evidence import Evidence
from hybridge.findings import Outcome, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import BearerChallengeProbe, EwsAccessProbe, FreeBusyProbe, OnlineEwsProbe, RealmProbe
from hybridge.org.records import (
    AppRoleAssignment,
    AuthServer,
    CasMailbox,
    EntraApplication,
    EntraDomain,
    Mailbox,
    PartnerApplication,
    Record,
    RemoteMailbox,
    ServerSettings,
    SoftDeletedMailbox,
)
from hybridge.terms.premises import Premises

Without = Callable[[type[Record], Premises], Evidence]

ONLY_TO_TELL_APART: dict[tuple[type[Record], Premises], str] = {
    (Mailbox, Premises.ONLINE): "tells a mailbox that is online from one that nobody knows",
    (SoftDeletedMailbox, Premises.ONLINE): "tells a mailbox that was deleted lately from one nobody ever had",
    (EwsAccessProbe, Premises.ON_PREMISES): "is made only where the test that writes is asked for",
    (BearerChallengeProbe, Premises.ON_PREMISES): "tells who refused, once a caller was refused",
    (FreeBusyProbe, Premises.ON_PREMISES): "is made for mailboxes online, which are not among the subjects here",
    (RemoteMailbox, Premises.ON_PREMISES): "stands for mailboxes online, which are not among the subjects here",
}
"""Needs without which a healthy organization can still be passed, and what they are for."""

ONLY_FOR_WORDS: dict[str, tuple[type[Record], ...]] = {
    "ews/online-access": (EntraApplication, AppRoleAssignment, AuthServer, PartnerApplication),
    "ews/online-applications": (EntraApplication, AppRoleAssignment, AuthServer, PartnerApplication),
    "ews/online-probe": (CasMailbox, OnlineEwsProbe),
    "sign_in/person": (RealmProbe,),
}
"""Needs of a check that only say more about a finding."""

EITHER: dict[str, type[Record]] = {
    "platform/exchange-updates": ServerSettings,
    "sign_in/name-space": EntraDomain,
}
"""Needs that another one makes up for: the build Outlook on the web shows, the realm sign-in tells."""

NOT_HERE = "delegation/offered-in-cloud"
"""The check that applies to other clouds than Contoso's."""

JUDGED = "oauth/bearer-challenge"
"""The check that judges the Bearer challenge itself."""

NEEDS = [
    pytest.param(check, kind, premises, id=f"{check.name}-{kind.__name__}-{premises}")
    for check in all_checks()
    for kind, premises in check.needs
    if (kind, premises) not in ONLY_TO_TELL_APART or (check.name == JUDGED and kind is BearerChallengeProbe)
    if kind not in ONLY_FOR_WORDS.get(check.name, ()) and kind is not EITHER.get(check.name)
    if check.name != NOT_HERE
]


def test_everything_passes_when_everything_was_read(evidence: Evidence, healthy: Organization) -> None:
    results = examine(evidence, subjects_of(healthy), all_checks())
    passed = {result.check for result in results if result.outcome is Outcome.PASSED}
    others = [one for one in results if one.outcome is not Outcome.PASSED]
    assert {one.outcome for one in others} == {Outcome.NOT_APPLICABLE}, [
        (one.check, str(one.subject), one.unseen) for one in others if one.outcome is not Outcome.NOT_APPLICABLE
    ]
    assert all(one.reason for one in others)
    assert {one.check for one in others} - passed == {NOT_HERE, "sharing/remote-routing-address"}


def _concerned(healthy: Organization, check: Check, subject: Subject, premises: Premises) -> bool:
    """A delegation is judged by the records of the delegator's side alone."""
    return check.scope is not Scope.DELEGATION or healthy.one(Mailbox, premises, subject.mailbox) is not None


@pytest.mark.parametrize(("check", "kind", "premises"), NEEDS)
def test_nothing_passes_without_what_it_needs(
    without: Without, healthy: Organization, check: Check, kind: type[Record], premises: Premises
) -> None:
    subjects = [one for one in subjects_of(healthy) if _concerned(healthy, check, one, premises)]
    results = examine(without(kind, premises), subjects, [check])
    assert results
    assert {result.outcome for result in results} == {Outcome.INCONCLUSIVE}
    for result in results:
        assert all(one.says and one.how for one in result.unseen)


def test_nothing_at_all_was_read(healthy: Organization, evidence: Evidence) -> None:
    nothing = Evidence(now=evidence.now)
    results = examine(nothing, subjects_of(healthy), all_checks())
    assert {result.check for result in results if result.outcome is not Outcome.INCONCLUSIVE} == {NOT_HERE}


def test_every_check_says_what_it_needs() -> None:
    assert [check.name for check in all_checks() if not check.needs] == []
