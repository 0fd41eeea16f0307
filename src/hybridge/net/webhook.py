"""Signed posts to one address: the network half of the webhook sink.

Every request carries ``Hybridge-Signature: t=<seconds since 1970>,v1=<hex>``, where the hex is HMAC-SHA256, under the
key both sides know, over the ASCII digits of ``t``, a full stop and the body as it was sent. A receiver recomputes it
over the raw body, compares in constant time, and refuses what is older than a few minutes (``verified`` does all of
that). After the key is changed both are sent for as long as ``old_key`` is configured: a receiver accepts any ``v1``.

The address is https (http to this machine only); a redirect is an answer like any other and is never followed, so
neither the body nor a token ever goes to another host than the configured one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address

import aiohttp

from hybridge.net.clock import Clock
from hybridge.net.config import NetConfig
from hybridge.net.connect_to import ConnectTo, is_address
from hybridge.net.dns import DnsView, open_resolver
from hybridge.net.http import Network, open_session, send, within_limits
from hybridge.net.rules import host_of, may_connect, place_of, read_url
from hybridge.net.secret import Secret
from hybridge.net.trust import client_context
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, HttpAsk

SIGNATURE = "Hybridge-Signature"
TOLERANCE = timedelta(minutes=5)
ANSWER_LIMIT = 1024 * 1024
"""Bytes of an answer that are read."""


@dataclass(frozen=True)
class WebhookConfig:
    """Where to post. ``key`` signs (at least 16 characters); ``token`` is sent as a bearer token if there is one."""

    url: str
    key: Secret = field(default_factory=Secret)
    old_key: Secret = field(default_factory=Secret)
    token: Secret = field(default_factory=Secret)


def webhook_fault(config: WebhookConfig) -> Failure | None:
    """What is wrong with the configuration, before anything is sent."""
    url = read_url(config.url)
    if isinstance(url, Failure):
        return url
    if url.scheme != "https" and not _is_loopback(host_of(url)):
        return _not_configured(f"Presence is not posted to {host_of(url)} over plain http.", "Use https.")
    if len(config.key.reveal()) < 16:
        return _not_configured(
            f"The key that signs what is posted to {host_of(url)} has less than 16 characters.",
            "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    return None


def signed(body: bytes, at: datetime, *keys: Secret) -> str:
    """The value of the signature header for ``body`` sent at ``at``."""
    seconds = int(at.timestamp())
    return ",".join([f"t={seconds}", *(f"v1={_mac(key, seconds, body)}" for key in keys if key)])


def verified(header: str, body: bytes, now: datetime, key: Secret, tolerance: timedelta = TOLERANCE) -> bool:
    """Whether ``body`` was signed with ``key`` not longer than ``tolerance`` ago: the receiver's half."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    if len(stamps) != 1 or not stamps[0].isascii() or not stamps[0].isdigit() or len(stamps[0]) > 12:
        return False
    seconds = int(stamps[0])
    if abs(now.timestamp() - seconds) > tolerance.total_seconds():
        return False
    right = _mac(key, seconds, body)
    return any(hmac.compare_digest(right.encode(), value.encode()) for name, _, value in parts if name == "v1")


def _mac(key: Secret, seconds: int, body: bytes) -> str:
    return hmac.new(key.reveal().encode(), b"%d." % seconds + body, hashlib.sha256).hexdigest()


class Webhook:
    """Posts to ``config.url``; opened on first use, ``close`` it in the end. Failures are values."""

    def __init__(self, config: WebhookConfig, net: NetConfig, clock: Clock) -> None:
        self._config = config
        self._net = net
        self._clock = clock
        self._network: Network | Failure | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def place(self) -> str:
        """The host, for sentences."""
        url = read_url(self._config.url)
        return "the webhook" if isinstance(url, Failure) else place_of(url)

    def fault(self) -> Failure | None:
        """Why nothing can be posted at all, or None."""
        network = self._opened()
        url = read_url(self._config.url)
        if isinstance(network, Failure):
            return network
        if isinstance(url, Failure):
            return url
        return webhook_fault(self._config) or may_connect(url, self._net, ConnectTo(self._net.connect_to))

    async def post(self, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Sign and send once."""
        failure, network = self.fault(), self._opened()
        if failure is not None or isinstance(network, Failure):
            return HttpAnswer(failure=failure)
        if self._session is None:
            self._session = open_session(network, decompress=True)
        session = self._session
        signature = signed(body, self._clock.now(), self._config.key, self._config.old_key)
        ask = HttpAsk(
            method="POST",
            url=self._config.url,
            headers=(*headers.items(), (SIGNATURE, signature)),
            body=body,
            limit=ANSWER_LIMIT,
        )
        extra = {"Authorization": f"Bearer {self._config.token.reveal()}"} if self._config.token else {}
        return await within_limits(network, self.place, lambda: send(session, ask, extra=extra))

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> Network | Failure:
        if self._network is None:
            tls = client_context(self._net.ca_file)
            if isinstance(tls, Failure):
                self._network = tls
            else:
                resolver = open_resolver(self._net, DnsView(self._net))
                self._network = Network(net=self._net, tls=tls, resolver=resolver, clock=self._clock)
        return self._network


def _is_loopback(host: str) -> bool:
    return ip_address(host).is_loopback if is_address(host) else host == "localhost"


def _not_configured(says: str, next_step: str) -> Failure:
    return Failure(reason=FailureReason.NOT_CONFIGURED, says=says, next_step=next_step)
