"""One account: when its password may be sent, and when no more.

A wrong password must not be repeated: a run asks hundreds of things, and directories lock accounts after a few wrong
tries. So until a sign-in has succeeded somewhere only one is under way at a time, and a refusal ends the use of the
account for the run. Once the password is known to be right, a refusal means that one host refuses for its own reasons
(Extended Protection behind a load balancer that re-encrypts, or throttling, which Exchange sometimes reports as 401):
then only that host is given up, after two refusals in a row if it had accepted the account before.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hybridge.net.trust import CONNECTION
from hybridge.wire.ask import Failure, FailureReason

PATIENCE = 2
"""Refusals in a row after which a host that had accepted the account is given up."""


class Account:
    """The state of one account in this run. ``username`` is shown in sentences; the password is not here."""

    def __init__(self, username: str) -> None:
        self.username = username
        self._accepting: set[str] = set()
        self._refusals: Counter[str] = Counter()
        self._given_up: dict[str, Failure] = {}
        self._tripped: Failure | None = None
        self._first = asyncio.Lock()

    def barred(self, host: str) -> Failure | None:
        """Why the account may not be used at ``host`` any more, or None."""
        return self._tripped or self._given_up.get(host)

    def accepted_at(self, host: str) -> bool:
        """Whether ``host`` has accepted the account in this run."""
        return host in self._accepting

    def accept(self, host: str) -> None:
        """Note that ``host`` accepted the account."""
        self._accepting.add(host)
        self._refusals[host] = 0

    def forgive(self, host: str) -> None:
        """Let ``host`` be tried once more: it had accepted the account, and may have refused it for being busy."""
        if host in self._accepting and self._given_up.pop(host, None) is not None:
            self._refusals[host] = PATIENCE - 1

    def refuse(self, host: str, hint: str = "") -> Failure:
        """Note that ``host`` refused the account, and say so."""
        self._refusals[host] += 1
        failure = Failure(
            reason=FailureReason.SIGN_IN,
            says=f"{host} refused the sign-in of {self.username}.",
            next_step=f"Check exchange.username and the password.{hint}",
        )
        again = Failure(
            reason=FailureReason.SIGN_IN,
            says=f"{host} is not asked: the sign-in of {self.username} was refused there, and is not tried again.",
            next_step=failure.next_step,
        )
        if not self._accepting:
            self._tripped = Failure(
                reason=FailureReason.SIGN_IN,
                says=f"The sign-in of {self.username} was refused by {host} and is not tried again in this run.",
                next_step=failure.next_step,
            )
        elif host not in self._accepting or self._refusals[host] >= PATIENCE:
            self._given_up[host] = again
        return failure

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until the password may be sent: one at a time until it is known to be right."""
        alone = not self._accepting
        if alone:
            await self._wait()
            alone = not self._accepting
            if not alone:
                self._first.release()
        try:
            yield
        finally:
            if alone:
                self._first.release()

    async def _wait(self) -> None:
        """Waiting for another ask does not count against the time limit of this one."""
        facts = CONNECTION.get()
        limit = facts.timeout if facts else None
        until = limit.when() if limit else None
        if limit is None or until is None:
            await self._first.acquire()
            return
        loop = asyncio.get_running_loop()
        left = until - loop.time()
        limit.reschedule(None)
        await self._first.acquire()
        limit.reschedule(loop.time() + left)
