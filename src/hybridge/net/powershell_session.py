"""One remote PowerShell session, used by one thread: open, run a cmdlet, open anew once when it has died.

Two habits of pypsrp are worked around. Its reader of objects fails on some of Exchange's and loses lists and dates, so
pipeline output is kept as the text it came as and read by ``wire.clixml``, the reader that offline exports go through
as well. And its ``had_errors`` stays False after an error that did not stop the cmdlet, so the error stream decides.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

import msgspec
from pypsrp.complex_objects import PSInvocationState
from pypsrp.exceptions import WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.serializer import Serializer, TaggedValue
from pypsrp.wsman import WSMan
from requests import RequestException
from requests.auth import HTTPBasicAuth

from hybridge.net.account import Account
from hybridge.net.clock import stopwatch
from hybridge.net.powershell_failures import failure_of
from hybridge.net.powershell_gate import Gate
from hybridge.net.powershell_transport import Adapter, CannotGoOn, Way
from hybridge.net.secret import Secret
from hybridge.net.trust import CONNECTION, ConnectionFacts
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, Failure, FailureReason
from hybridge.wire.clixml import ClixmlRefused, read_element, text
from hybridge.wire.throttling import UNKNOWN_END, quota_wait
from hybridge.wire.xml import XmlRefused, parse_xml

CONFIGURATION = "Microsoft.Exchange"
POLL_SECONDS = 20
"""How long the server is asked to wait for output before it says that there is none yet."""

FAREWELL_SECONDS = 2
"""How long the server may take to confirm the end of a session that was given up."""

UNTIDY = 8
"""Cmdlets whose end the server need not be told at once: a round trip each that nobody waits for."""
PAGE = 200
"""Objects given at once, at least."""

Give = Callable[[tuple[dict[str, Any], ...]], None]

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

    def __init__(self, endpoint: Endpoint, way: Way, longest: float, account: Account) -> None:
        self._endpoint = endpoint
        self._way = way
        self._gate = Gate(account, endpoint.place, way.loop, self._over)
        self._longest = longest
        self._pool: RunspacePool | None = None
        self._refused: Failure | None = None
        self._elapsed = stopwatch()
        self._given_up = threading.Event()
        self._busy = False
        self._give: Give | None = None
        self._given = False
        self._ended: list[PowerShell] = []

    @property
    def busy(self) -> bool:
        """Whether a cmdlet is under way; may be asked from any thread."""
        return self._busy

    @property
    def is_open(self) -> bool:
        """Whether there is a session; may be asked from any thread."""
        return self._pool is not None

    @property
    def opened(self) -> bool:
        """Whether the server has let us in, or never will; may be asked from any thread."""
        return self._pool is not None or self._refused is not None

    @property
    def place(self) -> str:
        """The server, as sentences name it."""
        return self._endpoint.place

    @property
    def password_refused(self) -> bool:
        """Whether the server refused the password it was shown."""
        return self._gate.refused

    def connect(self) -> Failure | None:
        """Open the session when it is not; why it cannot be opened, or None."""
        self._elapsed = stopwatch()
        CONNECTION.set(ConnectionFacts())
        self._busy = True
        try:
            if self._pool is None and self._refused is None:
                self._open()
        except Exception as error:
            return self._unopened(error)
        finally:
            self._busy = False
        return self._refused

    def run(self, ask: CmdletAsk, give: Give | None = None) -> CmdletAnswer:
        """Run one cmdlet. ``give`` gets objects as they come, ``PAGE`` or more at a time, which the answer then lacks;
        the time a cmdlet may take begins anew with every page."""
        self._give, self._given = give, False
        if len(self._ended) >= UNTIDY:
            self.tidy()
        self._elapsed = stopwatch()
        CONNECTION.set(ConnectionFacts())
        self._busy = True
        try:
            answer = self._run(ask)
        finally:
            self._busy = False
            self._gate.leave()
        return msgspec.structs.replace(answer, took_ms=self._elapsed())

    def give_up(self) -> None:
        """Cut what is under way, from any thread, and begin nothing new."""
        self._given_up.set()
        self._way.bar()

    def close(self) -> None:
        """End the session, at the server too; after ``give_up`` only if the server is quick about it."""
        self._elapsed = stopwatch()
        if self._given_up.is_set():
            self._leave_quickly()
        elif self._pool is not None:
            with suppress(Exception):  # nobody waits for its answer
                self._pool.close()
        self._discard()

    def _run(self, ask: CmdletAsk) -> CmdletAnswer:
        """Run ``ask``, with a second session if the first turns out to be dead and that is harmless."""
        try:
            return self._invoke(ask)
        except _Lost as lost:
            self._discard()
            if not self._may_repeat(ask, lost):
                return CmdletAnswer(failure=self._loss(ask, lost))
        try:
            return self._invoke(ask)
        except _Lost as lost:
            self._discard()
            return CmdletAnswer(failure=self._loss(ask, lost))

    def _invoke(self, ask: CmdletAsk) -> CmdletAnswer:
        """One try. Raises ``_Lost``."""
        if self._refused is not None:
            return CmdletAnswer(failure=self._refused)
        if self._given_up.is_set():
            return self._overdue(ask)
        try:
            pool = self._pool or self._open()
        except Exception as error:
            return CmdletAnswer(failure=self._unopened(error))
        shell = PowerShell(pool).add_cmdlet(ask.name)
        for name, value in ask.parameters:
            shell.add_parameter(name, argument(value))
        started = False
        try:
            shell.begin_invoke()
            started = True
            while shell.state not in _ENDED and not self._over():
                shell.poll_invoke()
                self._hand_out(shell)
        except Exception as error:
            if not self._over():
                raise _Lost(error, started or not isinstance(error, WSManFaultError)) from error
        if shell.state not in _ENDED:
            return self._overdue(ask)
        self._ended.append(shell)
        return read_answer(shell, ask)

    def tidy(self) -> None:
        """Tell the server that the output of cmdlets was fetched. Ending the session tells it as well."""
        shells, self._ended = self._ended, []
        for shell in shells:
            try:
                shell.close()
            except Exception:  # the answer was complete; a session that breaks now is opened anew by the next cmdlet
                self._discard()
                return

    def _hand_out(self, shell: PowerShell) -> None:
        """Give what has come, if it is a page. What cannot be read stays, and the answer will say so."""
        if self._give is None or len(shell.output) < PAGE:
            return
        try:
            objects = tuple(one for output in shell.output for one in _objects(output))
        except (XmlRefused, ClixmlRefused):
            return
        shell.output.clear()
        self._given = True
        self._give(objects)
        self._elapsed = stopwatch()

    def _unopened(self, error: Exception) -> Failure:
        """Why there is no session. A quota passes; anything else stands for the rest of the run."""
        failure = self._failure(error)
        if quota_wait(failure.says) is None:
            self._refused = failure
        return failure

    def _open(self) -> RunspacePool:
        wsman = self._connection()
        pool = RunspacePool(wsman, configuration_name=CONFIGURATION)
        outputs = _OutputAsText()
        pool._serializer = outputs
        pool._fragmenter.serializer = outputs
        try:
            if self._endpoint.auth != "ntlm":
                self._gate.wait()
            pool.open()
        except BaseException:
            wsman.close()
            raise
        finally:
            self._gate.leave()
        self._pool = pool
        return pool

    def _connection(self) -> WSMan:
        """pypsrp's connection, over our adapter; nothing is sent yet."""
        endpoint, timeout = self._endpoint, self._way.timeout
        poll = max(1, min(POLL_SECONDS, int(timeout)))
        wsman = WSMan(
            server=endpoint.host,
            port=endpoint.port,
            path=endpoint.path,
            username=endpoint.username,
            password=endpoint.password.reveal(),
            auth=endpoint.auth,
            operation_timeout=poll,
            connection_timeout=ceil(timeout),
            read_timeout=poll + ceil(timeout),
            reconnection_backoff=0.0,
            no_proxy=True,
            negotiate_service="HTTP",
        )
        transport = wsman.transport
        session = transport._build_session()  # the only way to a session with its sign-in, and to another adapter
        session.trust_env = False
        session.proxies = {}
        session.verify = True
        session.max_redirects = 0
        if endpoint.auth == "basic":
            session.auth = HTTPBasicAuth(endpoint.username.encode(), endpoint.password.reveal().encode())
        session.mount("https://", Adapter(self._way, endpoint.place, self._over, self._gate))
        transport.session = session
        transport.send = _checked(transport.send)  # type: ignore[method-assign]
        return wsman

    def _discard(self) -> None:
        pool, self._pool, self._ended = self._pool, None, []
        if pool is not None:
            pool.connection.close()

    def _over(self) -> bool:
        return self._given_up.is_set() or self._elapsed() > self._longest * 1000

    def _may_repeat(self, ask: CmdletAsk, lost: _Lost) -> bool:
        """Whether a second try makes sense (the connection or the server's session is gone) and does no harm."""
        gone = isinstance(lost.error, WSManFaultError | WinRMTransportError | RequestException | OSError)
        return gone and not self._over() and not self._given and (not lost.started or _is_harmless(ask))

    def _failure(self, error: BaseException) -> Failure:
        return failure_of(error, self._endpoint.place, self._endpoint.username)

    def _loss(self, ask: CmdletAsk, lost: _Lost) -> Failure:
        failure = self._failure(lost.error)
        if failure.reason in (FailureReason.SIGN_IN, FailureReason.FORBIDDEN):
            self._refused = failure
            return failure
        if not lost.started or _is_harmless(ask):
            return failure
        return Failure(
            reason=failure.reason,
            says=f"{ask.name} was sent, but {UNKNOWN_END}: {failure.says}",
            next_step="Look at the present state before it is run again.",
        )

    def _overdue(self, ask: CmdletAsk) -> CmdletAnswer:
        """The cmdlet took too long, or nobody waits for it any more: the server is told to stop it."""
        place = self._endpoint.place
        if self._given_up.is_set():  # whoever gave up also closes the session
            says = f"{ask.name} was given up before {place} had answered."
        else:
            says = f"{ask.name} did not end within {self._longest:g} s at {place}."
            self._leave_quickly()
        step = "Look at the load of the Exchange server."
        if not _is_harmless(ask):
            step = f"Look at the present state before it is run again. {step}"
        return CmdletAnswer(failure=Failure(reason=FailureReason.UNREACHABLE, says=says, next_step=step))

    def _leave_quickly(self) -> None:
        """End the session at the server, which ends what it runs, without much waiting."""
        self._way.unbar()
        pool = self._pool
        if pool is not None:
            pool.connection.transport.connection_timeout = FAREWELL_SECONDS
            pool.connection.transport.read_timeout = FAREWELL_SECONDS
            with suppress(Exception):
                pool.close()
        self._discard()


