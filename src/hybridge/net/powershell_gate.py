"""When the thread of a remote PowerShell session may send the password.

Sessions open beside each other, and a password is tried by one until it is known to be right. What comes before it
carries nothing of it (connection, TLS, the question without credentials, the first message of NTLM), so with NTLM every
session goes that far at once; only then it waits for the account's turn. With the other kinds, whose first message may
prove something, it waits before it connects. A reply to a message that proves the password is judged before the turn is
passed on: accepted, the others go on together; refused, none of them sends anything.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from hybridge.net.account import Account
from hybridge.net.powershell_transport import CannotGoOn
from hybridge.wire.ask import Failure, FailureReason

NTLM_FIRST = b"NTLMSSP\x00\x01"
"""How the first message of NTLM begins: it proves nothing and carries no password."""
GLANCE = 0.5
"""Seconds between two looks whether anybody still wants the session."""
_CHALLENGE = re.compile(r"\b(?:Negotiate|NTLM|Kerberos)\s+[A-Za-z0-9+/]{8,}", re.IGNORECASE)

T = TypeVar("T")


class Gate:
    """The gate of one session at ``place``. Everything here belongs to the session's thread.

    ``ended`` tells that nobody wants the session any more.
    """

    def __init__(
        self, account: Account, place: str, loop: asyncio.AbstractEventLoop, ended: Callable[[], bool]
    ) -> None:
        self._account = account
        self._place = place
        self._loop = loop
        self._ended = ended
        self._turn: AsyncExitStack | None = None
        self.refused = False

    def enter(self, authorization: str | bytes | None) -> None:
        """Wait until ``authorization`` (the header's value) may be sent. Raises ``CannotGoOn`` when it may not."""
        if proves(authorization):
            self.wait()

    def wait(self) -> None:
        """Wait for the account's turn. Raises ``CannotGoOn`` when the account may not be used any more."""
        if self._turn is None and not self._account.accepted_at(self._place):
            self._turn = self._await(self._take_turn())
        barred = self._account.barred(self._place)
        if barred is not None:
            self.leave()
            raise CannotGoOn(barred)

    def judge(self, authorization: str | bytes | None, status: int, offered: str) -> None:
        """What a reply to ``authorization`` says of the password; ``offered`` is its WWW-Authenticate."""
        if not proves(authorization):
            return
        if status == 401:
            if _CHALLENGE.search(offered):
                return  # the sign-in goes on
            self.refused = True
            self._await(self._note(lambda: self._account.refuse(self._place)))
        elif status < 300 and not self._account.accepted_at(self._place):
            self._await(self._note(lambda: self._account.accept(self._place)))
        self.leave()

    def leave(self) -> None:
        """Pass the turn on, where it was taken."""
        turn, self._turn = self._turn, None
        if turn is not None:
            self._loop.call_soon_threadsafe(lambda: self._loop.create_task(turn.aclose()))

    async def _take_turn(self) -> AsyncExitStack:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._account.turn())
            return stack.pop_all()

    async def _note(self, note: Callable[[], object]) -> None:
        note()

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        """What ``work`` gives on the loop; given up with the session."""
        asked = asyncio.run_coroutine_threadsafe(work, self._loop)
        while True:
            try:
                return asked.result(GLANCE)
            except TimeoutError:
                if self._ended() and asked.cancel():
                    raise CannotGoOn(
                        Failure(
                            reason=FailureReason.UNREACHABLE,
                            says=f"The sign-in at {self._place} was given up before it was its turn.",
                        )
                    ) from None


def proves(authorization: str | bytes | None) -> bool:
    """Whether the value of an Authorization header carries a password or proves one.

    The first message of SPNEGO counts as if it did: it may be a ticket of Kerberos.
    """
    if not authorization:
        return False
    text = authorization.decode("latin-1") if isinstance(authorization, bytes) else authorization
    scheme, _, token = text.partition(" ")
    if scheme.lower() == "basic":
        return True
    try:
        return not base64.b64decode(token).startswith(NTLM_FIRST)
    except (binascii.Error, ValueError):
        return True
