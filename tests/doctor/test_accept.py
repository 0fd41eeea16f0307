"""Accepted risks: marked with their reason, not planned, and counted again when their day is over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from hybridge.checks.registry import cause_named
from hybridge.cli.doctor import exit_of
from hybridge.cli.exits import Exit
from hybridge.config import ConfigProblem, accepted_of, example, load
from hybridge.doctor.accept import Register, UnknownCause, accept, known, unused
from hybridge.doctor.diagnose import judge
from hybridge.evidence import Unseen, complete
from hybridge.findings import Acceptance, CheckResult, Finding, Outcome, Scope, Severity, Subject
from hybridge.lab.contoso import DELEGATIONS, PEOPLE, AuthCertificate, contoso
from hybridge.report.model import Request, make_report

TODAY = date(2026, 11, 20)
CHECK = "ews/allow-list-mailbox"


def risk(cause: str = CHECK, subject: str = "", until: date = TODAY) -> Acceptance:
    return Acceptance(cause=cause, reason="it is replaced", until=until, subject=subject)


def result(identity: str, *causes: str, check: str = CHECK, behind: tuple[str, ...] = ()) -> CheckResult:
    scope = Scope.DELEGATION if ":" in identity else Scope.MAILBOX
    subject = Subject(scope, identity)
    found = tuple(Finding(check=check, cause=one, subject=subject, says=one, explained_by=behind) for one in causes)
    outcome = Outcome.FAILED if found else Outcome.PASSED
    return CheckResult(check=check, subject=subject, outcome=outcome, severity=Severity.ERROR, findings=found)


def outcomes(results: list[CheckResult], *risks: Acceptance) -> list[Outcome]:
    return [one.outcome for one in accept(results, Register(risks, TODAY))]


def test_a_cause_or_a_whole_check_is_accepted() -> None:
    results = [result("ada@contoso.com", "disabled")]
    assert outcomes(results, risk()) == [Outcome.ACCEPTED]
    assert outcomes(results, risk(f"{CHECK}:disabled")) == [Outcome.ACCEPTED]
    assert outcomes(results, risk(f"{CHECK}:list-empty")) == [Outcome.FAILED]
    assert outcomes(results) == [Outcome.FAILED]


@pytest.mark.parametrize(
    ("pattern", "identity", "matches"),
    [
        ("ada@contoso.com", "Ada@Contoso.com", True),
        ("*@contoso.com", "bob@contoso.com", True),
        ("*@fabrikam.com", "bob@contoso.com", False),
        ("grace@contoso.com", "ada@contoso.com:grace@contoso.com", True),
        ("ada@contoso.com:grace@contoso.com", "ada@contoso.com:grace@contoso.com", True),
        ("dave@*", "ada@contoso.com:grace@contoso.com", False),
    ],
)
def test_the_pattern_names_mailboxes(pattern: str, identity: str, matches: bool) -> None:
    assert (outcomes([result(identity, "disabled")], risk(subject=pattern)) == [Outcome.ACCEPTED]) is matches


def test_one_finding_that_nobody_accepted_fails_the_result() -> None:
    (one,) = accept([result("ada@contoso.com", "disabled", "list-empty")], Register([risk(f"{CHECK}:disabled")], TODAY))
    assert one.outcome is Outcome.FAILED
    assert [finding.cause for finding in one.standing] == ["list-empty"]


def test_the_last_day_still_counts_and_the_next_does_not() -> None:
    results = [result("ada@contoso.com", "disabled")]
    assert outcomes(results, risk(until=TODAY)) == [Outcome.ACCEPTED]
    ended = risk(until=date(2026, 11, 19))
    (one,) = accept(results, Register([ended], TODAY))
    assert one.outcome is Outcome.FAILED
    assert one.findings[0].ran_out == ended and one.findings[0].accepted is None
    (again,) = accept(results, Register([ended, risk(until=date(2027, 1, 1))], TODAY))
    assert again.outcome is Outcome.ACCEPTED and again.findings[0].ran_out is None


def test_effects_go_with_their_causes_when_all_are_accepted() -> None:
    cause, other = result("ada@contoso.com", "disabled"), result("bob@contoso.com", "disabled")
    effect = result("ada@contoso.com", "refused", check="ews/caller-probe", behind=(f"{CHECK}:disabled",))
    assert outcomes([cause, effect], risk()) == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert outcomes([cause, other, effect], risk(subject="ada@*"))[2] is Outcome.FAILED


def test_what_is_accepted_does_not_fail_a_run() -> None:
    results = accept([result("ada@contoso.com", "disabled")], Register([risk()], TODAY))
    now = datetime(2026, 11, 20, tzinfo=UTC)
    report = make_report(
        version="1",
        request=Request(organization="contoso.com"),
        started=now,
        ended=now,
        subjects=(),
        results=results,
        checks=(),
    )
    assert exit_of(report, "advice") is Exit.OK
    assert report.tally.accepted == 1
    assert [finding.cause for finding in report.accepted] == ["disabled"]
    assert report.cause_count == 0


def test_an_acceptance_nothing_needs_is_told() -> None:
    passed, failed = result("ada@contoso.com"), result("ada@contoso.com", "disabled")
    assert unused([passed], [risk()]) == (risk(),)
    assert unused([failed], [risk()]) == ()
    assert unused([], [risk()]) == (), "its check was not run"
    gap = Unseen(what="X", reason="forbidden", says="No.")
    lacking = CheckResult(
        check=CHECK, subject=passed.subject, outcome=Outcome.INCONCLUSIVE, severity=Severity.ERROR, unseen=(gap,)
    )
    assert unused([lacking], [risk()]) == ()
    elsewhere = risk(subject="zoe@contoso.com")
    assert unused([passed], [elsewhere]) == (elsewhere,)
    assert unused([passed], [elsewhere], whole=False) == ()


def test_a_cause_that_is_not_there_is_a_mistake() -> None:
    assert known([risk()]) == (risk(),)
    with pytest.raises(UnknownCause, match="ews/allow-list-mailbx") as mistake:
        known([risk("ews/allow-list-mailbx")])
    assert "ews/allow-list-mailbox" in mistake.value.next_step


TABLE = """
[organization]
domain = "contoso.com"

