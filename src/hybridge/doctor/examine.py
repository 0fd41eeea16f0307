"""Runs checks over evidence. Pure: the same evidence always gives the same results.

Each check is run for every subject of its scope. A finding makes Failed; without one, something Unseen makes
Inconclusive: what could not be checked is never passed. A check that raises is a defect of ours and inconclusive too.
Afterwards symptom checks are told which found causes explain them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from hybridge.checks.base import Check
from hybridge.doctor.sides import inapplicable
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
from hybridge.terms.symptoms import Symptom

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
        look(check, evidence, subject, timer)
        for check in checks
        for subject in subjects
        if subject.scope is check.scope
    ]
    return explain(results, {check.name: check for check in checks})


def look(check: Check, evidence: Evidence, subject: Subject, timer: Timer = no_time) -> CheckResult:
    """Judge one subject with one check."""
    started = timer()
    findings: list[Finding] = []
    unseen: list[Unseen] = []
    reason = ""
    try:
        reason = inapplicable(check, evidence.kind)
        for saying in check.find(evidence, subject) if not reason else ():
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
    causes = _Causes(finding for result in results for finding in result.findings)
    return tuple(
        msgspec.structs.replace(
            result,
            findings=tuple(
                msgspec.structs.replace(finding, explained_by=causes.behind(finding, check))
                if _is_effect(check, finding)
                else finding
                for finding in result.findings
            ),
        )
        if result.findings and (check := checks.get(result.check)) is not None and check.explained_by
        else result
        for result in results
    )


def _is_effect(check: Check, finding: Finding) -> bool:
    return check.cause(finding.cause).is_effect


class _Causes:
    """Findings by what they may explain: anything when the organization or a server is concerned, else what is seen
    at the same mailbox or delegate, or at the organization.

    Ten thousand mailboxes may have a cause and an effect each: nothing is compared with everything.
    """

    def __init__(self, found: Iterable[Finding]) -> None:
        self._all: dict[str, _Entries] = {}
        self._wide: dict[str, _Entries] = {}
        self._about: dict[tuple[str, str], _Entries] = {}
        for place, cause in enumerate(found):
            entry = cause.name, cause.symptoms
            self._all.setdefault(cause.check, {}).setdefault(entry, place)
            if cause.subject.scope in _WIDE:
                self._wide.setdefault(cause.check, {}).setdefault(entry, place)
            for address in _addresses(cause.subject):
                self._about.setdefault((cause.check, address), {}).setdefault(entry, place)

    def behind(self, effect: Finding, check: Check) -> tuple[str, ...]:
        """Full names of the causes behind ``effect``, a finding of ``check``, in the order they were found."""
        places: dict[str, int] = {}
        for entries in self._concerning(check, effect.subject):
            for (name, symptoms), place in entries.items():
                if not symptoms or not effect.symptoms or set(symptoms) & set(effect.symptoms):
                    places[name] = min(place, places.get(name, place))
        return tuple(sorted(places, key=lambda name: places[name]))

    def _concerning(self, check: Check, subject: Subject) -> Iterator[_Entries]:
        for name in check.explained_by:
            if subject.scope is Scope.ORGANIZATION:
                yield self._all.get(name, {})
                continue
            yield self._wide.get(name, {})
            for address in _addresses(subject):
                yield self._about.get((name, address), {})


_Entries = dict[tuple[str, tuple[Symptom, ...]], int]
"""Causes (full name, symptoms) with the place at which each was found first."""

_WIDE = (Scope.ORGANIZATION, Scope.SERVER)
"""What is wrong there can explain something seen anywhere."""


def _addresses(subject: Subject) -> set[str]:
    return {address.lower() for address in (subject.mailbox, subject.delegate) if address}


def unexplained(results: Iterable[CheckResult]) -> tuple[Finding, ...]:
    """Findings that stand for themselves: those of cause checks, and of symptom checks nothing explains."""
    return tuple(finding for result in results for finding in result.standing)