class _OutputAsText(Serializer):
    """Leaves pipeline output as it came: XML text. Everything else pypsrp reads itself."""

    def deserialize(self, element: Any, metadata: Any = None, clear: bool = True) -> Any:
        """An element or its text as a Python value."""
        if isinstance(element, str):
            if "<!DOCTYPE" in element:
                raise CannotGoOn(
                    Failure(
                        reason=FailureReason.MALFORMED,
                        says="A remoting message in the reply declares a document type (DOCTYPE), which is never read.",
                        next_step="Ask what answers there: no Exchange server sends such messages.",
                    )
                )
            if metadata is None:
                return element
        return super().deserialize(element, metadata, clear)


def _checked(send: Callable[..., bytes]) -> Callable[..., bytes]:
    """``send`` of pypsrp's transport with every reply through our own XML parser before pypsrp's."""

    def sent(message: bytes, **options: Any) -> bytes:
        try:
            reply = send(message, **options)
        except WinRMTransportError as error:
            _refuse_hostile(str(error.response_text).encode())
            raise
        _refuse_hostile(reply, must_be_xml=True)
        return reply

    return sent


def _refuse_hostile(reply: bytes, *, must_be_xml: bool = False) -> None:
    """Raise ``CannotGoOn`` for a reply pypsrp's parser must not see. The page of an error need not be XML."""
    try:
        parse_xml(reply)
    except XmlRefused as refused:
        if must_be_xml or b"<!" in reply:
            raise CannotGoOn(
                Failure(
                    reason=FailureReason.MALFORMED,
                    says=f"The reply is not remote PowerShell's: {refused}",
                    next_step="Check exchange.powershell_url, and what answers there.",
                )
            ) from None


