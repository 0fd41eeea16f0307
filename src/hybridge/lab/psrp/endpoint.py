"""The endpoint a listener mounts at ``POST /powershell``: one request in, one answer out.

Whoever calls ``post`` has signed the client in already and names it. A session belongs to who opened it, not to the
connection: others are told it does not exist. Sessions nobody used for ``idle_limit`` are dropped when the next request
arrives, so a client that was killed leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from uuid import uuid4

from hybridge.lab.cmdlets.outcome import Caller, ConnectionCut
from hybridge.lab.psrp import wsman
from hybridge.lab.psrp.pipelines import Execute
from hybridge.lab.psrp.shells import Shell
from hybridge.lab.psrp.wsman import SHELL, SoapAsk, WsmanFault
from hybridge.wire.xml import Element

SHELLS_PER_USER = 18
"""Sessions one account may have at once, as Exchange's throttling policy has it."""

IDLE_LIMIT = 900.0
"""Seconds after which an unused session is dropped."""

Answer = tuple[int, dict[str, str], bytes]
"""HTTP status, headers, body."""

_SOAP_TYPE = {"Content-Type": "application/soap+xml;charset=UTF-8"}


def _everybody(_: str) -> bool:
    return True


class PsrpEndpoint:
    """Remote PowerShell. ``execute`` runs the cmdlets, ``admits`` says whether an account may open sessions at all."""

    def __init__(
        self,
        execute: Execute,
        *,
        admits: Callable[[str], bool] = _everybody,
        idle_limit: float = IDLE_LIMIT,
        clock: Callable[[], float] | None = None,
        new_id: Callable[[], str] = lambda: str(uuid4()).upper(),
    ) -> None:
        self._execute = execute
        self._admits = admits
        self._idle_limit = idle_limit
        self._clock = clock
        self._new_id = new_id
        self._shells: dict[str, Shell] = {}
        self._verbs: Mapping[str, Callable[[SoapAsk, Shell], Awaitable[str]]] = {
            "Command": self._command,
            "Send": self._send,
            "Receive": self._receive,
            "Signal": self._signal,
            "Delete": self._delete,
            "Get": self._get,
            "Disconnect": self._disconnect,
            "Reconnect": self._reconnect,
        }

    @property
    def open_shells(self) -> int:
        """How many sessions there are."""
        return len(self._shells)

    async def post(self, connection_key: str, principal: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request of ``principal``. ``headers`` have lower-case names; ``connection_key`` is not needed.

        Raises ``ConnectionCut`` when the connection shall end without an answer; the session has ended then.
        """
        if not body:
            return 200, {}, b""
        kind = headers.get("content-type", "").lower()
        if not kind.startswith("application/soap+xml"):
            return 415, {"Content-Type": "text/plain"}, b"Send application/soap+xml; sealed messages are not taken."
        relates_to = ""
        try:
            ask = wsman.read(body)
            relates_to = ask.message_id
            host = headers.get("host", "").partition(":")[0].lower()
            return 200, dict(_SOAP_TYPE), wsman.answer(ask, await self._answer(ask, Caller(principal, host)))
        except WsmanFault as wrong:
            return 500, dict(_SOAP_TYPE), wsman.fault(wrong, relates_to)

    async def close(self) -> None:
        """End every session."""
        shells = list(self._shells.values())
        self._shells.clear()
        for shell in shells:
            await shell.close()

    async def _answer(self, ask: SoapAsk, caller: Caller) -> str:
        await self._drop_idle()
        if ask.verb == "Create":
            return await self._create(ask, caller)
        does = self._verbs.get(ask.verb)
        if does is None:
            raise WsmanFault(wsman.NOT_SUPPORTED, f"The operation {ask.verb or '(none)'} is not supported.")
        shell = self._shells.get(ask.shell_id.upper())
        if shell is None or shell.owner != caller.principal:
            raise WsmanFault(
                wsman.NO_SUCH_SHELL,
                f"The request for the Windows Remote Shell with ShellId {ask.shell_id} failed because the shell was "
                "not found on the server. Possible causes are: the specified ShellId is incorrect or the shell no "
                "longer exists on the server.",
            )
        shell.used_at = self._now()
        try:
            return await does(ask, shell)
        except ConnectionCut:
            await self._delete(ask, shell)
            raise
        finally:
            shell.used_at = self._now()

    async def _create(self, ask: SoapAsk, caller: Caller) -> str:
        if ask.resource_uri != wsman.EXCHANGE:
            raise WsmanFault(
                wsman.NO_SUCH_RESOURCE,
                f"The WS-Management service cannot process the request. The resource URI ({ask.resource_uri}) was not "
                "found in the WS-Management catalog.",
            )
        if not self._admits(caller.principal):
            raise WsmanFault(wsman.ACCESS_DENIED, "Access is denied.")
        if sum(shell.owner == caller.principal for shell in self._shells.values()) >= SHELLS_PER_USER:
            raise WsmanFault(
                wsman.TOO_MANY_SHELLS,
                "The WS-Management service cannot process the request. This user is allowed a maximum number of "
                f"{SHELLS_PER_USER} concurrent shells, which has been exceeded. Close existing shells or raise the "
                "quota for this user.",
            )
        element = _body(ask)
        shell_id = (element.get("ShellId") or self._new_id()).upper()
        if shell_id in self._shells:
            raise WsmanFault(wsman.BAD_PARAMETER, f"The shell {shell_id} exists already.")
        shell = Shell(shell_id, caller, self._execute, self._now())
        opening = next((one for one in element.iter() if str(one.tag).endswith("}creationXml")), None)
        shell.feed(_decoded(opening))
        self._shells[shell_id] = shell
        return wsman.created(shell_id, caller.principal, int(self._idle_limit))

    async def _command(self, ask: SoapAsk, shell: Shell) -> str:
        element = _body(ask)
        command_id = element.get("CommandId") or self._new_id()
        shell.command(command_id, _decoded(element.find(f"{{{SHELL}}}Arguments")))
        return wsman.command_accepted(command_id)

    async def _send(self, ask: SoapAsk, shell: Shell) -> str:
        for stream in _body(ask).iterfind(f"{{{SHELL}}}Stream"):
            shell.feed(_decoded(stream))
        return wsman.empty("SendResponse")

    async def _receive(self, ask: SoapAsk, shell: Shell) -> str:
        desired = _body(ask).find(f"{{{SHELL}}}DesiredStream")
        command_id = "" if desired is None else desired.get("CommandId") or ""
        found = await shell.receive(command_id, ask.payload_limit, ask.timeout)
        if found is None:
            raise WsmanFault(
                wsman.TIMED_OUT, "The WS-Management service cannot complete the operation within the time specified."
            )
        chunks, done = found
        return wsman.received(chunks, command_id, done=done)

    async def _signal(self, ask: SoapAsk, shell: Shell) -> str:
        element = _body(ask)
        shell.signal(element.get("CommandId") or "", element.findtext(f"{{{SHELL}}}Code") or "")
        return wsman.empty("SignalResponse")

    async def _delete(self, _: SoapAsk, shell: Shell) -> str:
        self._shells.pop(shell.id, None)
        await shell.close()
        return ""

    async def _get(self, _: SoapAsk, shell: Shell) -> str:
        state = "Connected" if shell.connected else "Disconnected"
        return wsman.described(shell.id, shell.owner, int(self._idle_limit), state)

    async def _disconnect(self, _: SoapAsk, shell: Shell) -> str:
        shell.connected = False
        return wsman.empty("DisconnectResponse")

    async def _reconnect(self, _: SoapAsk, shell: Shell) -> str:
        shell.connected = True
        return wsman.empty("ReconnectResponse")

    async def _drop_idle(self) -> None:
        oldest = self._now() - self._idle_limit
        for shell in [one for one in self._shells.values() if one.used_at < oldest and not one.busy]:
            del self._shells[shell.id]
            await shell.close()

    def _now(self) -> float:
        return self._clock() if self._clock else asyncio.get_running_loop().time()


def _body(ask: SoapAsk) -> Element:
    if ask.body is None:
        raise WsmanFault(wsman.BAD_PARAMETER, f"The {ask.verb} request has an empty body.")
    return ask.body


def _decoded(element: Element | None) -> bytes:
    try:
        return base64.b64decode(("" if element is None else element.text) or "", validate=True)
    except binascii.Error:
        raise WsmanFault(wsman.BAD_PARAMETER, "The message is not base64.") from None