[[accepted]]
cause = "ews/allow-list-mailbox:disabled"
subject = "*@contoso.com"
reason = "it is replaced"
until = 2027-03-31
"""


def test_the_configuration_holds_them(tmp_path: Path) -> None:
    file = tmp_path / "hybridge.toml"
    file.write_text(TABLE, encoding="utf-8")
    wanted = (risk(f"{CHECK}:disabled", "*@contoso.com", date(2027, 3, 31)),)
    assert load(file).accepted == wanted
    assert accepted_of(file, "CONTOSO.com") == wanted
    assert accepted_of(file, "fabrikam.com") == ()
    assert accepted_of(tmp_path / "none.toml", "contoso.com") == ()


@pytest.mark.parametrize("line", ['reason = "it is replaced"', "until = 2027-03-31", 'cause = "'])
def test_reason_and_day_are_required(tmp_path: Path, line: str) -> None:
    file = tmp_path / "hybridge.toml"
    kept = [one for one in TABLE.splitlines() if not one.startswith(line)]
    file.write_text("\n".join(kept), encoding="utf-8")
    with pytest.raises(ConfigProblem, match="accepted.0"):
        load(file)


def test_the_example_shows_the_table_and_loads(tmp_path: Path) -> None:
    shown = example()
    assert "# [[accepted]]" in shown
    commented = shown.partition("# [[accepted]]")[2].splitlines()
    table = [line.removeprefix("# ") for line in commented if " = " in line]
    file = tmp_path / "hybridge.toml"
    file.write_text("\n".join([shown, "[[accepted]]", *table]), encoding="utf-8")
    (one,) = load(file).accepted
    assert known([one])


def test_judging_leaves_the_accepted_out_of_the_plan() -> None:
    check, cause = cause_named(f"{CHECK}:disabled")
    now = datetime(2026, 11, 20, tzinfo=UTC)
    year = timedelta(days=365)
    healthy = contoso(now, AuthCertificate(b"DER of the certificate", now - year, now + year))
    assert cause.breaks is not None
    evidence = complete(cause.breaks(healthy), check.needs, now, domain="contoso.com")
    boxes = [person.address for person in PEOPLE]
    free = judge(evidence, boxes, DELEGATIONS, (check,))
    taken = judge(evidence, boxes, DELEGATIONS, (check,), (risk(until=date(2099, 1, 1)),))
    assert free.plan is not None and not free.plan.empty
    assert taken.plan is not None and taken.plan.empty
    assert {one.outcome for one in taken.results if one.findings} == {Outcome.ACCEPTED}
