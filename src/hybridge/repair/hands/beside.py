"""What Exchange writes beside the list of delegates, and how it is put back.

AddDelegate also gives rights on folders and the permission to send on behalf; RemoveDelegate takes both away, whoever
gave them. But these belong to records of their own, which other changes of a plan write, and which must not change
because somebody is listed as a delegate or no longer is. So they are looked at before, and what a delegate operation
disturbed is put back by the cmdlets that set it. Nothing of anybody else is written: rights are those of the one
delegate, and of the list of those who may send on behalf only the delegate's entry is touched.

Right after the operation every difference is its doing. Where a run was cut short and comes back late, somebody may
have given other rights meanwhile: then only what the operation takes away is given back.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from hybridge.org.records import Address, Mailbox, MailboxFolderPermission, Record
from hybridge.plan import Change
from hybridge.repair.hands.base import Sleep
from hybridge.repair.hands.ews_delegates import ON, Delegates
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.wire.ask import Failure, FailureReason

TRIES = 3
"""How often the permission to send on behalf is looked at, which the directory may show a moment later."""
PAUSE = 1.0
"""Seconds before the second look, doubled each time."""


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside an entry on the list of delegates. ``folders`` were looked at; ``rights`` are those found.

    ``granted`` is who may send on behalf; ``deliver`` who gets meeting requests, "" where Exchange did not say.
    """

    folders: tuple[str, ...]
    rights: tuple[MailboxFolderPermission, ...] = ()
    granted: tuple[str, ...] = ()
    deliver: str = ""

    def level(self) -> str:
        """The present right on the calendar as a level that can be given; "" for one that has no level of its own."""
        calendar = self.folders[0].casefold()
        rights = [one.access_rights for one in self.rights if one.folder.casefold() == calendar]
        if not rights:
            return "None"
        return rights[0][0] if len(rights[0]) == 1 and rights[0][0] in ("None", "Reviewer", "Author", "Editor") else ""


