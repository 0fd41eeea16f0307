"""The JSON report as types: what scripts may rely on. The published schema is made of them.

Everything a script reads is here by name; ``report.json_`` fills it, ``report.schema`` describes it. Fields are only
ever added.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from hybridge.evidence import Origin, Unseen
from hybridge.findings import Acceptance, Comparison, Outcome, Severity, Stage
from hybridge.plan import Plan
from hybridge.report.model import CheckCount, FoldedGap, Request, Tally
from hybridge.rules import RulesAge
from hybridge.terms.symptoms import Symptom


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong. ``cause`` is the slug; with the result's check it is the full name."""

    cause: str
    says: str
    address: str | None
    """The record at fault, in words."""
    facts: dict[str, str]
    symptoms: tuple[Symptom, ...]
    explained_by: tuple[str, ...]
    """Full names of the causes that bring it about; empty for what stands for itself."""
    origins: tuple[Origin, ...]
    accepted: Acceptance | None
    """The accepted risk that covers it."""
    ran_out: Acceptance | None
    """The accepted risk that covered it until lately."""


class ResultRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one check said of ``subject``, and in the same words of every one of ``also``."""

    check: str
    subject: str
    also: tuple[str, ...]
    outcome: Outcome
    severity: Severity
    findings: tuple[FindingRow, ...]
    explained_by: tuple[str, ...]
    unseen: tuple[Unseen, ...]
    reason: str
    took_ms: float


class FoldedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One cause found at many subjects of a whole-tenant run.

    ``variants`` are sentences that differ in more than the mailbox, each with how many it stands for.
    """

    check: str
    cause: str
    says: str
    subjects: tuple[str, ...]
    count: int
    severity: Severity
    symptoms: tuple[Symptom, ...]
    explained_by: tuple[str, ...]
    variants: tuple[tuple[str, int], ...]
    example: FindingRow | None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One report of ``hybridge doctor``."""

    hybridge: str
    """The version that wrote it."""
    request: Request
    started: datetime
    ended: datetime
    incomplete: bool
    """Whether anything could not be checked."""
    requests_made: int
    subjects: tuple[str, ...]
    results: tuple[ResultRow, ...]
    folded: tuple[FoldedRow, ...]
    """What a whole-tenant run found at mailboxes and delegations; ``results`` are those of the organization then."""
    folded_gaps: tuple[FoldedGap, ...]
    folded_counts: tuple[CheckCount, ...]
    tally: Tally
    plan: Plan | None
    test: Stage | None
    """The tree of the test that was asked for."""
    since: Comparison | None
    """What became of the findings of the report named with --since."""
    unused_acceptances: tuple[Acceptance, ...]
    """Accepted risks of the configuration that no finding needs any more."""
    rules: tuple[RulesAge, ...]
    """The dated rules it judged by, and how old they were, oldest first."""
