"""Runs checks over evidence. Pure: the same evidence always gives the same results.

Each check is run for every subject of its scope. A finding makes Failed; without one, something Unseen makes
Inconclusive: what could not be checked is never passed. A check that raises is a defect of ours and inconclusive too.
Afterwards symptom checks are told which found causes explain them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from hybridge.checks.base import Check
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import (
    ORGANIZATION,
    CheckResult,
    Finding,
    NotApplicable,
    Outcome,
    Scope,
    Subject,
)

Timer = Callable[[], float]
"""Returns seconds of some monotonic clock."""


def no_time() -> float:
    """A timer that stands still."""
    return 0.0


def subjects_for(
    mailboxes: Iterable[str] = (), delegations: Iterable[tuple[str, str]] = (), servers: Iterable[str] = ()
) -> tuple[Subject, ...]:
    """What to examine: the organization, servers, mailboxes (both sides of every delegation too) and delegations."""
    pairs = tuple(delegations)
    boxes = dict.fromkeys((*mailboxes, *(address for pair in pairs for address in pair)))
    return (
        ORGANIZATION,
        *(Subject(Scope.SERVER, server) for server in servers),
        *(Subject(Scope.MAILBOX, box) for box in boxes),
        *(Subject(Scope.DELEGATION, f"{delegator}:{delegate}") for delegator, delegate in pairs),
    )


def examine(
    evidence: Evidence, subjects: Sequence[Subject], checks: Iterable[Check], timer: Timer = no_time
) -> tuple[CheckResult, ...]:
    """Judge every subject with every check of its scope."""
    results = [
        _run(check, evidence, subject, timer)
        for check in checks
        for subject in subjects
        if subject.scope is check.scope
    ]
    return explain(results, {check.name: check for check in checks})


def _run(check: Check, evidence: Evidence, subject: Subject, timer: Timer) -> CheckResult:
    started = timer()
    findings: list[Finding] = []
    unseen: list[Unseen] = []
    reason = ""
    try:
        for saying in check.find(evidence, subject):
            if isinstance(saying, Finding):
                findings.append(saying)
            elif isinstance(saying, NotApplicable):
                reason = saying.reason
            else:
                unseen.append(saying)
    except Exception as error:  # a check must never end a run: its defect is reported as what it is
        unseen.append(
            Unseen(
                what=check.name,
                reason="defect",
                says=f"The check itself failed ({type(error).__name__}: {error}).",
                how="Please report this as a defect of hybridge.",
            )
        )
    return CheckResult(
        check=check.name,
        subject=subject,
        outcome=_outcome(findings, unseen, reason),
        severity=check.severity,
        findings=tuple(findings),
        unseen=tuple(unseen),
        reason=reason,
        took_ms=(timer() - started) * 1000,
    )


def _outcome(findings: Sequence[Finding], unseen: Sequence[Unseen], reason: str) -> Outcome:
    if findings:
        return Outcome.FAILED
    if unseen:
        return Outcome.INCONCLUSIVE
    return Outcome.NOT_APPLICABLE if reason else Outcome.PASSED


def explain(results: Sequence[CheckResult], checks: dict[str, Check]) -> tuple[CheckResult, ...]:
    """Hang the effects that symptom checks saw under the causes found for the same or a wider subject.

    Only effects are explained (``Cause.is_effect``); every other finding stands for itself. A cause explains an effect
    when they may be noticed as the same symptom.
    """
    found = [finding for result in results for finding in result.findings]
    return tuple(
        msgspec.structs.replace(
            result,
            findings=tuple(
                msgspec.structs.replace(finding, explained_by=_behind(finding, check, found))
                if (check := checks.get(result.check)) is not None and _is_effect(check, finding)
                else finding
                for finding in result.findings
            ),
        )
        for result in results
    )


def _is_effect(check: Check, finding: Finding) -> bool:
    return bool(check.explained_by) and check.cause(finding.cause).is_effect


def _behind(effect: Finding, check: Check, found: Iterable[Finding]) -> tuple[str, ...]:
    names = (
        cause.name
        for cause in found
        if cause.check in check.explained_by
        and concerns(cause.subject, effect.subject)
        and (not cause.symptoms or not effect.symptoms or set(cause.symptoms) & set(effect.symptoms))
    )
    return tuple(dict.fromkeys(names))


def concerns(cause: Subject, symptom: Subject) -> bool:
    """Whether something wrong with ``cause`` can explain something seen at ``symptom``."""
    if cause.scope in (Scope.ORGANIZATION, Scope.SERVER) or symptom.scope is Scope.ORGANIZATION:
        return True
    ours = {address.lower() for address in (symptom.mailbox, symptom.delegate) if address}
    theirs = {address.lower() for address in (cause.mailbox, cause.delegate) if address}
    return bool(ours & theirs)


def unexplained(results: Iterable[CheckResult]) -> tuple[Finding, ...]:
    """Findings that stand for themselves: those of cause checks, and of symptom checks nothing explains."""
    return tuple(finding for result in results for finding in result.standing)
