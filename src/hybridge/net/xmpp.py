"""A connection to an XMPP server as an external component (XEP-0114), over slixmpp.

XEP-0114 knows no TLS: the stream is in the clear, and so is everything about everybody that goes over it (the secret
itself is only ever sent as a hash). It is therefore opened to this machine only, or to a server for which the
configuration says ``allow_plaintext``, because the network between is the administrator's own (a private segment, a
tunnel).

Failures are values. One call of ``connect`` is one attempt: when to try again is the outbox's to decide.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from itertools import count
from typing import Any

from slixmpp import ComponentXMPP
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from hybridge.net.config import NetConfig
from hybridge.net.connect_to import ConnectTo, is_address
from hybridge.net.secret import Secret
from hybridge.wire.ask import Failure, FailureReason

COMPONENT_PORT = 5347
_ACCEPT = "jabber:component:accept"
_STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
Children = tuple[Mapping[str, str], ...]
Lost = Callable[[Failure], None]


@dataclass(frozen=True)
class XmppConfig:
    """One component of one server. ``component`` is its name (``cal.corp.test``), ``host`` the XMPP domain it
    publishes for (``corp.test``), ``server`` and ``port`` where the server listens for components; ``timeout`` is in
    seconds for one answer."""

    component: str
    host: str
    secret: Secret = field(default_factory=Secret)
    server: str = "127.0.0.1"
    port: int = COMPONENT_PORT
    allow_plaintext: bool = False
    timeout: float = 10.0


@dataclass(frozen=True)
class Answered:
    """A result: the attributes of the payload, and those of each of its children, in order."""

    payload: Mapping[str, str]
    children: Children


def place_to_connect(config: XmppConfig, net: NetConfig) -> tuple[str, int] | Failure:
    """Address or name, and port, to connect to: by ``net.connect_to`` where it has an entry.

    Refused are a stream in the clear to another machine, unless the configuration allows it, and, with
    ``net.only_mapped``, every other machine that has no entry.
    """
    mapped = ConnectTo(net.connect_to).find(config.server, config.port)
    server, port = mapped or (config.server, config.port)
    if _is_loopback(server):
        return server, port
    if net.only_mapped and mapped is None:
        return Failure(
            reason=FailureReason.REFUSED,
            says=f"{config.server} is not connected to: net.only_mapped allows only the hosts of net.connect_to.",
            next_step="Add it there.",
        )
    if config.allow_plaintext:
        return server, port
    return Failure(
        reason=FailureReason.REFUSED,
        says=f"The component connection to {config.server} would be in the clear: XEP-0114 knows no TLS.",
        next_step="Run the gateway beside the XMPP server, use a tunnel that ends at 127.0.0.1, or, if the network"
        " between is private, set allow_plaintext = true for this sink.",
    )


def _is_loopback(server: str) -> bool:
    return ipaddress.ip_address(server).is_loopback if is_address(server) else server.lower() == "localhost"


class XmppComponent:
    """The connection. ``connect``, then ``ask`` as often as wanted, several at once; ``close`` in the end."""

    def __init__(self, config: XmppConfig, net: NetConfig | None = None) -> None:
        self.config = config
        self._net = net or NetConfig()
        self._stream: ComponentXMPP | None = None
        self._waiting: dict[str, asyncio.Future[Answered | Failure]] = {}
        self._numbers = count(1)
        self._lost: Lost = lambda _failure: None

    def when_lost(self, tell: Lost) -> None:
        """Call ``tell`` when an established connection is lost, but not for ``close``."""
        self._lost = tell

    @property
    def host(self) -> str:
        """The XMPP domain it publishes for."""
        return self.config.host

    async def connect(self) -> Failure | None:
        """Connect and sign in: one attempt. None when that is done, or was."""
        if self._stream is not None:
            return None
        place = place_to_connect(self.config, self._net)
        if isinstance(place, Failure):
            return place
        stream = self._new_stream(*place)
        ready: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()
        _listen(stream, ready, self.config)
        stream.connect()
        try:
            async with asyncio.timeout(self.config.timeout):
                failure = await ready
        except TimeoutError:
            failure = _unreachable(self.config, f"did not answer within {self.config.timeout:g} s")
        finally:
            stream.cancel_connection_attempt()
        if failure is not None:
            await _stop(stream)
            return failure
        self._stream = stream
        stream.add_event_handler("disconnected", self._disconnected)
        return None

    async def ask(self, payload: str) -> Answered | Failure:
        """Send an IQ of type set with that payload (well-formed XML with its namespace) and wait for its answer."""
        stream = self._stream
        if stream is None:
            return _unreachable(self.config, "is not connected")
        number = f"h{next(self._numbers)}"
        answer: asyncio.Future[Answered | Failure] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        config = self.config
        try:
            stream.send_raw(
                f"<iq type='set' from='{escape(config.component)}' to='{escape(config.host)}' id='{number}'>"
                f"{payload}</iq>"
            )
            async with asyncio.timeout(config.timeout):
                return await answer
        except TimeoutError:
            return _unreachable(config, f"did not answer within {config.timeout:g} s")
        except OSError as error:
            return _unreachable(config, f"took no more ({error})")
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """End the stream. Never raises; what was asked is answered with a failure."""
        stream, self._stream = self._stream, None
        self._answer_all(_unreachable(self.config, "was disconnected"))
        if stream is not None:
            stream.del_event_handler("disconnected", self._disconnected)
            await _stop(stream)

    def _new_stream(self, server: str, port: int) -> ComponentXMPP:
        config = self.config
        secret = config.secret.reveal()
        stream = ComponentXMPP(config.component, secret, server, port)  # type: ignore[no-untyped-call]
        stream.register_handler(Callback("answers", MatchXPath(f"{{{_ACCEPT}}}iq"), self._answered))
        return stream

    def _answered(self, iq: Any) -> None:
        waiting = self._waiting.get(iq["id"])
        if waiting is None or waiting.done() or iq["type"] not in ("result", "error"):
            return
        waiting.set_result(_read_error(iq.xml, self.config) if iq["type"] == "error" else _read_result(iq.xml))

    def _disconnected(self, _reason: Any) -> None:
        stream, self._stream = self._stream, None
        if stream is not None and stream._run_out_filters is not None:
            stream._run_out_filters.cancel()
        failure = _unreachable(self.config, "closed the connection")
        self._answer_all(failure)
        self._lost(failure)

    def _answer_all(self, failure: Failure) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(failure)


def _listen(stream: ComponentXMPP, ready: asyncio.Future[Failure | None], config: XmppConfig) -> None:
    """Settle ``ready`` by the first thing that happens to the stream."""

    def settle(failure: Failure | None) -> None:
        if not ready.done():
            ready.set_result(failure)

    def stream_error(error: Any) -> None:
        settle(_refused(config, error["condition"], error["text"]))

    stream.add_event_handler("session_start", lambda _event: settle(None))
    stream.add_event_handler("stream_error", stream_error)
    stream.add_event_handler(
        "connection_failed", lambda error: settle(_unreachable(config, f"cannot be reached ({error})"))
    )
    stream.add_event_handler("disconnected", lambda _event: settle(_unreachable(config, "closed the connection")))


async def _stop(stream: ComponentXMPP) -> None:
    """End a stream and everything it started, without waiting for the server's word."""
    stream.cancel_connection_attempt()
    if stream.transport is not None:
        stream.abort()
    if stream._run_out_filters is not None:
        stream._run_out_filters.cancel()
        await asyncio.gather(stream._run_out_filters, return_exceptions=True)


