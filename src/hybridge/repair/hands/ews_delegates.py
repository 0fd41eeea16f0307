"""The delegate operations of EWS for one mailbox, asked for the owner, with every refusal turned into a Failure."""

from __future__ import annotations

from dataclasses import dataclass

from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer, Failure, FailureReason, HttpAnswer
from hybridge.wire.ews import add_delegate, envelope, get_delegate, get_folder, remove_delegate, update_delegate
from hybridge.wire.ews.delegate_changes import DelegateSettings, FolderLevels, Request, Response
from hybridge.wire.ews.envelope import EwsFault
from hybridge.wire.xml import malformed

ON = Premises.ON_PREMISES
FOLDERS = FolderLevels.__struct_fields__
"""Distinguished names of the folders delegates are given rights on."""

_NEXT_STEPS = {
    "ErrorDelegateNoUser": "A delegate must be a person with a mailbox in this organization: check the address.",
    "ErrorDelegateCannotAddOwner": "Name somebody else as the delegate.",
    "ErrorDelegateAlreadyExists": "Look at the list in Outlook: the delegate stands there under another address.",
    "ErrorNotDelegate": "Run hybridge doctor again: the list was changed meanwhile.",
    "ErrorDelegateMissingConfiguration": "Open the mailbox once in classic Outlook, which makes what delegation needs.",
    "ErrorItemNotFound": "Open the mailbox once in classic Outlook, which makes what delegation needs.",
    "ErrorFolderNotFound": "Open the mailbox once in classic Outlook, which makes what delegation needs.",
}
_RIGHTS = "Check that the account holds the role ApplicationImpersonation for this mailbox."
_BUSY = frozenset(
    {
        "ErrorInternalServerError",
        "ErrorInternalServerTransientError",
        "ErrorMailboxStoreUnavailable",
        "ErrorServerBusy",
        "ErrorTimeoutExpired",
    }
)
"""Codes that do not tell whether the operation was carried out."""


@dataclass(frozen=True)
class Delegates:
    """The list of delegates of ``mailbox``, reached at ``url`` with the Exchange account of the configuration."""

    answerer: Answerer
    url: str
    mailbox: str
    user_agent: str

    async def listed(self) -> get_delegate.Response | Failure:
        """Who is listed, with their flags, and who gets meeting requests."""
        body = get_delegate.write_request(get_delegate.Request(self.mailbox))
        said = get_delegate.read_answer(await self._ask(body))
        if isinstance(said, get_delegate.Response) and said.code != "NoError":
            said = EwsFault(said.code, said.message)
        return self._refused("GetDelegate", said) if isinstance(said, EwsFault) else said

    async def folder_names(self) -> tuple[str, ...] | Failure:
        """What the folders are called that delegates are given rights on; one that is not there is left out.

        The names follow the language of the owner. Without a calendar there is nothing to be a delegate of.
        """
        refs = tuple(get_folder.FolderRef(name, self.mailbox) for name in FOLDERS)
        request = get_folder.Request(refs, base_shape="IdOnly", additional=("folder:DisplayName",))
        said = get_folder.read_answer(await self._ask(get_folder.write_request(request)))
        if isinstance(said, EwsFault):
            return self._refused("GetFolder", said)
        if isinstance(said, Failure):
            return said
        calendar = (
            said.folders[0] if said.folders else get_folder.FolderError("ErrorFolderNotFound", "Nothing was said.")
        )
        if isinstance(calendar, get_folder.FolderError):
            return self._refused("GetFolder", EwsFault(calendar.code, calendar.message))
        if not calendar.display_name:
            return malformed(f"EWS GetFolder does not say what the calendar of {self.mailbox} is called.")
        return tuple(
            one.display_name for one in said.folders if isinstance(one, get_folder.Folder) and one.display_name
        )

    async def add(self, settings: DelegateSettings, deliver: str) -> Failure | None:
        """Make somebody a delegate, and say again who gets meeting requests ("" says nothing of it)."""
        body = add_delegate.write_request(Request(self.mailbox, (settings,), deliver))
        return self._judged("AddDelegate", add_delegate.read_answer(await self._ask(body)))

    async def update(self, settings: DelegateSettings | None, deliver: str) -> Failure | None:
        """Change the flags of a delegate, or only who gets meeting requests."""
        body = update_delegate.write_request(Request(self.mailbox, (settings,) if settings else (), deliver))
        return self._judged("UpdateDelegate", update_delegate.read_answer(await self._ask(body)))

    async def remove(self, delegate: str) -> Failure | None:
        """End that somebody is a delegate."""
        body = remove_delegate.write_request(remove_delegate.Request(self.mailbox, (delegate,)))
        return self._judged("RemoveDelegate", remove_delegate.read_answer(await self._ask(body)))

    async def _ask(self, body: str) -> HttpAnswer:
        ask = envelope.ask(self.url, body, user_agent=self.user_agent, impersonate=self.mailbox, anchor=self.mailbox)
        return await self.answerer.http(ask)

    def _judged(self, operation: str, said: Response | EwsFault | Failure) -> Failure | None:
        if isinstance(said, Failure):
            return said
        if isinstance(said, EwsFault):
            return self._refused(operation, said)
        refused = said.refused
        return self._refused(operation, EwsFault(refused.code, refused.message)) if refused else None

    def _refused(self, operation: str, fault: EwsFault) -> Failure:
        says = f"EWS {operation} for {self.mailbox} was refused: {fault.code}: {fault.message}"
        if fault.code in _BUSY:
            return Failure(reason=FailureReason.UNREACHABLE, says=says, next_step="Try again in some minutes.")
        next_step = _NEXT_STEPS.get(fault.code, _RIGHTS)
        return Failure(reason=FailureReason.FORBIDDEN, says=says, next_step=next_step)
