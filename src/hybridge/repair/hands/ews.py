"""The hand that writes the list of delegates through EWS, the only interface Exchange Server has for it.

Exchange writes more than the list: see ``beside``. This hand changes the list alone. It passes the present right on the
calendar when it adds, says again who gets meeting requests, and puts back by cmdlets what an operation disturbed. What
it still owes after a run that was cut short is paid at the next look at the same delegate, before the list is read: a
change that was made counts as made only with everything beside it as it was.

A debt whose operation was not carried out is void after a while: see ``LATEST``.

The EWS address is found for each delegator, as clients find it; the Exchange account goes there only if the host is one
of those configured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from hybridge.org.records import Address, DelegateUser, Record
from hybridge.plan import Change
from hybridge.repair.hands import entitlements
from hybridge.repair.hands.base import Clock, Kinds, Reply, Rights, Sleep
from hybridge.repair.hands.beside import Beside, Keeper
from hybridge.repair.hands.debts import Debt, Debts
from hybridge.repair.hands.ews_delegates import ON, Delegates
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.repair.rules import unwritable
from hybridge.wire.ask import Answerer, Failure, FailureReason
from hybridge.wire.ews.delegate_changes import DelegateSettings, FolderLevels

EwsUrl = Callable[[Answerer, str], Awaitable[str | Failure]]
"""Finds the EWS address of a mailbox."""
LATEST = timedelta(minutes=10)
"""After how long an operation that was cut short is certainly carried out, if it is at all."""


class EwsHand:
    """Writes ``DelegateUser``.

    ``ews_url`` finds the address; ``user_agent`` is how requests present themselves (an EWS allow list must admit it);
    ``cmdlets`` reads and puts back rights; ``clock`` dates what is owed, ``debts`` keeps it; ``sleep`` waits for the
    directory.
    """

    def __init__(
        self,
        ews_url: EwsUrl,
        user_agent: str,
        cmdlets: PowerShellHand,
        clock: Clock,
        debts: Debts | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._ews_url = ews_url
        self._user_agent = user_agent
        self._cmdlets = cmdlets
        self._clock = clock
        self._debts = debts or Debts()
        self._sleep = sleep
        self._found: dict[str, str] = {}

    @property
    def kinds(self) -> Kinds:
        """What it writes."""
        return frozenset({(DelegateUser.__name__, ON)})

    def rights(self, change: Change) -> Rights:
        """What ``change`` needs."""
        return entitlements.of_delegates(change)

    async def read(self, answerer: Answerer, address: Address) -> Record | None | Failure:
        """The record at ``address`` as it is now; what is owed for it is paid first."""
        keeper = await self._keeper(answerer, address)
        if isinstance(keeper, Failure):
            return keeper
        debt = self._debts.of(keeper.delegates.mailbox, keeper.delegate)
        if isinstance(debt, Failure):
            return debt
        if debt and (failure := await self._settle(keeper, debt)):
            return failure
        return await _present(keeper)

    async def write(self, answerer: Answerer, change: Change) -> Reply | Failure:
        """Make ``change``, and leave everything beside the list as it is."""
        if reason := unwritable(change):
            return Failure(reason=FailureReason.REFUSED, says=reason, next_step="Make the change by hand.")
        keeper = await self._keeper(answerer, change.address)
        if isinstance(keeper, Failure):
            return keeper
        beside = await keeper.look()
        if isinstance(beside, Failure):
            return beside
        return await self._carry_out(keeper, change, beside)

    async def _carry_out(self, keeper: Keeper, change: Change, beside: Beside) -> Reply | Failure:
        delegator, delegate = keeper.delegates.mailbox, keeper.delegate
        former = self._debts.of(delegator, delegate)
        if isinstance(former, Failure):
            return former
        listed = change.after is not None
        debt = Debt(delegator=delegator, delegate=delegate, listed=listed, beside=beside, at=self._clock.now())
        if failure := self._debts.note(debt):
            return failure
        if failure := await _make(keeper, change, beside):
            if failure.reason is FailureReason.FORBIDDEN:
                return (self._debts.note(former) if former else self._debts.paid(debt)) or failure
            return failure
        kept = await keeper.put_back(beside, None if change.before and change.after else listed)
        if isinstance(kept, Failure):
            return kept
        says = _said(keeper, change) + (f" Put back: {', '.join(kept)}." if kept else "")
        return self._debts.paid(debt) or Reply(says=says)

    async def _settle(self, keeper: Keeper, debt: Debt) -> Failure | None:
        """Pay ``debt`` if its operation was carried out, and drop it once that is sure not to happen any more."""
        present = await _present(keeper)
        if isinstance(present, Failure):
            return present
        if (present is not None) is debt.listed:
            done = await keeper.put_back(debt.beside, debt.listed, late=True)
            return done if isinstance(done, Failure) else self._debts.paid(debt)
        return self._debts.paid(debt) if self._clock.now() - debt.at > LATEST else None

    async def _keeper(self, answerer: Answerer, address: Address) -> Keeper | Failure:
        delegator, delegate = _pair(address)
        url = self._found.get(delegator) or await self._ews_url(answerer, delegator)
        if isinstance(url, Failure):
            return url
        self._found[delegator] = url
        return Keeper(Delegates(answerer, url, delegator, self._user_agent), delegate, self._cmdlets, self._sleep)


def _pair(address: Address) -> tuple[str, str]:
    """Delegator and delegate; a slash may also stand in the local part of an address."""
    slash = address.identity.find("/", max(address.identity.find("@"), 0))
    return address.identity[:slash], address.identity[slash + 1 :]


async def _present(keeper: Keeper) -> DelegateUser | None | Failure:
    listed = await keeper.delegates.listed()
    if isinstance(listed, Failure):
        return listed
    for one in listed.people:
        if one.address.lower() == keeper.delegate:
            return DelegateUser(
                premises=ON,
                identity=f"{keeper.delegates.mailbox}/{one.address}",
                delegator=keeper.delegates.mailbox,
                delegate=one.address,
                receive_copies_of_meeting_messages=one.receive_copies,
                view_private_items=one.view_private_items,
            )
    return None


async def _make(keeper: Keeper, change: Change, beside: Beside) -> Failure | None:
    after = change.after
    if not isinstance(after, DelegateUser):
        return await keeper.delegates.remove(keeper.delegate)
    flags = (after.receive_copies_of_meeting_messages, after.view_private_items)
    if change.before is None:
        settings = DelegateSettings(keeper.delegate, FolderLevels(calendar=beside.level()), *flags)
        return await keeper.delegates.add(settings, beside.deliver)
    return await keeper.delegates.update(DelegateSettings(keeper.delegate, FolderLevels(), *flags), beside.deliver)


def _said(keeper: Keeper, change: Change) -> str:
    if change.after is None:
        return f"RemoveDelegate: {keeper.delegate} is no delegate of {keeper.delegates.mailbox} any more."
    operation = "AddDelegate" if change.before is None else "UpdateDelegate"
    return f"{operation}: {keeper.delegate} is a delegate of {keeper.delegates.mailbox}."