def _read_result(iq: Any) -> Answered:
    payload = next(iter(iq), None)
    if payload is None:
        return Answered({}, ())
    return Answered(dict(payload.attrib), tuple(dict(child.attrib) for child in payload))


def _read_error(iq: Any, config: XmppConfig) -> Failure:
    found = next((child.tag for part in iq for child in part if child.tag.startswith(_STANZAS)), "undefined-condition")
    condition = found.removeprefix(_STANZAS)
    if condition == "forbidden":
        return Failure(
            reason=FailureReason.FORBIDDEN,
            says=f"{config.host} does not let {config.component} publish presence.",
            next_step=f'Set hybridge_presence_component = "{config.component}" for VirtualHost "{config.host}".',
        )
    if condition in ("service-unavailable", "feature-not-implemented"):
        return Failure(
            reason=FailureReason.MALFORMED,
            says=f"{config.host} knows no presence of hybridge: its module hybridge_presence is not loaded.",
            next_step=f'Install it and add "hybridge_presence" to modules_enabled of VirtualHost "{config.host}".',
        )
    if condition == "remote-server-not-found":
        return Failure(
            reason=FailureReason.NOT_CONFIGURED,
            says=f"{config.server} does not serve the XMPP domain {config.host}.",
            next_step="Correct the host of this sink.",
        )
    return Failure(reason=FailureReason.MALFORMED, says=f"{config.host} refused the batch with {condition}.")


def _refused(config: XmppConfig, condition: str, text: str) -> Failure:
    if condition == "not-authorized":
        return Failure(
            reason=FailureReason.SIGN_IN,
            says=f"{config.server} refuses the secret of the component {config.component}.",
            next_step=f'Compare the secret with component_secret of Component "{config.component}" on the server.',
        )
    if condition == "host-unknown":
        return Failure(
            reason=FailureReason.NOT_CONFIGURED,
            says=f"{config.server} knows no component {config.component}.",
            next_step=f'Add Component "{config.component}" with a component_secret to its configuration.',
        )
    if condition == "conflict":
        return Failure(
            reason=FailureReason.REFUSED,
            says=f"Another gateway is connected to {config.server} as {config.component}.",
            next_step="Stop it, or give each its own component.",
        )
    return Failure(
        reason=FailureReason.MALFORMED,
        says=f"{config.server} ended the stream of {config.component}: {condition} {text}".strip() + ".",
    )


def _unreachable(config: XmppConfig, what: str) -> Failure:
    return Failure(
        reason=FailureReason.UNREACHABLE,
        says=f"The XMPP server {config.server} (port {config.port}) {what}.",
        next_step="See whether it runs and listens for components (component_ports, component_interfaces).",
    )
