"""Reports for the tests of outputs: one with everything that can be in a report, said by a hostile server."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hybridge.evidence import Origin, Unseen
from hybridge.findings import Acceptance, CheckResult, Comparison, Finding, Known, Outcome, Scope, Severity, Subject
from hybridge.org.records import OrganizationConfig
from hybridge.plan import Change, Manual, Plan
from hybridge.report.model import CheckCount, CheckText, FoldedGap, FoldedResult, Report, Request, make_report
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HOSTILE = "=cmd|'/c calc'!A1 <b>&\"[x](http://evil.example) `|` @all {0} \x00\x1b[31m\ud800 line\r\nbreak"
ADA = Subject(Scope.MAILBOX, "ada@contoso.com")
RISK = Acceptance(cause="platform/version:too-old", reason="replaced in spring", until=date(2027, 3, 31))
OVER = Acceptance(cause="ews/list:caller-missing", reason="we wait", until=date(2026, 11, 1), subject="ada@*")


def finding(check: str, cause: str, says: str, **rest: object) -> Finding:
    origin = Origin(source=f"Get-OrganizationConfig {HOSTILE}", seen_at=START, excerpt=HOSTILE)
    return Finding(check=check, cause=cause, subject=ADA, says=says, origins=(origin,), **rest)  # type: ignore[arg-type]


def result(check: str, outcome: Outcome, *findings: Finding, **rest: object) -> CheckResult:
    values = {"severity": Severity.ERROR, **rest}
    return CheckResult(check=check, subject=ADA, outcome=outcome, findings=findings, **values)  # type: ignore[arg-type]


def known(cause: str, says: str) -> Known:
    check, _, slug = cause.partition(":")
    return Known(check=check, cause=slug, subject="ada@contoso.com", says=says, severity=Severity.ERROR)


def full() -> Report:
    """Every outcome, every severity, a comparison, accepted risks, a plan and the folded part of a tenant."""
    config = OrganizationConfig(premises=Premises.ON_PREMISES, identity="Contoso")
    cause = finding(
        "ews/list",
        "caller-missing",
        HOSTILE,
        symptoms=(Symptom.CALENDAR_MISSING,),
        address=config.address,
        ran_out=OVER,
    )
    effect = finding("ews/probe", "refused", "403", explained_by=("ews/list:caller-missing",))
    taken = finding("platform/version", "too-old", "The build is old.", accepted=RISK)
    change = Change(address=config.address, before=config, after=config, says="Add a pattern", why=(cause.name,))
    gap = Unseen(what="AuthConfig", reason="not-exported", says=f"No export {HOSTILE}", how="Get-AuthConfig | Out")
    results = (
        result("ews/list", Outcome.FAILED, cause, took_ms=12.3456),
        result("ews/probe", Outcome.FAILED, effect),
        result("platform/version", Outcome.ACCEPTED, taken),
        result("teams/mode", Outcome.FAILED, finding("teams/mode", "old", "Advice."), severity=Severity.ADVICE),
        result("oauth/certificate", Outcome.INCONCLUSIVE, unseen=(gap,)),
        result("teams/pinned", Outcome.PASSED),
        result("sharing/hybrid", Outcome.NOT_APPLICABLE, reason="There is no cloud."),
    )
    since = Comparison(
        since=START - timedelta(days=1),
        hybridge="0.9",
        new=(known("teams/mode:old", "Advice."),),
        still=(
            Known(
                check="ews/list",
                cause="caller-missing",
                subject="ada@contoso.com",
                says=HOSTILE,
                severity=Severity.ERROR,
                address=str(config.address),
            ),
        ),
        fixed=(known("oauth/keys:gone", f"The key was gone {HOSTILE}"),),
        not_known=(known("oauth/certificate:expired", "It had expired."),),
        notes=("The earlier report was made by hybridge 0.9.",),
    )
    report = make_report(
        version="1.2.3",
        request=Request(organization="contoso.com", mailboxes=("ada@contoso.com",)),
        started=START,
        ended=START + timedelta(seconds=2),
        subjects=["ada@contoso.com"],
        results=results,
        checks=[CheckText(name="ews/list", title="Does EWS let Teams in?", why="Without it the calendar is empty.")],
        plan=Plan(
            id="P-1",
            organization="contoso.com",
            evidence_at=START,
            changes=(change,),
            manual=(Manual(cause=cause.name, says="Do <it>", steps=("Open | Outlook",), verify="Look"),),
        ),
        requests_made=7,
        since=since,
        unused_acceptances=(Acceptance(cause="oauth/keys", reason="gone", until=date(2027, 1, 1)),),
    )
    return with_tenant(report)


def with_tenant(report: Report) -> Report:
    """``report`` with what a whole-tenant run found."""
    import msgspec

    names = ("bob@contoso.com", "eve@contoso.com")
    return msgspec.structs.replace(
        report,
        folded=(
            FoldedResult(
                check="ews/mailbox",
                cause="disabled",
                says="EWS is off for bob@contoso.com.",
                subjects=names,
                count=2,
                example=finding("ews/mailbox", "disabled", "EWS is off for bob@contoso.com."),
            ),
        ),
        folded_gaps=(
            FoldedGap(
                check="presence/stuck",
                unseen=Unseen(what="TeamsPresence", reason="forbidden", says="It may not be read."),
                subjects=names[:1],
                count=1,
            ),
        ),
        folded_counts=(CheckCount(check="ews/mailbox", passed=10, failed=2),),
    )
