"""Reports: one value, three renderings that agree."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta

import msgspec

from hybridge.evidence import Origin, Unseen
from hybridge.findings import CheckResult, Finding, Outcome, Scope, Severity, Subject
from hybridge.org.records import OrganizationConfig
from hybridge.plan import Change, Manual, Plan
from hybridge.report import html, json_, text
from hybridge.report.model import CheckText, Report, Request, make_report
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>"
MAILBOX = Subject(Scope.MAILBOX, "ada@contoso.com")


def finding(check: str, cause: str, says: str, *symptoms: Symptom) -> Finding:
    origin = Origin(source="Get-OrganizationConfig", seen_at=START, excerpt=f"EwsAllowList {HOSTILE}")
    return Finding(check=check, cause=cause, subject=MAILBOX, says=says, symptoms=symptoms, origins=(origin,))


def report() -> Report:
    cause = finding("ews/list", "caller-missing", f"The list refuses {HOSTILE}", Symptom.CALENDAR_MISSING)
    effect = msgspec.structs.replace(
        finding("ews/probe", "refused", "The caller was answered 403", Symptom.CALENDAR_MISSING),
        explained_by=("ews/list:caller-missing",),
    )
    hand = finding("delegation/listed", "not-listed", "Grace is no delegate")
    config = OrganizationConfig(premises=Premises.ON_PREMISES, identity="Contoso")
    change = Change(
        address=config.address, before=config, after=config, says="Add a pattern", why=("ews/list:caller-missing",)
    )
    manual = Manual(
        cause="delegation/listed:not-listed", says="Add the delegate", steps=("Open Outlook",), verify="Look"
    )

    def result(check: str, outcome: Outcome, *findings: Finding, **rest: object) -> CheckResult:
        values = {"severity": Severity.ERROR, **rest}
        return CheckResult(check=check, subject=MAILBOX, outcome=outcome, findings=findings, **values)  # type: ignore[arg-type]

    gap = Unseen(what="AuthConfig", reason="not-exported", says="No export of Get-AuthConfig", how="Get-AuthConfig")
    results = (
        result("ews/list", Outcome.FAILED, cause),
        result("ews/probe", Outcome.FAILED, effect),
        result("delegation/listed", Outcome.FAILED, hand, severity=Severity.WARNING),
        result("oauth/certificate", Outcome.INCONCLUSIVE, unseen=(gap,)),
        result("teams/pinned", Outcome.PASSED),
    )
    return make_report(
        version="1.2.3",
        request=Request(organization="contoso.com"),
        started=START,
        ended=START + timedelta(seconds=2),
        subjects=["ada@contoso.com"],
        results=results,
        checks=[CheckText(name="ews/list", title="Does EWS let Teams in?", why="Without it the calendar is empty.")],
        plan=Plan(id="P-1", organization="contoso.com", evidence_at=START, changes=(change,), manual=(manual,)),
        requests_made=7,
    )


def test_the_tally_counts_what_the_results_say() -> None:
    counted = report().tally
    assert (counted.failed, counted.warnings, counted.inconclusive, counted.passed) == (2, 1, 1, 1)
    assert report().incomplete


def test_json_is_the_contract() -> None:
    document = json.loads(json_.render(report()))
    assert set(document) >= {
        "hybridge",
        "request",
        "started",
        "ended",
        "incomplete",
        "subjects",
        "results",
        "tally",
        "plan",
    }
    first = document["results"][0]
    assert set(first) >= {"check", "subject", "outcome", "severity", "findings", "took_ms"}
    assert first["outcome"] == "failed"
    assert set(first["findings"][0]) >= {"cause", "says", "address", "facts", "origins"}
    assert document["started"] == "2026-11-20T09:00:00Z"
    assert document["incomplete"] is True


def test_text_tells_symptom_cause_evidence_cure() -> None:
    lines = text.render(report())
    order = [
        "The Teams calendar app is missing",
        "ews/list:caller-missing",
        "Get-OrganizationConfig",
        "The caller was answered 403",
        "Add a pattern",
        "delegation/listed:not-listed",
        "by hand: Add the delegate",
        "Not checked",
        "No export of Get-AuthConfig",
    ]
    positions = [lines.index(part) for part in order]
    assert positions == sorted(positions)
    assert "\x1b" not in lines
    assert "\x1b" in text.render(report(), colour=True)


def test_an_explained_effect_is_no_finding_of_its_own() -> None:
    assert "ews/probe:refused" not in text.render(report())


def test_html_escapes_what_servers_said_and_asks_for_nothing() -> None:
    page = html.render(report())
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page
    assert not re.search(r"(?:src|href)=[\"'](?!#)", page), "the page refers to nothing outside itself"
    assert "http://" not in page
    assert "https://" not in page


def test_html_policy_names_the_only_style_and_script() -> None:
    page = html.render(report())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]
    assert "default-src 'none'" in policy[1]


def test_a_healthy_report_says_so_everywhere() -> None:
    healthy = make_report(
        version="1",
        request=Request(organization="contoso.com"),
        started=START,
        ended=START,
        subjects=["organization"],
        results=[],
        checks=[],
    )
    assert "Nothing wrong was found" in text.render(healthy)
    assert "Nothing wrong was found" in html.render(healthy)
