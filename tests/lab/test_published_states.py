"""However a host or path of Contoso is published, a client on the wire and one in process see the same of it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from tests.loop.walk import NOW, new_estate

from hybridge.collectors.publishing import collect_publishing
from hybridge.collectors.reading import key
from hybridge.config import load
from hybridge.evidence import Seen
from hybridge.lab.contoso import AUTODISCOVER_HOST, DOMAIN, EWS_URL, MAIL_HOST
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.lab.serve.running import running_lab
from hybridge.lab.site import contoso_site
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SetClock
from hybridge.org.probes import PublishedHostProbe, PublishedPathProbe
from hybridge.org.records import PublishedHost, PublishedPath
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer

pytestmark = pytest.mark.wire
ON = Premises.ON_PREMISES

HOST_STATES: dict[str, dict[str, object]] = {
    "good": {},
    "unresolved": {"resolves": False},
    "refused": {"network": "refused"},
    "reset": {"network": "reset"},
    "silent": {"network": "silent"},
    "expired": {"certificate": "expired"},
    "not yet valid": {"certificate": "not-yet-valid"},
    "wrong name": {"certificate": "wrong-name"},
    "self-signed": {"certificate": "self-signed"},
    "untrusted": {"certificate": "untrusted"},
    "no chain": {"certificate": "no-chain"},
    "client certificate": {"client_certificate_requested": True},
    "only old TLS": {"oldest_tls": "1.0", "newest_tls": "1.1"},
    "old TLS too": {"oldest_tls": "1.0"},
    "TLS 1.2 alone": {"newest_tls": "1.2"},
    "TLS 1.3 alone": {"oldest_tls": "1.3"},
    "clock behind": {"clock_skew_seconds": -900},
    "clock ahead": {"clock_skew_seconds": 7200},
}
PATH_STATES = (
    "exchange",
    "nothing-there",
    "login-page",
    "denied",
    "proxy-denied",
    "bridge-error",
    "moved",
    "anonymous",
    "no-methods",
    "only-digest",
    "only-forms",
    "lacks-negotiate",
    "cut",
)


class Twins:
    """The same estate, met in process and over TLS."""

    def __init__(self, estate: Estate, live: Answerer) -> None:
        self.estate = estate
        self.both = (InProcess(estate), live)

    async def seen(self) -> list[list[object]]:
        """What each sees, without what no two certificates and no two sentences share."""
        return [[_plain(probe) for probe in await _probes(one)] for one in self.both]


async def _probes(answerer: Answerer) -> list[PublishedHostProbe | PublishedPathProbe]:
    readings = await collect_publishing(answerer, EWS_URL, "", DOMAIN)
    hosts, paths = readings[key(PublishedHostProbe, ON)], readings[key(PublishedPathProbe, ON)]
    assert isinstance(hosts, Seen) and isinstance(paths, Seen), (hosts, paths)
    return [*hosts.records, *paths.records]  # type: ignore[list-item]


def _plain(probe: PublishedHostProbe | PublishedPathProbe) -> object:
    if isinstance(probe, PublishedHostProbe):
        plain = msgspec.structs.replace(probe, says="", not_before=None, not_after=None, thumbprint="")
        return msgspec.structs.replace(plain, stopped="cut" if probe.stopped in ("reset", "timeout") else probe.stopped)
    ahead = probe.clock_ahead_seconds
    return msgspec.structs.replace(probe, says="", clock_ahead_seconds=None if ahead is None else round(ahead, -1))


@pytest_asyncio.fixture
async def twins(tmp_path: Path) -> AsyncIterator[Twins]:
    clock = SetClock(NOW)
    estate = new_estate(clock)
    async with running_lab(estate, tmp_path / "state", contoso_site(estate)) as running:
        file = tmp_path / "hybridge.toml"
        file.write_text(running.toml, encoding="utf-8")
        config = load(file)
        net = dataclasses.replace(config.net, timeout=2.0)
        async with open_live(net, config.exchange, config.entra, clock) as live:
            yield Twins(estate, live)


@pytest.mark.parametrize("host", [MAIL_HOST, AUTODISCOVER_HOST])
@pytest.mark.parametrize("state", HOST_STATES)
async def test_a_host(state: str, host: str, twins: Twins) -> None:
    before = await twins.seen()
    assert before[0] == before[1]
    twins.estate.organization = twins.estate.organization.edit(
        PublishedHost, lambda one: one.identity == host, **HOST_STATES[state]
    )
    in_process, on_the_wire = await twins.seen()
    assert in_process == on_the_wire
    assert (in_process != before[0]) is (state != "good")


@pytest.mark.parametrize("path", ["/ews", "/api", "/autodiscover"])
@pytest.mark.parametrize("state", PATH_STATES)
async def test_a_path(state: str, path: str, twins: Twins) -> None:
    host = AUTODISCOVER_HOST if path == "/autodiscover" else MAIL_HOST
    twins.estate.organization = twins.estate.organization.edit(
        PublishedPath, lambda one: (one.host, one.path) == (host, path), answered_by=state
    )
    in_process, on_the_wire = await twins.seen()
    if state == "cut":
        in_process, on_the_wire = ([_torn(one) for one in seen] for seen in (in_process, on_the_wire))
    assert in_process == on_the_wire


def _torn(probe: object) -> object:
    """A cut answer is seen as cut, or as a connection that was closed: both count."""
    if isinstance(probe, PublishedPathProbe) and probe.failure in ("malformed", "unreachable"):
        return msgspec.structs.replace(probe, failure="cut")
    return probe
