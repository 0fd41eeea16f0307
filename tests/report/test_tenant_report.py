"""Reports of ten thousand mailboxes: said folded, small enough to open, and with nobody left out of the JSON."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import cache

import pytest

from hybridge.evidence import Origin, Unseen
from hybridge.findings import CheckResult, Finding, Outcome, Scope, Severity, Subject
from hybridge.org.records import CasMailbox
from hybridge.plan import Change, Manual, Plan
from hybridge.report import html, json_, text
from hybridge.report.model import CheckText, Report, Request, make_report
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ON = Premises.ON_PREMISES
LARGE = 10_000
CAUSE = "ews/allow-list-mailbox:disabled"


def boxes(number: int) -> list[str]:
    return [f"person{one:06d}@contoso.com" for one in range(1, number + 1)]


def result(check: str, box: str, outcome: Outcome, finding: Finding | None = None, *unseen: Unseen) -> CheckResult:
    return CheckResult(
        check=check,
        subject=Subject(Scope.MAILBOX, box),
        outcome=outcome,
        severity=Severity.ERROR,
        findings=(finding,) if finding else (),
        unseen=unseen,
    )


def shut(box: str) -> Finding:
    source = f"Get-CASMailbox -Identity '{box}'"
    return Finding(
        check="ews/allow-list-mailbox",
        cause="disabled",
        subject=Subject(Scope.MAILBOX, box),
        says=f"EWS is switched off for the mailbox {box} (EwsEnabled is False).",
        address=CasMailbox(premises=ON, identity=box).address,
        symptoms=(Symptom.CALENDAR_MISSING,),
        origins=(Origin(source=source, seen_at=NOW, excerpt="EwsEnabled: False " * 20),),
    )


def refused(box: str) -> Finding:
    return Finding(
        check="ews/caller-probe",
        cause="refused",
        subject=Subject(Scope.MAILBOX, box),
        says=f"The scheduler was answered 403 for {box}.",
        explained_by=(CAUSE,),
    )


def enable(box: str) -> Change:
    before = CasMailbox(premises=ON, identity=box, ews_enabled=False)
    after = CasMailbox(premises=ON, identity=box, ews_enabled=True)
    return Change(address=before.address, before=before, after=after, says=f"Enable EWS for {box}.", why=(CAUSE,))


@cache
def tenant(number: int, by_hand: bool = True) -> Report:
    """Every mailbox is shut, was probed, is not checked for one thing and fine in another; a cure by hand for each."""
    names = boxes(number)
    results = [
        *(result("ews/allow-list-mailbox", box, Outcome.FAILED, shut(box)) for box in names),
        *(result("ews/caller-probe", box, Outcome.FAILED, refused(box)) for box in names),
        *(
            result(
                "presence/out-of-office-stuck",
                box,
                Outcome.INCONCLUSIVE,
                None,
                Unseen(what="TeamsPresence", reason="forbidden", says=f"The presence of {box} may not be read."),
            )
            for box in names
        ),
        *(result("teams/calendar-app-pinned", box, Outcome.PASSED) for box in names),
    ]
    manual = [
        Manual(cause=CAUSE, subject=box, says=f"Ask {box} to open Outlook.", steps=("Ask.",), verify="See.")
        for box in names
    ]
    return make_report(
        version="1.2.3",
        request=Request(organization="contoso.com", mailboxes=tuple(names)),
        started=NOW,
        ended=NOW,
        subjects=names,
        results=results,
        checks=[CheckText(name="ews/allow-list-mailbox", title="Does the mailbox let Teams use EWS?", why="Because.")],
        plan=Plan(
            id="P",
            organization="contoso.com",
            evidence_at=NOW,
            changes=tuple(enable(box) for box in names),
            manual=tuple(manual) if by_hand else (),
        ),
    )


def test_the_text_counts_mailboxes_and_says_each_thing_once() -> None:
    shown = text.render(tenant(LARGE))
    assert len(shown.splitlines()) < 40
    assert f"x ERROR  {CAUSE}" in shown
    solid = re.sub(r"\s+", "", shown)
    names = "person000001@contoso.com,person000002@contoso.com,person000003@contoso.comand9,997more"
    assert f"10,000mailboxes:{names}" in solid
    for first in (
        "EWS is switched off for the mailbox person000001@contoso.com (EwsEnabled is False).",
        "seen in Get-CASMailbox -Identity 'person000001@contoso.com'",
        "effect The scheduler was answered 403 for person000001@contoso.com.",
        "cure Enable EWS for person000001@contoso.com.",
        "by hand: Ask person000001@contoso.com to open Outlook. (hybridge checks show ews/allow-list-mailbox)",
        "? The presence of person000001@contoso.com may not be read.",
    ):
        assert f"{first} (and 9,999 more like it)".replace(" ", "") in solid
    assert "20,000 failed" in shown


def test_three_mailboxes_are_told_one_by_one() -> None:
    shown = text.render(tenant(3, by_hand=False))
    assert "mailboxes:" not in shown
    assert "like it" not in shown
    assert all(f"Enable EWS for {box}." in shown for box in boxes(3))


@pytest.mark.parametrize("number", [400, LARGE])
def test_a_page_holds_500_findings_at_most_and_counts_the_rest(number: int) -> None:
    page = html.render(tenant(number))
    shown = set(re.findall(r"<td>(person\d+@contoso\.com)</td><td>failed</td>", page))
    assert len(re.findall(r"<td>failed</td>", page)) <= html.INLINED
    assert len(shown) == min(number, html.INLINED // 3)
    assert len(page) < 400_000
    if number == LARGE:
        assert "And 9,834 more failed. The JSON report names them all." in page
        assert "And 9,500 more passed. The JSON report names them all." in page
        assert "Enable EWS for person000001@contoso.com. (and 9,999 more like it)" in page
        assert "1-10,000" in page


def test_a_small_page_shows_everything() -> None:
    page = html.render(tenant(100))
    assert "The JSON report names them all" not in page
    for box in boxes(100):
        assert f"<td>{box}</td><td>failed</td>" in page
        assert f"<td>{box}</td><td>passed</td>" in page


def test_the_json_names_everybody_and_stays_small() -> None:
    written = json_.render(tenant(LARGE))
    assert len(written) < 20_000_000
    document = json.loads(written)
    by_check = {one["check"]: one for one in document["results"]}
    assert len(document["results"]) == len(by_check) == 4
    for one in by_check.values():
        assert [one["subject"], *one["also"]] == boxes(LARGE)
    assert by_check["ews/allow-list-mailbox"]["findings"][0]["cause"] == "disabled"
    assert document["tally"]["failed"] == 2 * LARGE
    assert len(document["plan"]["changes"]) == LARGE


def test_results_that_differ_are_not_put_together() -> None:
    base = tenant(600)
    odd = boxes(600)[300]
    other = Finding(
        check="ews/allow-list-mailbox",
        cause="list-empty",
        subject=Subject(Scope.MAILBOX, odd),
        says="The list is empty.",
    )
    results = [
        result(one.check, odd, Outcome.FAILED, other) if str(one.subject) == odd else one for one in base.results
    ]
    document = json.loads(
        json_.render(
            make_report(
                version="1",
                request=base.request,
                started=NOW,
                ended=NOW,
                subjects=base.subjects,
                results=results[:600],
                checks=(),
            )
        )
    )
    assert [(one["subject"], len(one["also"])) for one in document["results"]] == [(boxes(1)[0], 598), (odd, 0)]


def test_few_results_stand_one_by_one() -> None:
    document = json.loads(json_.render(tenant(json_.FEW)))
    assert len(document["results"]) == 4 * json_.FEW
    assert all(one["also"] == [] for one in document["results"])
