"""The hand that writes Exchange Online: calendar permissions with their flags, and who may send on behalf.

It speaks cmdlets; which door of Exchange Online runs them is the answerer's business (``wire.exchange_online``): the
documented Admin API where it covers a cmdlet with its parameters, InvokeCommand elsewhere. One entry is read by
``-User``, so that Exchange Online itself says whose it is: it prints display names, and two people may share one.

Rights: the application permission Exchange.ManageAsApp and a role that may change recipients.
"""

from __future__ import annotations

import msgspec

from hybridge.org import records as r
from hybridge.org.records import Address, Record
from hybridge.plan import Change
from hybridge.repair.hands import entitlements
from hybridge.repair.hands.base import Kinds, Reply, Rights
from hybridge.repair.hands.exchange_cmdlets import Unwritable
from hybridge.repair.hands.exchange_online_cmdlets import KINDS, anew, commands, loses_flags, reading
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import Answerer, CmdletAnswer, CmdletAsk, Failure, FailureReason
from hybridge.wire.exchange_online.answers import right_for

ONLINE = Premises.ONLINE


class ExchangeOnlineHand:
    """Writes ``MailboxFolderPermission`` and ``Mailbox`` (GrantSendOnBehalfTo) in Exchange Online."""

    @property
    def kinds(self) -> Kinds:
        """What it writes."""
        return frozenset((kind, ONLINE) for kind in KINDS)

    def rights(self, change: Change) -> Rights:
        """What ``change`` needs."""
        return entitlements.of_exchange_online(change)

    async def read(self, answerer: Answerer, address: Address) -> Record | None | Failure:
        """The record at ``address`` as it is now."""
        ask = reading(address)
        records = cmdlets.read_answer(ask, await answerer.cmdlet(ask))
        if isinstance(records, Failure):
            return records
        if len(records) > 1:
            return _ambiguous(address)
        if not records:
            return None
        if isinstance(records[0], r.MailboxFolderPermission):
            return _as_asked(records[0], ask, address)
        return await _with_addresses(answerer, records[0], address)

    async def write(self, answerer: Answerer, change: Change) -> Reply | Failure:
        """Make ``change``."""
        try:
            asks = commands(change)
        except Unwritable as refusal:
            return Failure(reason=FailureReason.REFUSED, says=str(refusal), next_step="Make the change by hand.")
        done = await _run_all(answerer, asks)
        if isinstance(done, Failure) or not loses_flags(change):
            return done
        return await self._really_without_flags(answerer, change, done)

    async def _really_without_flags(self, answerer: Answerer, change: Change, done: Reply) -> Reply | Failure:
        """Make the entry anew where Exchange Online kept the flag it was told to take away."""
        present = await self.read(answerer, change.address)
        if isinstance(present, Failure):
            return present
        kept = isinstance(present, r.MailboxFolderPermission) and present.sharing_permission_flags
        if not kept or not isinstance(change.after, r.MailboxFolderPermission):
            return done
        return await _run_all(answerer, anew(change.after))


async def _run_all(answerer: Answerer, asks: tuple[CmdletAsk, ...]) -> Reply | Failure:
    warnings: list[str] = []
    for ask in asks:
        answer = await answerer.cmdlet(ask)
        if failure := failure_of(ask, answer):
            return failure
        warnings += answer.warnings
    ran = ", ".join(dict.fromkeys(ask.name for ask in asks)) or "Nothing was left to do"
    return Reply(says=f"{ran}: done in Exchange Online." + "".join(f" Warning: {text}" for text in warnings))


def failure_of(ask: CmdletAsk, answer: CmdletAnswer) -> Failure | None:
    """What went wrong with a cmdlet, None when nothing did."""
    if answer.failure is not None:
        return answer.failure
    if answer.errors or answer.not_found:
        says = answer.errors[0] if answer.errors else "the object does not exist"
        return Failure(
            reason=FailureReason.REFUSED,
            says=f"{ask.name} was refused by Exchange Online: {says}",
            next_step=f"Look at the object, then make the plan again. {right_for(ask)}",
        )
    return None


def _as_asked(entry: r.MailboxFolderPermission, ask: CmdletAsk, address: Address) -> r.MailboxFolderPermission:
    (_, folder), (_, user) = ask.parameters
    mailbox, _, name = folder.partition(":\\")
    return msgspec.structs.replace(entry, identity=address.identity, mailbox=mailbox, folder=name, user=user)


async def _with_addresses(answerer: Answerer, found: Record, address: Address) -> Record:
    """The mailbox under the name it was asked by, with people's names replaced by addresses where they are found."""
    if not isinstance(found, r.Mailbox):
        return found
    granted = [entry if "@" in entry else await _address_of(answerer, entry) for entry in found.grant_send_on_behalf_to]
    return msgspec.structs.replace(found, identity=address.identity, grant_send_on_behalf_to=tuple(granted))


async def _address_of(answerer: Answerer, name: str) -> str:
    ask = cmdlets.ask_mailbox(ONLINE, name)
    records = cmdlets.read_answer(ask, await answerer.cmdlet(ask))
    return records[0].identity if not isinstance(records, Failure) and len(records) == 1 else name


def _ambiguous(address: Address) -> Failure:
    return Failure(
        reason=FailureReason.MALFORMED,
        says=f"Exchange Online shows several objects for {address}, and none is taken for it.",
        next_step="Make the change by hand, naming the person by address.",
    )
