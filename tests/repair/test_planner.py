"""Plans are proved on paper: tiny checks of our own, one per thing the planner must get right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
import pytest

from hybridge.checks.base import Cause, Check, Saying
from hybridge.evidence import Evidence, Seen, Unseen, complete
from hybridge.findings import ORGANIZATION, Finding, Scope, Subject
from hybridge.org import probes as p
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.org.records import Record
from hybridge.plan import Change, Manual, Plan, Risk, change, removal
from hybridge.repair.planner import Unallowed, Unsettled, merged, ordered, prove
from hybridge.terms.premises import Premises

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE
KINDS: tuple[tuple[type[Record], Premises], ...] = (
    (r.OrganizationConfig, ON),
    (r.MailUser, ON),
    (r.ManagementRoleAssignment, ON),
    (r.PartnerApplication, ON),
    (r.ServicePrincipal, ONLINE),
    (p.RestApiProbe, ON),
)
Heals = Callable[[Finding, Organization], "tuple[Change, ...] | Manual"]
Looks = Callable[[Organization], bool]


class Small(Check):
    """A check that finds its one cause while ``wrong`` says so of the organization seen."""

    title = "?"
    why = ""
    scope = Scope.ORGANIZATION
    label: ClassVar[str] = ""

    def __init__(self, label: str, wrong: Looks, heals: Heals, *, symptom: bool = False) -> None:
        self._label, self._wrong = label, wrong
        self.causes = (Cause(slug="wrong", says="Wrong.", breaks=None, heals=heals),)  # type: ignore[misc]
        self.symptom = symptom  # type: ignore[misc]

    @property
    def name(self) -> str:
        return self._label

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        if self._wrong(evidence.organization()):
            yield self.finding("wrong", subject, f"{self._label} is wrong.")


def config(*entries: str) -> r.OrganizationConfig:
    return r.OrganizationConfig(
        premises=ON,
        identity="Contoso",
        ews_application_access_policy="EnforceAllowList",
        ews_allow_list=("OWA/*", *entries),
    )


def listed(entry: str) -> Looks:
    return lambda organization: entry not in (organization.all(r.OrganizationConfig)[0].ews_allow_list or ())


def adds(entry: str, risk: Risk = Risk.LOW) -> Heals:
    def heals(_: Finding, organization: Organization) -> tuple[Change, ...]:
        (present,) = organization.all(r.OrganizationConfig)
        after = msgspec.structs.replace(present, ews_allow_list=(*(present.ews_allow_list or ()), entry))
        return (change(organization, after, f"Add {entry}.", risk),)

    return heals


def puts(record: Record, says: str = "Make it.") -> Heals:
    return lambda _, organization: (change(organization, record, says),)


def absent(kind: type[Record]) -> Looks:
    return lambda organization: not organization.all(kind)


def proved(checks: Sequence[Check], *records: Record, subjects: Sequence[Subject] = (ORGANIZATION,)) -> Plan:
    return prove(checks, complete(Organization(records), KINDS, NOW, domain="contoso.com"), subjects)


def test_nothing_wrong_makes_an_empty_plan() -> None:
    plan = proved([Small("a/one", listed("x"), adds("x"))], config("x"))
    assert plan.empty
    assert (plan.organization, plan.evidence_at) == ("contoso.com", NOW)


def test_two_changes_of_one_record_become_one_with_both_sentences() -> None:
    checks = [Small("a/one", listed("x"), adds("x")), Small("a/two", listed("y"), adds("y", Risk.HIGH))]
    (only,) = proved(checks, config()).changes
    assert only.before == config()
    assert only.after == config("x", "y")
    assert only.says == "Add x. Add y."
    assert only.risk is Risk.HIGH
    assert only.why == ("a/one:wrong", "a/two:wrong")


def test_a_finding_that_an_earlier_cure_of_the_round_healed_is_not_cured_again() -> None:
    checks = [Small("a/one", listed("x"), adds("x")), Small("a/two", listed("x"), adds("x"))]
    (only,) = proved(checks, config()).changes
    assert only.after == config("x")


def test_a_cure_that_uncovers_another_cause_is_followed() -> None:
    account = r.MailUser(premises=ON, identity="App", external_email_address="app@contoso.com")
    application = r.PartnerApplication(premises=ON, identity="Teams", application_identifier="1", linked_account="App")
    key = r.ServicePrincipal(premises=ONLINE, identity="1", key_credentials=(r.KeyCredential(key=b"0der"),))
    role = r.ManagementRoleAssignment(premises=ON, identity="R-App", role="R", role_assignee="App")

    def after(kind: type[Record], needed: type[Record]) -> Looks:
        return lambda organization: bool(organization.all(needed)) and not organization.all(kind)

    checks = [
        Small("a/key", after(r.ServicePrincipal, r.PartnerApplication), puts(key)),
        Small("a/role", after(r.ManagementRoleAssignment, r.MailUser), puts(role)),
        Small("b/application", after(r.PartnerApplication, r.ManagementRoleAssignment), puts(application)),
        Small("c/account", absent(r.MailUser), puts(account)),
    ]
    plan = proved(checks)
    assert [one.address.kind for one in plan.changes] == [
        "MailUser",
        "ManagementRoleAssignment",
        "PartnerApplication",
        "ServicePrincipal",
    ]


def test_cures_that_undo_each_other_are_refused_with_their_names() -> None:
    def takes(_: Finding, organization: Organization) -> tuple[Change, ...]:
        return (change(organization, config(), "Take it."),)

    checks = [
        Small("a/wants", listed("x"), adds("x")),
        Small("a/hates", lambda organization: not listed("x")(organization), takes),
    ]
    with pytest.raises(Unsettled) as refused:
        proved(checks, config())
    assert set(refused.value.causes) <= {"a/wants:wrong", "a/hates:wrong"}
    assert "a/wants:wrong" in str(refused.value) or "a/hates:wrong" in str(refused.value)


def test_a_cure_that_changes_nothing_is_refused_at_once() -> None:
    asked: list[int] = []

    def nothing(_: Finding, __: Organization) -> tuple[Change, ...]:
        asked.append(1)
        return ()

    with pytest.raises(Unsettled, match="a/stuck:wrong"):
        proved([Small("a/stuck", lambda _: True, nothing)], config())
    assert len(asked) == 1


class EveryMailbox(Check):
    """Wants an entry for every mailbox asked about in the one list of the organization."""

    title = "?"
    why = ""
    scope = Scope.MAILBOX
    causes = (
        Cause(
            slug="wrong",
            says="Wrong.",
            breaks=None,
            heals=lambda finding, organization: adds(finding.subject.identity)(finding, organization),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        if listed(subject.identity)(evidence.organization()):
            yield self.finding("wrong", subject, "Wrong.", address=config().address)


def test_many_findings_about_one_record_settle_into_one_change() -> None:
    names = [f"user{number}" for number in range(40)]
    subjects = [Subject(Scope.MAILBOX, name) for name in names]
    (only,) = proved([EveryMailbox()], config(), subjects=subjects).changes
    assert only.after == config(*names)
    assert only.says.count("Add ") == 40


def _by_hand(finding: Finding, _: Organization) -> Manual:
    return Manual(says="Ask the network team.", steps=("Open the path.",), verify="Probe it.")


def test_manual_cures_are_collected_once_and_folded_over_subjects() -> None:
    check = Small("a/path", lambda _: True, _by_hand)
    check.scope = Scope.MAILBOX  # type: ignore[misc]
    ada, grace = Subject(Scope.MAILBOX, "ada@contoso.com"), Subject(Scope.MAILBOX, "grace@contoso.com")
    plan = proved([check], config(), subjects=(ada, grace))
    (manual,) = plan.manual
    assert manual.subject == "ada@contoso.com, grace@contoso.com"
    assert manual.cause == "a/path:wrong"
    assert plan.changes == ()


def test_a_manual_cause_does_not_keep_changes_from_settling() -> None:
    plan = proved([Small("a/path", lambda _: True, _by_hand), Small("b/list", listed("x"), adds("x"))], config())
    assert len(plan.changes) == len(plan.manual) == 1


def test_a_symptom_explained_by_a_found_cause_is_not_planned() -> None:
    effect = Small("a/effect", lambda _: True, _by_hand, symptom=True)
    effect.explained_by = ("b/cause",)  # type: ignore[misc]
    cause = Small("b/cause", listed("x"), adds("x"))
    assert proved([effect, cause], config()).manual == ()
    assert len(proved([effect, cause], config("x")).manual) == 1


def test_a_symptom_healed_by_changes_is_taken_once() -> None:
    effect = Small("a/effect", lambda _: True, adds("x"), symptom=True)
    (only,) = proved([effect], config()).changes
    assert only.after == config("x")


@pytest.mark.parametrize(
    "record",
    [p.RestApiProbe(premises=ON, identity="https://x/api"), r.ExchangeServer(premises=ON, identity="EX1")],
)
def test_what_nobody_may_write_is_refused(record: Record) -> None:
    with pytest.raises(Unallowed, match="a/odd:wrong.*nothing that hybridge writes"):
        proved([Small("a/odd", lambda organization: organization.at(record.address) is None, puts(record))])


def test_a_cure_that_switches_an_allow_list_on_is_refused() -> None:
    unset = r.OrganizationConfig(premises=ON, identity="Contoso")
    check = Small("a/list", lambda organization: organization.at(unset.address) == unset, puts(config("x")))
    with pytest.raises(Unallowed, match="never switches an EWS policy"):
        proved([check], unset)


def test_what_was_not_read_is_not_planned() -> None:
    def find_only_when_seen(evidence: Evidence) -> bool:
        return isinstance(evidence.all(r.MailUser, ON), Seen)

    unseen = Evidence(now=NOW, domain="contoso.com")
    assert not find_only_when_seen(unseen)

    class Careful(Small):
        def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
            reading = evidence.all(r.MailUser, ON)
            if isinstance(reading, Unseen):
                yield reading

    assert prove([Careful("a/b", lambda _: True, _by_hand)], unseen, (ORGANIZATION,)).empty


def test_the_id_depends_on_content_and_time_only() -> None:
    checks = [Small("a/one", listed("x"), adds("x"))]
    one, same = proved(checks, config()), proved(checks, config())
    other = proved([Small("a/one", listed("y"), adds("y"))], config())
    assert one == same
    assert one.id.startswith("20261120T090000Z-")
    assert one.id != other.id


def test_removals_come_last_and_in_reverse() -> None:
    account = r.MailUser(premises=ON, identity="Old")
    application = r.PartnerApplication(premises=ON, identity="Old", application_identifier="0", linked_account="Old")
    organization = Organization((account, application))
    new = change(organization, r.MailUser(premises=ON, identity="New"), "Make it.", Risk.HIGH)
    gone = [removal(organization, one.address, "Remove it.") for one in (account, application)]
    assert [one.address.kind for one in ordered([*gone, new])] == ["MailUser", "PartnerApplication", "MailUser"]
    assert ordered([*gone, new])[0] is new


def test_risk_decides_among_equals() -> None:
    organization = Organization((config(),))
    low: Any = change(organization, config("x"), "Low.")
    boxes = [r.CasMailbox(premises=ON, identity=name) for name in ("ada@contoso.com", "alan@contoso.com")]
    high, medium = (
        change(organization, box, "Set it.", risk) for box, risk in zip(boxes, (Risk.HIGH, Risk.MEDIUM), strict=True)
    )
    assert ordered([high, medium, low]) == (low, medium, high)


def test_the_same_sentence_is_said_once() -> None:
    organization = Organization((config(),))
    one = change(organization, config("x"), "Add x.")
    assert merged(one, msgspec.structs.replace(one, after=config("x", "y"))).says == "Add x."
