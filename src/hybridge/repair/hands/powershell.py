"""The hand that writes on-premises Exchange through remote PowerShell: cmdlets with parameters, nothing else."""

from __future__ import annotations

import msgspec

from hybridge.org import records as r
from hybridge.org.records import Address, Record
from hybridge.plan import Change
from hybridge.repair.hands import entitlements
from hybridge.repair.hands.base import Kinds, Reply, Rights
from hybridge.repair.hands.exchange_cmdlets import CMDLETS, Unwritable, commands, reading
from hybridge.repair.writable import WRITABLE
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import Answerer, CmdletAnswer, CmdletAsk, Failure, FailureReason


class PowerShellHand:
    """Writes the records of ``exchange_cmdlets.CMDLETS``.

    ``domain_controller`` (a host name) makes every cmdlet read and write at one domain controller, so that a forest
    with several sees an object in the very next cmdlet; "" leaves the choice to Exchange.
    """

    def __init__(self, domain_controller: str = "") -> None:
        self._fixed = (("DomainController", domain_controller),) if domain_controller else ()

    @property
    def kinds(self) -> Kinds:
        """What it writes."""
        return frozenset(key for key in WRITABLE if key[0] in CMDLETS and key[1] is Premises.ON_PREMISES)

    def rights(self, change: Change) -> Rights:
        """What ``change`` needs."""
        return entitlements.of_cmdlets(change)

    async def read(self, answerer: Answerer, address: Address) -> Record | None | Failure:
        """The record at ``address`` as it is now."""
        ask = reading(address)
        records = cmdlets.read_answer(ask, await self._run(answerer, ask))
        if isinstance(records, Failure):
            return records
        if address.kind == r.MailboxFolderPermission.__name__:
            return _entry_asked_for(records, address)
        found = next((record for record in records if record.address == address), None)
        return await self._with_addresses(answerer, found) if isinstance(found, r.Mailbox) else found

    async def write(self, answerer: Answerer, change: Change) -> Reply | Failure:
        """Make ``change``."""
        try:
            asks = commands(change)
        except Unwritable as refusal:
            return Failure(reason=FailureReason.REFUSED, says=str(refusal), next_step="Make the change by hand.")
        ran = await self._run_all(answerer, asks)
        if isinstance(ran, Failure) or not (isinstance(change.after, r.ManagementRole) and change.before is None):
            return ran
        return await self._trim(answerer, change, change.after)

    async def _trim(self, answerer: Answerer, change: Change, wanted: r.ManagementRole) -> Reply | Failure:
        """Take from a new role what it inherited beyond the wanted entries."""
        born = await self.read(answerer, change.address)
        if isinstance(born, Failure):
            return born
        if not isinstance(born, r.ManagementRole):
            return Failure(
                reason=FailureReason.MALFORMED,
                says=f"New-ManagementRole made {change.address}, but it cannot be read yet.",
                next_step="Apply the plan again in a minute.",
            )
        surplus = msgspec.structs.replace(born, role_entries=wanted.role_entries)
        return await self._run_all(answerer, commands(msgspec.structs.replace(change, before=born, after=surplus)))

    async def _run_all(self, answerer: Answerer, asks: tuple[CmdletAsk, ...]) -> Reply | Failure:
        warnings: list[str] = []
        for ask in asks:
            answer = await self._run(answerer, ask)
            if failure := failure_of(ask, answer):
                return failure
            warnings += answer.warnings
        ran = ", ".join(dict.fromkeys(ask.name for ask in asks)) or "Nothing was left to do"
        return Reply(says=f"{ran}: done." + "".join(f" Warning: {text}" for text in warnings))

    async def _run(self, answerer: Answerer, ask: CmdletAsk) -> CmdletAnswer:
        return await answerer.cmdlet(msgspec.structs.replace(ask, parameters=ask.parameters + self._fixed))

    async def _with_addresses(self, answerer: Answerer, mailbox: r.Mailbox) -> r.Mailbox:
        """Replace names in GrantSendOnBehalfTo by primary addresses where a mailbox of that name is found."""
        granted = [
            entry if "@" in entry else await self._address_of(answerer, entry)
            for entry in mailbox.grant_send_on_behalf_to
        ]
        return msgspec.structs.replace(mailbox, grant_send_on_behalf_to=tuple(granted))

    async def _address_of(self, answerer: Answerer, name: str) -> str:
        mailbox = reading(Address(r.Mailbox.__name__, Premises.ON_PREMISES, name))
        for ask in (mailbox, cmdlets.ask_recipient(Premises.ON_PREMISES, name)):
            records = cmdlets.read_answer(ask, await self._run(answerer, ask))
            found = () if isinstance(records, Failure) else records
            if len(found) == 1 and "@" in found[0].identity:
                return found[0].identity
        return name


def _entry_asked_for(records: tuple[Record, ...], address: Address) -> Record | None:
    """The entry of one user. Exchange shows a display name where it was asked for an address: the ask decides."""
    entries = [record for record in records if isinstance(record, r.MailboxFolderPermission)]
    if len(entries) != 1:
        return next((entry for entry in entries if entry.address == address), None)
    (_, folder), (_, user) = reading(address).parameters
    mailbox, _, name = folder.partition(":\\")
    return msgspec.structs.replace(entries[0], identity=address.identity, mailbox=mailbox, folder=name, user=user)


def failure_of(ask: CmdletAsk, answer: CmdletAnswer) -> Failure | None:
    """What went wrong with a cmdlet, None when nothing did."""
    if answer.failure is not None:
        return answer.failure
    if answer.errors or answer.not_found:
        says = answer.errors[0] if answer.errors else "the object does not exist"
        return Failure(
            reason=FailureReason.FORBIDDEN,
            says=f"{ask.name} was refused: {says}",
            next_step="Check that the account holds the role Organization Management, then apply the plan again.",
        )
    return None
