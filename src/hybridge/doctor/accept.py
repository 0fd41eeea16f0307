"""Risks an organization takes: a finding it accepted does not fail a run, until the day it said.

An acceptance names a cause, or a whole check, and perhaps a pattern of mailboxes. What it covers is shown with its
reason and its last day, and is left out of plans. Effects that servers show because of accepted causes only are
accepted with them. From the day after the last, the finding counts again and says that the acceptance ran out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase

import msgspec

from hybridge.checks.registry import all_causes, all_checks
from hybridge.findings import Acceptance, CheckResult, Finding, Outcome, Subject


class UnknownCause(ValueError):
    """An acceptance names no cause hybridge knows; ``next_step`` names those that are near."""

    def __init__(self, cause: str, near: Sequence[str]) -> None:
        super().__init__(f"There is no check or cause '{cause}' to accept.")
        self.next_step = f"did you mean {' or '.join(near)}?" if near else "hybridge checks lists all of them"


def known(acceptances: Iterable[Acceptance]) -> tuple[Acceptance, ...]:
    """``acceptances``, each of a cause or check there is. Raises ``UnknownCause``."""
    kept = tuple(acceptances)
    if not kept:
        return ()
    names = {check.name for check in all_checks()} | {name for name, _, _ in all_causes()}
    for one in kept:
        if one.cause not in names:
            raise UnknownCause(one.cause, get_close_matches(one.cause, sorted(names), n=3))
    return kept


def covers(acceptance: Acceptance, finding: Finding) -> bool:
    """Whether ``acceptance`` is of ``finding``'s cause and subject, whatever the day."""
    return acceptance.cause in (finding.name, finding.check) and concerns(acceptance, finding.subject)


def concerns(acceptance: Acceptance, subject: Subject) -> bool:
    """Whether ``acceptance`` is of ``subject``: its mailbox, either side of its delegation, or both as written."""
    if not acceptance.subject:
        return True
    pattern = acceptance.subject.lower()
    names = (subject.identity, subject.mailbox, subject.delegate)
    return any(name and fnmatchcase(name.lower(), pattern) for name in names)


class Register:
    """All acceptances, found by cause, as they stand on ``today``."""

    def __init__(self, acceptances: Iterable[Acceptance], today: date) -> None:
        self._by_cause: dict[str, list[Acceptance]] = {}
        for one in acceptances:
            self._by_cause.setdefault(one.cause, []).append(one)
        self._today = today

    def __bool__(self) -> bool:
        return bool(self._by_cause)

    def holding(self, finding: Finding) -> Acceptance | None:
        """The acceptance in force for ``finding``; the longest where there are several."""
        return max((one for one in self._of(finding) if one.until >= self._today), key=_until, default=None)

    def ended(self, finding: Finding) -> Acceptance | None:
        """The acceptance of ``finding`` that ran out last."""
        return max((one for one in self._of(finding) if one.until < self._today), key=_until, default=None)

    def is_accepted(self, finding: Finding) -> bool:
        """Whether nobody wants ``finding`` cured today."""
        return self.holding(finding) is not None

    def _of(self, finding: Finding) -> Iterable[Acceptance]:
        for name in (finding.name, finding.check):
            yield from (one for one in self._by_cause.get(name, ()) if concerns(one, finding.subject))


def _until(acceptance: Acceptance) -> date:
    return acceptance.until


def accept(results: Sequence[CheckResult], register: Register) -> tuple[CheckResult, ...]:
    """``results`` with what is accepted marked; a result in which nothing is left to fail it is ``ACCEPTED``."""
    if not register:
        return tuple(results)
    marked = [_marked(result, register) for result in results]
    excused = _excused(marked)
    return tuple(_ended(_effects(result, excused)) if result.findings else result for result in marked)


def _marked(result: CheckResult, register: Register) -> CheckResult:
    if not any(register.holding(one) or register.ended(one) for one in result.findings):
        return result
    return msgspec.structs.replace(result, findings=tuple(_mark(one, register) for one in result.findings))


def _mark(finding: Finding, register: Register) -> Finding:
    holding = register.holding(finding)
    return msgspec.structs.replace(
        finding, accepted=holding, ran_out=None if holding is not None else register.ended(finding)
    )


def _excused(results: Iterable[CheckResult]) -> dict[str, Acceptance]:
    """Causes of which every finding is accepted, with one acceptance of each."""
    excused: dict[str, Acceptance] = {}
    open_causes: set[str] = set()
    for result in results:
        for finding in result.findings:
            if finding.accepted is None:
                open_causes.add(finding.name)
            else:
                excused.setdefault(finding.name, finding.accepted)
    return {name: acceptance for name, acceptance in excused.items() if name not in open_causes}


def _effects(result: CheckResult, excused: dict[str, Acceptance]) -> CheckResult:
    def mark(finding: Finding) -> Finding:
        behind = finding.explained_by
        if finding.accepted is not None or not behind or not all(name in excused for name in behind):
            return finding
        return msgspec.structs.replace(finding, accepted=excused[behind[0]])

    if not any(finding.explained_by for finding in result.findings):
        return result
    return msgspec.structs.replace(result, findings=tuple(mark(one) for one in result.findings))


def _ended(result: CheckResult) -> CheckResult:
    """An accepted result that also lacks something it needed stays incomplete through its ``unseen``."""
    if result.outcome is Outcome.FAILED and all(finding.accepted is not None for finding in result.findings):
        return msgspec.structs.replace(result, outcome=Outcome.ACCEPTED)
    return result


def unused(
    results: Iterable[CheckResult], acceptances: Iterable[Acceptance], whole: bool = True
) -> tuple[Acceptance, ...]:
    """Acceptances that no finding needs any more, though everything they cover was looked at.

    One whose check was not run, or could not be decided, is not judged; neither is one whose mailboxes were not
    examined, unless the run was ``whole``: of everything the configuration names.
    """
    left: list[Acceptance] = []
    by_check: dict[str, list[CheckResult]] = {}
    for result in results:
        by_check.setdefault(result.check, []).append(result)
    for one in acceptances:
        ran = by_check.get(one.cause.partition(":")[0], [])
        looked = [result for result in ran if concerns(one, result.subject)]
        if not (looked or (ran and whole)) or any(result.unseen for result in looked):
            continue
        if not any(covers(one, finding) for result in looked for finding in result.findings):
            left.append(one)
    return tuple(left)
