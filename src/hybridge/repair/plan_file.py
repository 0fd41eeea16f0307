"""The plan as a file: JSON a person can read and a machine can check.

A plan's id is made of its content and the instant its evidence was judged at, so that a file edited by hand no longer
fits its id and is refused: what is applied is what was proved. The file is written beside its place and renamed, so
that it is there completely or not at all.

A plan may be carried in parts (``split``): a ``Part`` is a plan with the id of the whole before its own digest, and is
read by the same function.
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
PLAN_AGAIN = "Make one with: hybridge repair plan --out FILE"


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """Change ``number`` of a part needs change ``other`` of the part with id ``part``, which ``says`` in words."""

    number: int
    part: str
    other: int
    says: str


class Part(Plan, frozen=True, kw_only=True, omit_defaults=True):
    """The share of a plan that is applied at one console. Without ``of`` it is a whole plan in the shape of a part.

    ``of`` is the id of the whole plan, ``console`` "exchange" or "cloud"; ``numbers`` are those of its changes in the
    whole. ``also`` names causes that only a later part ends.
    """

    of: str = ""
    console: str = ""
    numbers: tuple[int, ...] = ()
    needs: tuple[Need, ...] = ()
    also: tuple[str, ...] = ()


def in_shape(plan: Plan) -> Part:
    """``plan`` in the shape of a part, as journals keep it."""
    return plan if isinstance(plan, Part) else Part(**msgspec.structs.asdict(plan))


def plain(part: Part) -> Plan:
    """``part`` as it is, or the whole plan it is the shape of."""
    if part.of:
        return part
    return Plan(**{name: getattr(part, name) for name in Plan.__struct_fields__})


class PlanProblem(Exception):
    """A plan file cannot be used: one sentence with its name, and the next step."""


def plan_id(
    organization: str, evidence_at: datetime, changes: Sequence[Change], manual: Sequence[Manual], *told: str
) -> str:
    """A stable id such as ``20261120T093000Z-4f1c0ab2d9``: the instant of the evidence and a digest of the content.

    ``told`` is what a plan says beside its changes: the procedure and the domain controller, where it has them.
    """
    holds = (organization, evidence_at, changes, manual)
    content = msgspec.json.encode((*holds, told) if any(told) else holds, order="deterministic")
    return f"{evidence_at:%Y%m%dT%H%M%SZ}-{hashlib.sha256(content).hexdigest()[:10]}"


def right_id(plan: Plan) -> str:
    """The id ``plan`` must have, made of all it holds."""
    if not isinstance(plan, Part) or not plan.of:
        told = (plan.procedure, plan.domain_controller)
        return plan_id(plan.organization, plan.evidence_at, plan.changes, plan.manual, *told)
    content = msgspec.json.encode(msgspec.structs.replace(plan, id=""), order="deterministic")
    return f"{plan.of}-{plan.console}-{hashlib.sha256(content).hexdigest()[:10]}"


def write_plan(plan: Plan, path: Path) -> None:
    """Write ``plan`` to ``path``, replacing what is there in one step. Raises ``PlanProblem`` when it cannot."""
    write_whole(msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n", path, "plan")


def write_whole(content: bytes, path: Path, what: str) -> None:
    """Write ``content`` to ``path`` completely or not at all. Raises ``PlanProblem``, which calls the file ``what``."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        says = f"The {what} file {path} cannot be written ({error.strerror}). Choose another place."
        raise PlanProblem(says) from None


def read_plan(path: Path, limit: int = LARGEST) -> Plan:
    """The plan in ``path``, a ``Part`` where it is one.

    Raises ``PlanProblem`` for a file missing, foreign, edited or over ``limit`` bytes.
    """
    content = read_whole(path, "plan", PLAN_AGAIN, limit)
    try:
        plan = msgspec.json.decode(content, type=Part)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PlanProblem(f"The file {path} is not a plan of hybridge ({_short(error)}). {PLAN_AGAIN}") from None
    return unedited(plain(plan), path)


def unedited(plan: Plan, path: Path) -> Plan:
    """``plan``, read from ``path``. Raises ``PlanProblem`` when its id does not fit what it holds."""
    if plan.id != right_id(plan):
        raise PlanProblem(f"The plan in {path} was edited after it was made: its id no longer fits. {PLAN_AGAIN}")
    return plan


def read_whole(path: Path, what: str, again: str, limit: int = LARGEST) -> bytes:
    """What ``path`` holds. Raises ``PlanProblem``, which calls it ``what`` and ends with the advice ``again``."""
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise PlanProblem(f"The {what} file {path} cannot be read ({error.strerror}). {again}") from None
    if len(content) > limit:
        raise PlanProblem(f"The {what} file {path} is larger than {limit} bytes. {again}")
    return content


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
