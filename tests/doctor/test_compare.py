"""``--since``: what became of each finding, told from the two reports alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from hybridge.cli.doctor import exit_of
from hybridge.cli.exits import Exit, Stop
from hybridge.cli.since import compared, earlier
from hybridge.doctor.compare import NOT_NOW, NOT_SEEN, NOT_THEN, NotComparable, compare, read
from hybridge.evidence import Unseen
from hybridge.findings import CheckResult, Finding, Outcome, Scope, Severity, Subject
from hybridge.org.records import CasMailbox
from hybridge.report import json_
from hybridge.report.model import CheckCount, FoldedGap, FoldedResult, Report, Request, make_report
from hybridge.terms.premises import Premises

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
CHECK = "ews/mailbox"


def finding(cause: str, box: str, **rest: object) -> Finding:
    address = CasMailbox(premises=Premises.ON_PREMISES, identity=box).address
    subject = Subject(Scope.MAILBOX, box)
    return Finding(check=CHECK, cause=cause, subject=subject, says=f"{cause} {box}", address=address, **rest)  # type: ignore[arg-type]


def result(
    box: str,
    *causes: str,
    unseen: bool = False,
    check: str = CHECK,
    severity: Severity = Severity.ERROR,
    **rest: object,
) -> CheckResult:
    gap = Unseen(what="X", reason="forbidden", says="It may not be read.")
    found = tuple(finding(cause, box, **rest) for cause in causes)
    outcome = Outcome.FAILED if found else Outcome.INCONCLUSIVE if unseen else Outcome.PASSED
    return CheckResult(
        check=CHECK,
        subject=Subject(Scope.MAILBOX, box),
        outcome=outcome,
        severity=severity,
        findings=found,
        unseen=(gap,) if unseen else (),
    )


def report(*results: CheckResult, version: str = "1", organization: str = "contoso.com") -> Report:
    return make_report(
        version=version,
        request=Request(organization=organization),
        started=NOW,
        ended=NOW,
        subjects=(),
        results=results,
        checks=(),
    )


def since(before: Report, *results: CheckResult) -> dict[str, list[tuple[str, str, str]]]:
    comparison = compare(read(json_.render(before).encode(), "old.json"), "Contoso.com", "1", results)
    return {
        word: [(one.cause, one.subject, one.note) for one in getattr(comparison, word)]
        for word in ("new", "still", "fixed", "not_known")
        if getattr(comparison, word)
    }


def test_new_fixed_and_still_there() -> None:
    before = report(result("ada@contoso.com", "off", "old"))
    told = since(before, result("ada@contoso.com", "off", "fresh"))
    assert told == {
        "new": [("fresh", "ada@contoso.com", "")],
        "still": [("off", "ada@contoso.com", "")],
        "fixed": [("old", "ada@contoso.com", "")],
    }


def test_another_record_of_the_same_cause_is_another_finding() -> None:
    before = report(result("ada@contoso.com", "off"))
    other = finding("off", "ada@contoso.com")
    elsewhere = CasMailbox(premises=Premises.ONLINE, identity="ada@contoso.com").address
    moved = Finding(check=CHECK, cause="off", subject=other.subject, says="x", address=elsewhere)
    now = CheckResult(
        check=CHECK, subject=other.subject, outcome=Outcome.FAILED, severity=Severity.ERROR, findings=(moved,)
    )
    assert set(since(before, now)) == {"new", "fixed"}


def test_what_was_not_looked_for_is_not_fixed() -> None:
    before = report(result("ada@contoso.com", "off"), result("bob@contoso.com", "off"))
    assert since(before, result("ada@contoso.com", unseen=True)) == {
        "not_known": [("off", "ada@contoso.com", NOT_SEEN), ("off", "bob@contoso.com", NOT_NOW)]
    }


def test_what_was_not_looked_for_then_is_new_and_says_so() -> None:
    before = report(result("ada@contoso.com", unseen=True))
    told = since(before, result("ada@contoso.com", "off"), result("bob@contoso.com", "off"))
    assert told == {"new": [("off", "ada@contoso.com", NOT_THEN), ("off", "bob@contoso.com", NOT_THEN)]}


def test_an_effect_that_stays_behind_its_cause_is_not_new() -> None:
    before = report(result("ada@contoso.com", "refused", explained_by=("ews/list:missing",)))
    assert since(before, result("ada@contoso.com", "refused")) == {"still": [("refused", "ada@contoso.com", "")]}
    assert since(report(result("ada@contoso.com", "refused", explained_by=("a/b:c",)))) == {}


@pytest.mark.parametrize("number", [3, json_.FEW + 10])
def test_mailboxes_shown_as_one_are_taken_by_themselves(number: int) -> None:
    boxes = [f"person{one:04d}@contoso.com" for one in range(number)]
    before = report(*(result(box, "off") for box in boxes))
    now = [result(box, *(("off",) if place else ())) for place, box in enumerate(boxes)]
    told = since(before, *now)
    assert told["fixed"] == [("off", boxes[0], "")]
    assert len(told["still"]) == number - 1
    assert set(told) == {"fixed", "still"}


def whole(*found: tuple[str, str], gaps: tuple[str, ...] = (), not_asked: int = 0) -> Report:
    """A whole-tenant report: (cause, mailbox) pairs, and mailboxes the check could not decide about."""
    gap = Unseen(what="X", reason="forbidden", says="It may not be read.")
    causes: dict[str, list[str]] = {}
    for cause, box in found:
        causes.setdefault(cause, []).append(box)
    return replace(
        report(),
        folded=tuple(
            FoldedResult(check=CHECK, cause=cause, says=f"{cause} {boxes[0]}", subjects=tuple(boxes), count=len(boxes))
            for cause, boxes in causes.items()
        ),
        folded_gaps=(FoldedGap(check=CHECK, unseen=gap, subjects=gaps, count=len(gaps)),) if gaps else (),
        folded_counts=(CheckCount(check=CHECK, not_asked=not_asked),),
    )


def tenant_since(before: Report, now: Report) -> dict[str, list[tuple[str, str, str]]]:
    comparison = compared(now, read(json_.render(before).encode(), "old.json")).since
    assert comparison is not None
    return {
        word: [(one.cause, one.subject, one.note) for one in getattr(comparison, word)]
        for word in ("new", "still", "fixed", "not_known")
        if getattr(comparison, word)
    }


def test_two_tenants_are_compared_mailbox_by_mailbox() -> None:
    before = whole(("off", "ada@contoso.com"), ("off", "bob@contoso.com"), ("old", "eve@contoso.com"))
    now = whole(("off", "bob@contoso.com"), ("off", "zoe@contoso.com"), gaps=("eve@contoso.com",))
    assert tenant_since(before, now) == {
        "new": [("off", "zoe@contoso.com", "")],
        "still": [("off", "bob@contoso.com", "")],
        "fixed": [("off", "ada@contoso.com", "")],
        "not_known": [("old", "eve@contoso.com", NOT_SEEN)],
    }
    sampled = tenant_since(before, whole(("off", "bob@contoso.com"), not_asked=5))
    assert {word: len(found) for word, found in sampled.items()} == {"still": 1, "not_known": 2}


def test_a_tenant_and_a_few_mailboxes_are_compared_by_cause_and_mailbox() -> None:
    crowd, few = whole(("off", "ada@contoso.com")), report(result("ada@contoso.com", "off"), result("bob@contoso.com"))
    assert tenant_since(crowd, few) == {"still": [("off", "ada@contoso.com", "")]}
    assert tenant_since(few, crowd) == {"still": [("off", "ada@contoso.com", "")]}
    assert tenant_since(few, whole()) == {"fixed": [("off", "ada@contoso.com", "")]}


def test_only_a_new_finding_fails_the_run() -> None:
    old, new = result("ada@contoso.com", "off"), result("bob@contoso.com", "off")
    before = read(json_.render(report(old, result("bob@contoso.com"))).encode(), "old.json")
    same, worse = compared(report(old, result("bob@contoso.com")), before), compared(report(old, new), before)
    assert exit_of(report(old), "warning") is Exit.FINDINGS
    assert exit_of(same, "warning") is Exit.OK
    assert exit_of(worse, "warning") is Exit.FINDINGS
    advice = result("bob@contoso.com", "off", severity=Severity.ADVICE)
    assert exit_of(compared(report(old, advice), before), "warning") is Exit.OK
    assert exit_of(compared(report(old, advice), before), "advice") is Exit.FINDINGS
    assert exit_of(compared(report(old, new), before), "never") is Exit.OK


def test_another_version_is_told() -> None:
    before = read(json_.render(report(version="0.9")).encode(), "old.json")
    (note,) = compare(before, "contoso.com", "1", ()).notes
    assert "0.9" in note


def test_another_organization_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json_.render(report(organization="fabrikam.com")), encoding="utf-8")
    with pytest.raises(Stop, match=r"of fabrikam\.com, this run of contoso\.com"):
        earlier(path, "contoso.com")
    with pytest.raises(Stop, match="cannot be read"):
        earlier(tmp_path / "none.json", "contoso.com")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"hybridge": 1}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_report_is_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(NotComparable, match=r"'x\.json' is not a JSON report"):
        read(content, "x.json")
