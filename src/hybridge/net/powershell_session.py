"""One remote PowerShell session, used by one thread: open, run a cmdlet, open anew once when it has died.

Two habits of pypsrp are worked around. Its reader of objects fails on some of Exchange's and loses lists and dates, so
pipeline output is kept as the text it came as and read by ``wire.clixml``, the reader that offline exports go through
as well. And its ``had_errors`` stays False after an error that did not stop the cmdlet, so the error stream decides.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from pypsrp.complex_objects import PSInvocationState
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.serializer import Serializer, TaggedValue
from pypsrp.wsman import WSMan
from requests.auth import HTTPBasicAuth  # type: ignore[import-untyped]

from hybridge.net.clock import stopwatch
from hybridge.net.powershell_failures import failure_of
from hybridge.net.powershell_transport import Adapter, CannotGoOn, Way
from hybridge.net.secret import Secret
from hybridge.net.trust import CONNECTION, ConnectionFacts
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, Failure, FailureReason
from hybridge.wire.clixml import ClixmlRefused, read_element, text
from hybridge.wire.xml import XmlRefused, parse_xml

CONFIGURATION = "Microsoft.Exchange"
POLL_SECONDS = 20
"""How long the server is asked to wait for output before it says that there is none yet."""

_UNAVAILABLE = ("CommandNotFoundException", "NamedParameterNotFound")
_ABSENT = ("ManagementObjectNotFoundException", "UserNotFoundInPermissionEntryException")
_HARMLESS = ("get-", "test-")
_ENDED = (PSInvocationState.COMPLETED, PSInvocationState.FAILED, PSInvocationState.STOPPED)
_INT32 = 2**31


@dataclass(frozen=True)
class Endpoint:
    """Where and as whom. ``path`` may hold a query; it has no leading slash."""

    host: str
    port: int
    path: str
    username: str
    password: Secret
    auth: str

    @property
    def place(self) -> str:
        """The host, with the port when it is not 443: how sentences name it."""
        return self.host if self.port == 443 else f"{self.host}:{self.port}"


class _Lost(Exception):
    """The session broke while a cmdlet was under way. ``started``: the server had, or may have, begun it."""

    def __init__(self, error: Exception, started: bool) -> None:
        super().__init__()
        self.error = error
        self.started = started


class PowerShellSession:
    """A session that opens itself. Everything but ``give_up`` belongs to one thread."""

    def __init__(self, endpoint: Endpoint, way: Way, longest: float) -> None:
        self._endpoint = endpoint
        self._way = way
        self._longest = longest
        self._pool: RunspacePool | None = None
        self._refused: Failure | None = None
        self._elapsed = stopwatch()
        self._given_up = threading.Event()

    def run(self, ask: CmdletAsk) -> CmdletAnswer:
        """Run one cmdlet."""
        self._elapsed = stopwatch()
        CONNECTION.set(ConnectionFacts())
        answer = self._run(ask)
        return msgspec.structs.replace(answer, took_ms=self._elapsed())

    def give_up(self) -> None:
        """Cut whatever is under way, from any thread, and begin nothing new."""
        self._given_up.set()
        self._way.abort()

    def close(self) -> None:
        """End the session at the server as well, if that is quickly done."""
        if self._given_up.is_set():
            self._way.reconnect_for_farewell() if False else None
        self._discard()

    def _run(self, ask: CmdletAsk) -> CmdletAnswer:
        for again in (False, True):
            if self._refused is not None:
                return CmdletAnswer(failure=self._refused)
            try:
                pool = self._pool or self._open()
            except Exception as error:
                self._refused = self._failure(error)
                return CmdletAnswer(failure=self._refused)
            try:
                return self._invoke(pool, ask)
            except _Lost as lost:
                self._discard()
                if again or not self._may_repeat(ask, lost):
                    return CmdletAnswer(failure=self._loss(ask, lost))
        raise AssertionError("unreachable")
