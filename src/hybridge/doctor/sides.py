"""Which checks make no sense in an organization of one kind, and why. Pure.

An organization on one side only has nothing of the other: whatever reads something there is not applicable. All
symptoms are noticed in Teams, which is online; so a check that explains one needs the cloud even where it reads
servers only. Behind the Hybrid Agent the published ways of Teams do not exist: that is said once, by
``sharing/hybrid-agent``, and the checks of those ways are not applicable.
"""

from __future__ import annotations

from hybridge.checks.base import Check
from hybridge.org.records import Mailbox, Record
from hybridge.terms.hybrid_kinds import HybridKind
from hybridge.terms.premises import Premises


def inapplicable(check: Check, kind: HybridKind) -> str:
    """Why ``check`` does not apply to an organization of ``kind``; "" when it does."""
    if kind is HybridKind.ON_PREMISES and _needs_online(check):
        return "The organization has Exchange Server only: there is nothing online."
    if kind is HybridKind.ONLINE and _needs_on_premises(check):
        return "The organization has Exchange Online only: there is no Exchange Server."
    if kind is HybridKind.MODERN and check.needs_publishing:
        return "The cloud reaches Exchange through the Hybrid Agent, which Teams cannot use: see sharing/hybrid-agent."
    return ""


def _needs_online(check: Check) -> bool:
    if check.needs_online is not None:
        return check.needs_online
    return any(cause.symptoms for cause in check.causes) or _reads(check, Premises.ONLINE)


def _needs_on_premises(check: Check) -> bool:
    return _reads(check, Premises.ON_PREMISES) if check.needs_on_premises is None else check.needs_on_premises


def _reads(check: Check, premises: Premises) -> bool:
    """Whether it reads something of that side; where a mailbox lies is asked of both."""
    kinds: dict[type[Record], set[Premises]] = {}
    for kind, side in check.needs:
        kinds.setdefault(kind, set()).add(side)
    return any(sides == {premises} or (premises in sides and kind is not Mailbox) for kind, sides in kinds.items())