def _is_harmless(ask: CmdletAsk) -> bool:
    return ask.name.lower().startswith(_HARMLESS)


def argument(value: Any) -> Any:
    """A parameter's value as pypsrp sends it: lists for tuples, a hash table for a dict, text for an instant."""
    if isinstance(value, Mapping):
        return {str(key): argument(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [argument(entry) for entry in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, int) and not isinstance(value, bool) and not -_INT32 <= value < _INT32:
        return TaggedValue("I64", str(value))
    return value


def read_answer(shell: PowerShell, ask: CmdletAsk) -> CmdletAnswer:
    """What an ended pipeline wrote."""
    errors = shell.streams.error
    unavailable = next((error for error in errors if str(error.fq_error or "").startswith(_UNAVAILABLE)), None)
    if unavailable is not None:
        return CmdletAnswer(
            failure=Failure(
                reason=FailureReason.FORBIDDEN,
                says=f"{ask.name} is not available to this account: {_sentence(unavailable).partition('. ')[0]}",
                next_step="Give the account a role group that holds the cmdlet and its parameters, or check the "
                "version of Exchange.",
            )
        )
    sentences = tuple(_sentence(error) for error in errors)
    if not sentences and shell.state != PSInvocationState.COMPLETED:
        sentences = (f"{ask.name} ended without a result, and Exchange gave no reason.",)
    try:
        objects = tuple(one for output in shell.output for one in _objects(output))
    except (XmlRefused, ClixmlRefused) as refused:
        return CmdletAnswer(
            failure=Failure(
                reason=FailureReason.MALFORMED, says=f"An object of {ask.name} could not be read: {refused}"
            )
        )
    return CmdletAnswer(
        objects=objects,
        errors=sentences,
        warnings=tuple(str(warning.message) for warning in shell.streams.warning),
        not_found=any(_is_absent(error) for error in errors),
    )


def _objects(output: Any) -> list[dict[str, Any]]:
    """The objects in one output; a bare value becomes an object, as ``clixml.read`` makes it."""
    if not isinstance(output, str) or not output:
        return []
    value = read_element(parse_xml(output.encode()))
    items = value if isinstance(value, list) else [value]
    return [
        item if isinstance(item, dict) else {"ToString": text(item), "Value": item}
        for item in items
        if item is not None
    ]


def _sentence(error: Any) -> str:
    """The text an error record shows people."""
    said = getattr(error, "_to_string", None)
    if not said:
        inner = getattr(error.exception, "adapted_properties", {}) if error.exception is not None else {}
        said = inner.get("Message") or error.message
    return " ".join(str(said or "An error without a text.").split())


def _is_absent(error: Any) -> bool:
    reason = str(error.reason or "")
    return reason in _ABSENT or any(f"Cmdlet-{name}]" in str(error.fq_error or "") for name in _ABSENT)
