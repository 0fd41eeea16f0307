"""The peer of ``bench/doctor.py``: the questions the doctor asks EWS about one mailbox, written with exchangelib.

Both ask the same lab over the same slow line: the delegates, the automatic replies, and the calendar once in the name
of every service of Teams. The peer is written the obvious way: an account, one question after the other.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import exchangelib
import requests
from doctor_latency import lab, opened
from doctor_line import slow_line
from exchangelib.errors import EWSError
from exchangelib.protocol import BaseProtocol, Protocol
from exchangelib.version import EXCHANGE_2019
from requests.adapters import HTTPAdapter

from hybridge.collectors.mailboxes import collect_mailbox
from hybridge.collectors.probes import collect_callers
from hybridge.config import Config, load
from hybridge.lab.contoso import EWS_URL, MAIL_HOST
from hybridge.net.answerers.once import AskedOnce
from hybridge.rules import built_in

MAILBOX = "ada@contoso.com"


@dataclass(frozen=True)
class Pair:
    """Seconds of both."""

    ours: float
    peer: float


async def ours(config: Config) -> float:
    """Ask as the doctor does."""
    config.exchange = replace(config.exchange, powershell_url="")
    async with opened(config) as live:
        once, began = AskedOnce(live), time.perf_counter()
        await asyncio.gather(
            collect_mailbox(once, MAILBOX, EWS_URL, "hybridge/bench"),
            collect_callers(once, MAILBOX, EWS_URL, built_in().callers.callers),
        )
        return time.perf_counter() - began


def peer(config: Config) -> float:
    """Ask as a script would."""
    place = config.net.connect_to[MAIL_HOST] if MAIL_HOST in config.net.connect_to else _place(config)
    host, _, port = place.rpartition(":")

    class ToTheLab(HTTPAdapter):
        def get_connection_with_tls_context(
            self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
        ) -> Any:
            trust = {"ca_certs": config.net.ca_file, "cert_reqs": "CERT_REQUIRED"}
            name = {"server_hostname": MAIL_HOST, "assert_hostname": MAIL_HOST}
            return self.poolmanager.connection_from_host(host, int(port), "https", trust | name)

        def cert_verify(self, *_: Any, **__: Any) -> None:
            """The pool has its authority already."""

        def add_headers(self, request: requests.PreparedRequest, **_: Any) -> None:
            request.headers["Host"] = MAIL_HOST

    BaseProtocol.HTTP_ADAPTER_CLS = ToTheLab
    began = time.perf_counter()
    for agent in ("hybridge/bench", *(caller.user_agent for caller in built_in().callers.callers)):
        BaseProtocol.USERAGENT = agent
        Protocol.clear_cache()
        with suppress(EWSError, exchangelib.errors.TransportError):
            account = _account(config)
            if agent == "hybridge/bench":
                list(account.delegates)
                account.oof_settings  # noqa: B018 (reading it asks)
            else:
                account.calendar.refresh()
    took = time.perf_counter() - began
    Protocol.clear_cache()
    return took


def _place(config: Config) -> str:
    """Where everything is that has no line of its own."""
    return next(place for name, place in config.net.connect_to.items() if MAIL_HOST in name or place)


def _account(config: Config) -> exchangelib.Account:
    configuration = exchangelib.Configuration(
        service_endpoint=EWS_URL,
        credentials=exchangelib.Credentials(config.exchange.username, config.exchange.password.reveal()),
        auth_type=exchangelib.NTLM,
        version=exchangelib.Version(EXCHANGE_2019),
    )
    return exchangelib.Account(
        MAILBOX,
        config=configuration,
        autodiscover=False,
        access_type=exchangelib.IMPERSONATION,
        default_timezone=exchangelib.UTC,
    )


def measure(folder: Path, delay: float) -> Pair:
    """Both over the slow line, one after the other."""
    with lab(folder) as file, slow_line(load(file), delay) as (config, _):
        theirs = peer(config)
        return Pair(asyncio.run(ours(config)), theirs)
