"""Running one cmdlet as a conversation: which request to send next, given the last reply. No input, no output.

``begin`` gives the first request, or the answer where none may be sent; ``go_on`` takes a reply and gives the next
request or the answer. The next page is asked with the same body at the address the last one named; an address of
another host, one that was asked before, or more than ``PAGES`` of them end the conversation. The Admin API is left for
InvokeCommand where it is shut, see the head of the package.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hybridge.wire.ask import CmdletAnswer, CmdletAsk, Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.exchange_online import admin_api, invoke_command
from hybridge.wire.exchange_online.answers import Page, Refusal, failure_of, read_answer
from hybridge.wire.exchange_online.place import Place

PAGES = 2000
"""Pages of one cmdlet at most: two million objects."""
_OTHERS = ("cs", "mg")
"""Beginnings of the nouns of Teams and Graph cmdlets, which do not belong here."""

Step = HttpAsk | CmdletAnswer


class Conversation:
    """One run of ``cmdlet`` at ``place``. ``documented`` allows the Admin API; ``shut`` says that it was found shut."""

    def __init__(self, place: Place, cmdlet: CmdletAsk, *, documented: bool = True) -> None:
        self.shut = False
        self._place = place
        self._cmdlet = cmdlet
        by_the_book = admin_api.ask(place, cmdlet) if documented else None
        self._ask = by_the_book or invoke_command.ask(place, cmdlet)
        self._maybe_shut = by_the_book is not None
        self._objects: list[dict[str, Any]] = []
        self._warnings: list[str] = []
        self._asked: set[str] = set()
        self._took = 0.0
        self._at: datetime | None = None

    def begin(self) -> Step:
        """The first request, or the answer where the cmdlet is not sent."""
        if failure := refusal(self._cmdlet):
            return self._end(failure=failure)
        return self._send(self._ask)

    def taken(self) -> tuple[dict[str, Any], ...]:
        """The objects of the pages read so far; they are not part of the answer any more."""
        objects, self._objects = tuple(self._objects), []
        return objects

    def go_on(self, answer: HttpAnswer) -> Step:
        """What follows after ``answer``."""
        self._took += answer.took_ms
        self._at = answer.answered_at or self._at
        read = read_answer(answer)
        if isinstance(read, Page):
            return self._page(read)
        if isinstance(read, Failure):
            return self._end(failure=read)
        if self._maybe_shut and _is_shut(read):
            self.shut, self._maybe_shut = True, False
            return self._send(invoke_command.ask(self._place, self._cmdlet))
        if read.not_found:
            return self._end(errors=(read.message,), not_found=True)
        failure = failure_of(read, self._cmdlet, answer)
        return self._end(failure=failure) if failure else self._end(errors=(read.message,))

    def _page(self, page: Page) -> Step:
        self._maybe_shut = False
        self._objects += page.objects
        self._warnings += page.warnings
        if not page.next_link:
            return self._end(objects=tuple(self._objects))
        if reason := self._stray(page.next_link):
            return self._end(failure=Failure(reason=FailureReason.MALFORMED, says=reason))
        return self._send(msgspec.structs.replace(self._ask, url=page.next_link))

    def _send(self, ask: HttpAsk) -> HttpAsk:
        self._ask = ask
        self._asked.add(ask.url)
        return ask

    def _stray(self, link: str) -> str:
        """Why the next page is not asked for, "" when it is."""
        try:
            url = urlsplit(link)
            here = (url.scheme, (url.hostname or "").lower(), url.port or 443) == ("https", self._place.host, 443)
        except ValueError:
            here = False
        what = f"The pages of {self._cmdlet.name} from Exchange Online"
        if not here:
            return f"{what} lead to another place, which is not asked."
        if link in self._asked or len(self._asked) >= PAGES:
            return f"{what} do not end."
        return ""

    def _end(
        self,
        *,
        objects: tuple[dict[str, Any], ...] = (),
        errors: tuple[str, ...] = (),
        not_found: bool = False,
        failure: Failure | None = None,
    ) -> CmdletAnswer:
        return CmdletAnswer(
            objects=objects,
            errors=errors,
            warnings=tuple(self._warnings),
            not_found=not_found,
            failure=failure,
            answered_at=self._at,
            took_ms=self._took,
        )


def _is_shut(read: Refusal) -> bool:
    """Whether the Admin API itself refused, before any cmdlet was run."""
    return read.status in (401, 403) or (read.status in (404, 405, 501) and not read.told)


def refusal(cmdlet: CmdletAsk) -> Failure | None:
    """Why ``cmdlet`` is never sent to Exchange Online, None when it may be.

    ``-SendNotificationToUser`` without flags makes Exchange Online take the default of the flags, None: whoever was a
    delegate is one no more.
    """
    given = {name.lower() for name, _ in cmdlet.parameters}
    changes = cmdlet.name.lower() == "set-mailboxfolderpermission"
    if changes and "sendnotificationtouser" in given and "sharingpermissionflags" not in given:
        return Failure(
            reason=FailureReason.REFUSED,
            says=f"{cmdlet.name} with -SendNotificationToUser and without -SharingPermissionFlags is not sent: "
            "it would take the delegate's flag away.",
            next_step="Leave -SendNotificationToUser out, or name the flags.",
        )
    if cmdlet.name.partition("-")[2].lower().startswith(_OTHERS):
        return Failure(
            reason=FailureReason.NOT_CONFIGURED,
            says=f"{cmdlet.name} was not run: it is no cmdlet of Exchange Online.",
            next_step="Run it in its own PowerShell module and export its output for an offline examination.",
        )
    return None
