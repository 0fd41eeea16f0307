"""Shared by the tests through the front door: one lab and one prosody for a file of tests, a colleague for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from tests.presence.end_to_end.front_door import Colleague, Office
from tests.presence.prosody import Prosody, running

from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import contoso
from hybridge.lab.estate import Estate
from hybridge.lab.serve.running import running_lab
from hybridge.lab.site import contoso_site
from hybridge.net.clock import SystemClock

ACCOUNTS = {"bob": ["ada", "alan", "grace"], "ada": ["bob"], "alan": ["bob"], "grace": ["bob"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    clock = SystemClock()
    certificate = make_auth_certificate(clock.now())
    estate = Estate(contoso(clock.now(), certificate), clock=clock.now, certificate=certificate)
    async with running_lab(estate, tmp_path_factory.mktemp("lab") / "state", contoso_site(estate)) as lab:
        yield Office(lab)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    with running(tmp_path_factory.mktemp("xmpp") / "server", accounts=ACCOUNTS) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def bob(server: Prosody) -> AsyncIterator[Colleague]:
    """A colleague in an ordinary XMPP client."""
    client = Colleague("bob", server=server)
    await client.log_in()
    yield client
    await client.log_out()
