"""What became of the findings of an earlier report: new, fixed, still there, or not known.

A finding is the same when its cause, its subject and the record at fault are. It is fixed only when the check that
found it was run again for the same subject and could decide; otherwise nobody knows. Only what stands for itself is
listed: an effect of a cause that was found comes and goes with it. Where the earlier report shows many mailboxes as one
(``also``, ``folded``), each is taken by itself again; a whole-tenant report does not name the record at fault, so there
the cause and the subject decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from hybridge.findings import CheckResult, Comparison, Known, Outcome, Severity
from hybridge.org.folding import names_in, shape

NOT_THEN = "it was not checked then"
NOT_NOW = "it was not checked this time"
NOT_SEEN = "it could not be checked this time"


class NotComparable(ValueError):
    """The earlier report cannot be used; the message is one sentence, ``next_step`` what to do."""

    def __init__(self, says: str, next_step: str) -> None:
        super().__init__(says)
        self.next_step = next_step


class EarlierRequest(msgspec.Struct, frozen=True):
    """What the earlier report was asked for."""

    organization: str


class EarlierFinding(msgspec.Struct, frozen=True):
    """A finding as the JSON report has it."""

    cause: str
    says: str = ""
    address: str | None = None
    explained_by: tuple[str, ...] = ()
    accepted: msgspec.Raw | None = None


class EarlierResult(msgspec.Struct, frozen=True):
    """A result as the JSON report has it, for ``subject`` and every one of ``also``."""

    check: str
    subject: str
    outcome: Outcome
    severity: Severity
    also: tuple[str, ...] = ()
    findings: tuple[EarlierFinding, ...] = ()


class EarlierFolded(msgspec.Struct, frozen=True):
    """A cause that a whole-tenant run found at many."""

    check: str
    cause: str
    says: str
    subjects: tuple[str, ...]
    severity: Severity
    explained_by: tuple[str, ...] = ()


class EarlierCount(msgspec.Struct, frozen=True):
    """A check that a whole-tenant run made."""

    check: str


class Earlier(msgspec.Struct, frozen=True):
    """The part of an earlier JSON report that a comparison needs."""

    hybridge: str
    request: EarlierRequest
    started: datetime
    results: tuple[EarlierResult, ...]
    folded: tuple[EarlierFolded, ...] = ()
    folded_counts: tuple[EarlierCount, ...] = ()


@dataclass(frozen=True)
class Crowd:
    """What this run, of a whole tenant, found at mailboxes and delegations.

    ``found`` are findings with whether each stands for itself; ``checks`` those that were made; ``open_at`` tells for
    a check the subjects it could not decide about (lower case), or None when it was not asked of all.
    """

    found: tuple[tuple[Known, bool], ...] = ()
    checks: frozenset[str] = frozenset()
    open_at: Mapping[str, frozenset[str] | None] = field(default_factory=dict)

    def decided(self, check: str, subject: str) -> bool | None:
        """Whether ``check`` could decide about ``subject`` (lower case); None when it was not made."""
        if check not in self.checks:
            return None
        left = self.open_at.get(check, frozenset())
        return left is not None and subject not in left


Key = tuple[str, str, str, str]
"""Check, cause, subject and address, without case."""


def read(content: bytes, name: str) -> Earlier:
    """The JSON report ``content``, called ``name`` in complaints. Raises ``NotComparable``."""
    try:
        return msgspec.json.decode(content, type=Earlier)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NotComparable(
            f"'{name}' is not a JSON report of hybridge that this version can read.",
            "name one written with: hybridge doctor --out report.json",
        ) from None


def same_organization(earlier: Earlier, organization: str) -> None:
    """Raises ``NotComparable`` when ``earlier`` is of another organization than ``organization`` (its domain)."""
    if earlier.request.organization.lower() != organization.lower():
        raise NotComparable(
            f"The earlier report is of {earlier.request.organization}, this run of {organization}.",
            "compare with a report of the same organization",
        )


def compare(
    earlier: Earlier, organization: str, hybridge: str, results: Sequence[CheckResult], crowd: Crowd | None = None
) -> Comparison:
    """What became of the findings of ``earlier`` in ``results``, those of ``organization`` found by this ``hybridge``.

    Raises ``NotComparable`` for a report of another organization.
    """
    same_organization(earlier, organization)
    then, now = _Then(earlier), _Now(results, crowd or Crowd())
    return Comparison(
        since=earlier.started,
        hybridge=earlier.hybridge,
        new=tuple(then.told(key, one) for key, one in now.standing.items() if not then.had(key)),
        still=tuple(one for key, one in now.standing.items() if then.had(key)),
        fixed=tuple(one for _, one in then.gone(now) if now.decided(one)),
        not_known=tuple(
            msgspec.structs.replace(one, note=NOT_NOW if now.decided(one) is None else NOT_SEEN)
            for _, one in then.gone(now)
            if not now.decided(one)
        ),
        notes=tuple(_notes(earlier, hybridge)),
    )


class _Then:
    """The findings of the earlier report, and what it had looked at."""

    def __init__(self, earlier: Earlier) -> None:
        self._findings: dict[Key, tuple[Known, bool]] = {}
        self._folded: set[Key] = set()
        self._crowd: set[tuple[str, ...]] = set()
        self._checked: set[tuple[str, str]] = set()
        self._made = {count.check for count in earlier.folded_counts}
        for one, standing in (found for row in earlier.folded for found in _of_crowd(row)):
            self._findings[_key(one)] = one, standing
            self._crowd.add(_key(one)[:3])
        for result in earlier.results:
            subjects = (result.subject, *result.also)
            if result.outcome is not Outcome.INCONCLUSIVE:
                self._checked.update((result.check, subject.lower()) for subject in subjects)
            for one, standing in _before(result):
                self._findings[_key(one)] = one, standing
                if result.also:
                    self._folded.add(_loose(_key(one)))
        self._anywhere = {key[:3] for key in self._findings}

    def had(self, key: Key) -> bool:
        """Whether it was found then, by itself or among many that were shown as one."""
        bare = not key[3] and key[:3] in self._anywhere
        return key in self._findings or _loose(key) in self._folded or key[:3] in self._crowd or bare

    def told(self, key: Key, one: Known) -> Known:
        """``one``, new at ``key``, with what must be said of it."""
        checked = one.check in self._made or (one.check, one.subject.lower()) in self._checked
        return one if checked else msgspec.structs.replace(one, note=NOT_THEN)

    def gone(self, now: _Now) -> Iterator[tuple[Key, Known]]:
        """What stood for itself then and is not found now, in any form."""
        for key, (one, standing) in self._findings.items():
            folded = _loose(key) in self._folded and _loose(key) in now.loose
            crowded = key[:3] in now.crowd or (key[:3] in self._crowd and key[:3] in now.anywhere)
            if standing and key not in now.every and not folded and not crowded:
                yield key, one


class _Now:
    """The findings of this run, and what it could decide."""

    def __init__(self, results: Sequence[CheckResult], crowd: Crowd) -> None:
        self.standing = {_key(one): one for one in _known(results, standing=True)}
        self.standing |= {_key(one): one for one, standing in crowd.found if standing}
        self.crowd = {_key(one)[:3] for one, _ in crowd.found}
        self.every = {_key(one) for one in _known(results, standing=False)}
        self.anywhere = {key[:3] for key in self.every}
        self._whole = crowd
        self.loose = {_loose(key) for key in self.every}
        self._conclusive = {(one.check, str(one.subject).lower()): not one.unseen for one in results}

    def decided(self, one: Known) -> bool | None:
        """Whether the check of ``one`` could decide; None when it was not run for its subject."""
        own = self._conclusive.get((one.check, one.subject.lower()))
        return self._whole.decided(one.check, one.subject.lower()) if own is None else own


def _notes(earlier: Earlier, hybridge: str) -> Iterator[str]:
    if earlier.hybridge != hybridge:
        yield (
            f"The earlier report was made by hybridge {earlier.hybridge}, this one by {hybridge}: "
            "a cause that only one of them knows counts as new or as not known."
        )


def _before(result: EarlierResult) -> Iterator[tuple[Known, bool]]:
    """Every finding of ``result``, and whether it stood for itself."""
    for subject in (result.subject, *result.also):
        for finding in result.findings:
            one = Known(
                check=result.check,
                cause=finding.cause,
                subject=subject,
                says=_of(finding.says, result.subject, subject),
                severity=result.severity,
                address=_of(finding.address or "", result.subject, subject),
            )
            yield one, not finding.explained_by and finding.accepted is None


def _of_crowd(row: EarlierFolded) -> Iterator[tuple[Known, bool]]:
    first = row.subjects[0] if row.subjects else ""
    for subject in row.subjects:
        says = _of(row.says, first, subject)
        one = Known(check=row.check, cause=row.cause, subject=subject, says=says, severity=row.severity)
        yield one, not row.explained_by


def _of(text: str, first: str, subject: str) -> str:
    """``text`` about ``first`` said about ``subject``."""
    if subject == first:
        return text
    for old, new in zip(names_in(first.replace(":", " ")), names_in(subject.replace(":", " ")), strict=False):
        text = text.replace(old, new).replace(old.lower(), new.lower())
    return text


def _known(results: Iterable[CheckResult], standing: bool) -> Iterator[Known]:
    for result in results:
        for finding in result.standing if standing else result.findings:
            yield Known(
                check=result.check,
                cause=finding.cause,
                subject=str(result.subject),
                says=finding.says,
                severity=result.severity,
                address=str(finding.address) if finding.address else "",
            )


def _key(one: Known) -> Key:
    return one.check, one.cause, one.subject.lower(), one.address.lower()


def _loose(key: Key) -> Key:
    """``key`` without the mailboxes its address names."""
    return *key[:3], shape(key[3])