@dataclass(frozen=True)
class Keeper:
    """Looks at what stands beside the entry of ``delegate``, and puts it back, with cmdlets and EWS."""

    delegates: Delegates
    delegate: str
    cmdlets: PowerShellHand
    sleep: Sleep

    async def look(self) -> Beside | Failure:
        """What stands beside the entry now."""
        folders = await self.delegates.folder_names()
        if isinstance(folders, Failure):
            return folders
        rights = await self._rights(folders)
        if isinstance(rights, Failure):
            return rights
        mailbox = await self._mailbox()
        if isinstance(mailbox, Failure):
            return mailbox
        listed = await self.delegates.listed()
        if isinstance(listed, Failure):
            return listed
        return Beside(
            folders=folders,
            rights=rights,
            granted=mailbox.grant_send_on_behalf_to,
            deliver=listed.deliver_meeting_requests,
        )

    async def put_back(self, was: Beside, grants: bool | None, late: bool = False) -> tuple[str, ...] | Failure:
        """Undo what the operation just made changed beside the list; says what that was.

        ``grants``: whether it gives the permission to send on behalf or takes it away, None when it leaves it.
        ``late``: it was made by an earlier run.
        """
        rights = await self._put_back_rights(was, late)
        if isinstance(rights, Failure):
            return rights
        grant = await self._put_back_grant(was, grants)
        if isinstance(grant, Failure):
            return grant
        deliver = [] if late else await self._put_back_deliver(was)
        if isinstance(deliver, Failure):
            return deliver
        return (*rights, *grant, *deliver)

    async def _put_back_deliver(self, was: Beside) -> list[str] | Failure:
        now = await self.delegates.listed()
        if isinstance(now, Failure):
            return now
        if not was.deliver or now.deliver_meeting_requests in ("", was.deliver):
            return []
        failure = await self.delegates.update(None, was.deliver)
        return failure or ["who gets meeting requests"]

    async def _put_back_rights(self, was: Beside, late: bool) -> list[str] | Failure:
        now = await self._rights(was.folders)
        if isinstance(now, Failure):
            return now
        says: list[str] = []
        for folder in was.folders:
            before, after = (_right_on(folder, rights) for rights in (now, was.rights))
            if _folded(before) == _folded(after) or (late and _folded(before) not in _NO_RIGHT):
                continue
            if failure := await self._write(self._address(folder), before, after):
                return failure
            says.append(f"the right on {folder}")
        return says

    async def _put_back_grant(self, was: Beside, grants: bool | None) -> list[str] | Failure:
        mailbox = await self._mailbox_by_now(grants)
        if isinstance(mailbox, Failure):
            return mailbox
        had, has = ({one.casefold() for one in granted} for granted in (was.granted, mailbox.grant_send_on_behalf_to))
        gone = tuple(one for one in was.granted if one.casefold() not in has and self._may_be_ours(one))
        new = {one for one in mailbox.grant_send_on_behalf_to if one.casefold() not in had and self._may_be_ours(one)}
        if not gone and not new:
            return []
        kept = tuple(one for one in mailbox.grant_send_on_behalf_to if one not in new)
        after = msgspec.structs.replace(mailbox, grant_send_on_behalf_to=(*kept, *gone))
        failure = await self._write(mailbox.address, mailbox, after)
        return failure or ["the permission to send on behalf"]

    def _may_be_ours(self, entry: str) -> bool:
        """Whether an entry is the delegate: the address, or a name that no address was found for."""
        return entry.casefold() == self.delegate.casefold() or "@" not in entry

    async def _mailbox_by_now(self, grants: bool | None) -> Mailbox | Failure:
        """The mailbox, once the directory shows what the operation did, or as it is after all patience."""
        mailbox, pause = await self._mailbox(), PAUSE
        for _ in range(TRIES - 1):
            if isinstance(mailbox, Failure) or grants in (None, self._granted(mailbox)):
                break
            await self.sleep(pause)
            mailbox, pause = await self._mailbox(), pause * 2
        return mailbox

    def _granted(self, mailbox: Mailbox) -> bool:
        return any(one.casefold() == self.delegate.casefold() for one in mailbox.grant_send_on_behalf_to)

    async def _rights(self, folders: tuple[str, ...]) -> tuple[MailboxFolderPermission, ...] | Failure:
        found: list[MailboxFolderPermission] = []
        for folder in folders:
            entry = await self.cmdlets.read(self.delegates.answerer, self._address(folder))
            if isinstance(entry, Failure):
                return entry
            if isinstance(entry, MailboxFolderPermission):
                found.append(entry)
        return tuple(found)

    async def _mailbox(self) -> Mailbox | Failure:
        address = Address(Mailbox.__name__, ON, self.delegates.mailbox.lower())
        found = await self.cmdlets.read(self.delegates.answerer, address)
        if isinstance(found, Mailbox | Failure):
            return found
        return Failure(
            reason=FailureReason.MALFORMED,
            says=f"Get-Mailbox does not find {self.delegates.mailbox}, whose delegates are to be changed.",
            next_step="Check that the mailbox is on-premises.",
        )

    async def _write(self, address: Address, before: Record | None, after: Record | None) -> Failure | None:
        change = Change(address=address, before=before, after=after, says="")  # type: ignore[arg-type]
        done = await self.cmdlets.write(self.delegates.answerer, change)
        return done if isinstance(done, Failure) else None

    def _address(self, folder: str) -> Address:
        identity = f"{self.delegates.mailbox}:\\{folder}/{self.delegate}"
        return Address(MailboxFolderPermission.__name__, ON, identity.lower())


_NO_RIGHT: tuple[frozenset[str] | None, ...] = (None, frozenset(), frozenset({"none"}))
"""What the operations leave where they take a right away: no entry, or one without any right."""


def _right_on(folder: str, rights: tuple[MailboxFolderPermission, ...]) -> MailboxFolderPermission | None:
    return next((one for one in rights if one.folder.casefold() == folder.casefold()), None)


def _folded(entry: MailboxFolderPermission | None) -> frozenset[str] | None:
    return None if entry is None else frozenset(right.casefold() for right in entry.access_rights)
