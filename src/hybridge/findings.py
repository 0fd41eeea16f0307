"""What an examination says: subjects, findings, outcomes and results."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec

from hybridge.evidence import Origin, Unseen
from hybridge.org.records import Address
from hybridge.terms.symptoms import Symptom


class Scope(StrEnum):
    """What a check judges one of."""

    ORGANIZATION = "organization"
    SERVER = "server"
    MAILBOX = "mailbox"
    DELEGATION = "delegation"


class Subject(msgspec.Struct, frozen=True, order=True, gc=False):
    """What is examined: the organization (identity ""), a server, a mailbox, or ``delegator:delegate``."""

    scope: Scope
    identity: str = ""

    @property
    def mailbox(self) -> str:
        """The mailbox asked about: itself, or the delegator of a delegation."""
        return self.identity.partition(":")[0]

    @property
    def delegate(self) -> str:
        """The delegate of a delegation, "" otherwise."""
        return self.identity.partition(":")[2]

    def __str__(self) -> str:
        return self.identity or "organization"


ORGANIZATION = Subject(Scope.ORGANIZATION)


class Severity(StrEnum):
    """How much a finding of the check matters."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


class Outcome(StrEnum):
    """How one check ended for one subject."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not-applicable"
    INCONCLUSIVE = "inconclusive"
    ACCEPTED = "accepted"


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A risk the organization takes: ``cause`` is "area/check" or "area/check:slug".

    ``subject`` is a pattern of mailboxes ("*@contoso.com"), "" for whatever the cause is found at; ``until`` is the
    last day (UTC) it holds.
    """

    cause: str
    reason: str
    until: date
    subject: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that is wrong.

    ``check`` is "area/name", ``cause`` the slug; ``says`` one sentence with the facts in it. ``address`` names the
    record at fault where there is one. ``facts`` are short texts for machines and for heals. ``symptoms`` are those
    this very finding explains (a subset of its cause's).
    """

    check: str
    cause: str
    subject: Subject
    says: str
    address: Address | None = None
    facts: dict[str, str] = {}
    symptoms: tuple[Symptom, ...] = ()
    origins: tuple[Origin, ...] = ()
    explained_by: tuple[str, ...] = ()
    """Full names of the causes found that bring this effect about; empty for what stands for itself."""
    accepted: Acceptance | None = None
    """Why this is no failure although it is wrong; None when nobody accepted it."""
    ran_out: Acceptance | None = None
    """The acceptance that held until lately."""

    @property
    def name(self) -> str:
        """The cause's full name, ``area/check:slug``."""
        return f"{self.check}:{self.cause}"


class NotApplicable(msgspec.Struct, frozen=True):
    """A check does not apply to the subject, and why."""

    reason: str


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one check said of one subject.

    ``reason`` tells why a check was not applicable; ``unseen`` what it lacked.
    """

    check: str
    subject: Subject
    outcome: Outcome
    severity: Severity
    findings: tuple[Finding, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    reason: str = ""
    took_ms: float = 0.0

    @property
    def explained_by(self) -> tuple[str, ...]:
        """The causes behind all findings of a symptom check; empty as soon as one finding stands for itself."""
        if any(not finding.explained_by for finding in self.findings):
            return ()
        return tuple(dict.fromkeys(name for finding in self.findings for name in finding.explained_by))

    @property
    def standing(self) -> tuple[Finding, ...]:
        """Findings that stand for themselves and that nobody accepted."""
        return tuple(finding for finding in self.findings if not finding.explained_by and finding.accepted is None)


class Known(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A finding as two reports can share it: by its cause, what it was found at, and the record at fault ("").

    ``says`` is its sentence, ``note`` what must be known to believe it.
    """

    check: str
    cause: str
    subject: str
    says: str
    severity: Severity
    address: str = ""
    note: str = ""

    @property
    def name(self) -> str:
        """The cause's full name, ``area/check:slug``."""
        return f"{self.check}:{self.cause}"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the findings of an earlier report, made at ``since`` by version ``hybridge``.

    ``fixed`` was looked for this time and is gone; ``not_known`` was not found, but could not be looked for either.
    """

    since: datetime
    hybridge: str
    new: tuple[Known, ...] = ()
    still: tuple[Known, ...] = ()
    fixed: tuple[Known, ...] = ()
    not_known: tuple[Known, ...] = ()
    notes: tuple[str, ...] = ()
    """What weakens the comparison, one sentence each."""


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a named test with what came of it; ``stages`` are the steps below it.

    ``took_ms`` is the time of the slowest answer behind it: asks go out together, so that times do not add up.
    ``details`` say what was asked and the beginning of the answer, one line each.
    """

    title: str
    outcome: Outcome
    took_ms: float = 0.0
    check: str = ""
    """Name of the check it is the result of; "" for a step above such."""
    says: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
