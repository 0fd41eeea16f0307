"""One examination from start to end: collect, examine, prove."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hybridge.checks.base import Check
from hybridge.checks.registry import all_checks
from hybridge.collectors.collect import Target, collect
from hybridge.doctor.accept import Register, accept
from hybridge.doctor.examine import examine, subjects_for
from hybridge.evidence import Evidence
from hybridge.findings import Acceptance, CheckResult, Subject
from hybridge.plan import Plan
from hybridge.repair.planner import PlanRefused, prove
from hybridge.terms.symptoms import Symptom
from hybridge.wire.ask import Answerer


class UnknownCheck(ValueError):
    """``--only`` names neither a check nor an area."""


@dataclass(frozen=True)
class Diagnosis:
    """What was seen, what was judged of it, and the plan that would cure it."""

    evidence: Evidence
    subjects: tuple[Subject, ...]
    checks: tuple[Check, ...]
    results: tuple[CheckResult, ...]
    plan: Plan | None
    refused: str = ""
    """Why there is no plan, where there is none."""


def choose(only: Iterable[str] = (), symptom: Symptom | None = None) -> tuple[Check, ...]:
    """The checks to run: those named (or whole areas), and those that can explain ``symptom``.

    Raises ``UnknownCheck`` for a name that is neither.
    """
    checks = all_checks()
    wanted = tuple(only)
    for name in wanted:
        if not any(_is(check, name) for check in checks):
            raise UnknownCheck(f"There is no check or area '{name}'.")
    if wanted:
        checks = tuple(check for check in checks if any(_is(check, name) for name in wanted))
    if symptom is not None:
        checks = tuple(check for check in checks if any(symptom in cause.symptoms for cause in check.causes))
    return checks


def _is(check: Check, name: str) -> bool:
    return check.name == name or check.name.startswith(name.rstrip("/") + "/")


async def diagnose(
    answerer: Answerer,
    target: Target,
    now: datetime,
    *,
    delegations: Sequence[tuple[str, str]] = (),
    checks: tuple[Check, ...] | None = None,
    acceptances: Iterable[Acceptance] = (),
) -> Diagnosis:
    """Examine ``target`` at ``now`` (aware UTC) and plan the cure of what is found."""
    evidence = await collect(answerer, target, now)
    return judge(evidence, target.mailboxes, delegations, checks or all_checks(), acceptances)


def judge(
    evidence: Evidence,
    mailboxes: Iterable[str],
    delegations: Sequence[tuple[str, str]],
    checks: tuple[Check, ...],
    acceptances: Iterable[Acceptance] = (),
) -> Diagnosis:
    """Examine ``evidence`` already collected. What is accepted on the evidence's day is marked and not planned."""
    register = Register(acceptances, evidence.now.date())
    subjects = subjects_for(mailboxes, delegations)
    results = accept(examine(evidence, subjects, checks, time.perf_counter), register)
    try:
        plan = prove(checks, evidence, subjects, results, register.is_accepted if register else None)
    except PlanRefused as refused:
        return Diagnosis(evidence, subjects, checks, results, None, str(refused))
    return Diagnosis(evidence, subjects, checks, results, plan)
