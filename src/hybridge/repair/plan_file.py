"""The plan as a file: JSON a person can read and a machine can check.

A plan's id is made of its content and the instant its evidence was judged at, so that a file edited by hand no longer
fits its id and is refused: what is applied is what was proved. The file is written beside its place and renamed, so
that it is there completely or not at all.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from hybridge.plan import Change, Manual, Plan

LARGEST = 64 * 1024 * 1024
"""Bytes of the largest plan file that is read."""


class PlanProblem(Exception):
    """A plan file cannot be used: one sentence with its name, and the next step."""


def plan_id(organization: str, evidence_at: datetime, changes: Sequence[Change], manual: Sequence[Manual]) -> str:
    """A stable id such as ``20261120T093000Z-4f1c0ab2d9``: the instant of the evidence and a digest of the content."""
    content = msgspec.json.encode((organization, evidence_at, changes, manual), order="deterministic")
    return f"{evidence_at:%Y%m%dT%H%M%SZ}-{hashlib.sha256(content).hexdigest()[:10]}"


def write_plan(plan: Plan, path: Path) -> None:
    """Write ``plan`` to ``path``, replacing what is there in one step. Raises ``PlanProblem`` when it cannot."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise PlanProblem(f"The plan file {path} cannot be written ({error.strerror}). Choose another place.") from None


def read_plan(path: Path, limit: int = LARGEST) -> Plan:
    """The plan in ``path``. Raises ``PlanProblem`` for a file missing, foreign, edited or over ``limit`` bytes."""
    plan_again = "Make one with: hybridge repair plan --out FILE"
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise PlanProblem(f"The plan file {path} cannot be read ({error.strerror}). {plan_again}") from None
    if len(content) > limit:
        raise PlanProblem(f"The plan file {path} is larger than {limit} bytes. {plan_again}")
    try:
        plan = msgspec.json.decode(content, type=Plan)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PlanProblem(f"The file {path} is not a plan of hybridge ({_short(error)}). {plan_again}") from None
    if plan.id != plan_id(plan.organization, plan.evidence_at, plan.changes, plan.manual):
        raise PlanProblem(f"The plan in {path} was edited after it was made: its id no longer fits. {plan_again}")
    return plan


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
