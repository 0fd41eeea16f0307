"""What Exchange itself says of a plan: every on-premises cmdlet of it, run with ``-WhatIf``.

Exchange then binds the parameters, looks the objects up, checks the account's roles and says what it would refuse, and
changes nothing. Nothing is journaled. Graph and the configuration service of Teams know no such thing, so their changes
are only named. A cmdlet cannot be tried when it works on what an earlier one would make: that one was not made.

Everything goes through the hand that would make the change, with an answerer that adds ``-WhatIf`` to whatever writes
and refuses every request that could write otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from hybridge.plan import Change, Plan
from hybridge.repair.hands.base import Clock, Hand, hand_for
from hybridge.repair.hands.exchange_cmdlets import CMDLETS
from hybridge.repair.hands.script import ScriptRefused, line
from hybridge.repair.needs import needs_of
from hybridge.repair.verdict import Drifted, judge
from hybridge.terms.premises import Premises
from hybridge.wire.ask import (
    Answerer,
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    Failure,
    FailureReason,
    HttpAnswer,
    HttpAsk,
    TlsAnswer,
    TlsAsk,
)

_READING = ("get-", "test-")


class Opinion(StrEnum):
    """What came of trying one change."""

    ACCEPTED = "accepted"
    """Exchange would run every cmdlet of it that could be tried."""
    REFUSED = "refused"
    ALREADY_SO = "already-so"
    DRIFTED = "drifted"
    NOT_ASKED = "not-asked"


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One cmdlet as it was sent, without ``-WhatIf``; ``says`` is what Exchange wrote of it, errors first."""

    cmdlet: str
    refused: bool
    says: tuple[str, ...] = ()


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One change of the plan and what Exchange thinks of it; ``says`` is why it was not asked, or refused."""

    number: int
    change: Change
    opinion: Opinion
    says: str = ""
    tried: tuple[Tried, ...] = ()


class WhatIfOnly:
    """An answerer that lets reading through, adds ``-WhatIf`` to every other cmdlet and sends no other write.

    ``tried`` is what was sent so.
    """

    def __init__(self, inner: Answerer) -> None:
        self._inner = inner
        self.tried: list[Tried] = []

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        """One cmdlet; one that could change something is only asked about."""
        if ask.name.lower().startswith(_READING):
            return await self._inner.cmdlet(ask)
        if ask.premises is not Premises.ON_PREMISES:
            return CmdletAnswer(failure=_withheld(ask.name))
        what_if = msgspec.structs.replace(ask, parameters=(*ask.parameters, ("WhatIf", True)))
        answer = await self._inner.cmdlet(what_if)
        wrong = (answer.failure.says,) if answer.failure else answer.errors
        refused = bool(wrong) or answer.not_found
        self.tried.append(Tried(cmdlet=_typed(ask), refused=refused, says=(*wrong, *answer.warnings)))
        return answer

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        """One request, if it only reads."""
        if ask.method.upper() not in ("GET", "HEAD"):
            return HttpAnswer(failure=_withheld(f"{ask.method} {ask.url}"))
        return await self._inner.http(ask)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        """One question."""
        return await self._inner.dns(ask)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        """As ``Answerer.tls``."""
        return await self._inner.tls(ask)


async def try_out(plan: Plan, answerer: Answerer, hands: Sequence[Hand], clock: Clock) -> tuple[Trial, ...]:
    """What Exchange says of every change of ``plan``; changes nothing and journals nothing."""
    needs = needs_of(plan.changes, by_cause=False)
    absent: set[int] = set()
    trials: list[Trial] = []
    for number, change in enumerate(plan.changes, start=1):
        trial = await _try_one(number, change, sorted(needs[number - 1] & absent), answerer, hands, clock)
        if change.before is None and trial.opinion is not Opinion.ALREADY_SO:
            absent.add(number)
        trials.append(trial)
    return tuple(trials)


async def _try_one(
    number: int, change: Change, waits: Sequence[int], answerer: Answerer, hands: Sequence[Hand], clock: Clock
) -> Trial:
    def trial(opinion: Opinion, says: str = "") -> Trial:
        return Trial(number=number, change=change, opinion=opinion, says=says, tried=tuple(only.tried))

    only = WhatIfOnly(answerer)
    hand = hand_for(hands, change.address)
    if hand is None or change.address.premises is not Premises.ON_PREMISES or change.address.kind not in CMDLETS:
        return trial(Opinion.NOT_ASKED, "Only what on-premises cmdlets write can be tried with -WhatIf.")
    present = await hand.read(only, change.address)
    if isinstance(present, Failure):
        return trial(Opinion.REFUSED, present.says)
    verdict = judge(change, present, clock.now())
    if verdict is None:
        return trial(Opinion.ALREADY_SO)
    if isinstance(verdict, Drifted):
        return trial(Opinion.DRIFTED, verdict.says)
    if waits:
        return trial(Opinion.NOT_ASKED, f"It needs what step {', '.join(map(str, waits))} makes.")
    done = await hand.write(only, verdict)
    if not isinstance(done, Failure):
        return trial(Opinion.ACCEPTED)
    if change.before is None and only.tried and not only.tried[0].refused:
        return trial(Opinion.ACCEPTED, "What follows the creation can only be tried once the object exists.")
    return trial(Opinion.REFUSED, done.says)


def _typed(ask: CmdletAsk) -> str:
    """The cmdlet as a person would type it."""
    try:
        return line(ask)
    except ScriptRefused:
        return ask.name


def _withheld(what: str) -> Failure:
    return Failure(
        reason=FailureReason.REFUSED,
        says=f"{what} was not sent: it could change something, and knows no -WhatIf.",
        next_step="Look at the plan instead.",
    )
