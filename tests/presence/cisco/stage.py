"""A stand-in for a Cisco node as the contract of sinks wants it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from tests.presence.cisco.imp_server import APPLICATION, DOMAIN, PASSWORD, Node, serving

from hybridge.lab.serve.ca import Authority
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import Clock, SetClock, SystemClock
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.presence.people import Person
from hybridge.presence.sinks.cisco import CiscoSettings, CiscoSink
from hybridge.presence.states import PresenceState
from hybridge.wire.ask import Answerer

HOST = "imp1.contoso.com"


def person(user: str) -> Person:
    """A person known by the same name everywhere."""
    return Person(address=f"{user}@{DOMAIN}", source="exchange", jid=f"{user}@{DOMAIN}")


class CiscoStage:
    """One node. The onlooker sees a person's devices together, and everybody's Jabber says available."""

    known = (person("ada"), person("grace"))
    stranger: Person | None = person("ghost")
    looks: Mapping[PresenceState | None, str] = {
        PresenceState.IN_A_MEETING: "busy meeting",
        PresenceState.OUT_OF_OFFICE: "away",
        None: "available",
    }
    ttl = timedelta(minutes=10)
    refuses_older = False

    def __init__(self, authority: Authority) -> None:
        self._clock = SetClock(SystemClock().now())
        self.clock: Clock = self._clock
        self.node = Node(HOST, self._clock, {"ada", "grace"})
        self.port = 0
        self.answerer: Answerer | None = None
        self._authority = authority
        self._serving = AsyncExitStack()

    def sink(self) -> CiscoSink:
        """As the configuration makes it."""
        assert self.answerer is not None
        settings = CiscoSettings(hosts=(HOST,), application_user=APPLICATION, domain=DOMAIN, experimental=True)
        return CiscoSink(settings, self.answerer, lambda: PASSWORD)

    async def sees(self, person: Person, look: str) -> None:
        """What the node keeps."""
        says = self.node.says(person.jid.partition("@")[0]) or ("available",)
        assert " ".join(says) == look

    async def outlive(self) -> None:
        """The node has the same clock."""
        self._clock.advance(self.ttl)

    async def fail(self) -> None:
        """Nobody listens any more."""
        await self._serving.aclose()

    async def recover(self) -> None:
        """Listen, at the same port as before."""
        self.port = await self._serving.enter_async_context(serving(self.node, self._authority, self.port))


@asynccontextmanager
async def cisco(folder: Path) -> AsyncIterator[CiscoStage]:
    """A node of its own for each."""
    authority = Authority(SystemClock().now())
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(authority.root_pem)
    stage = CiscoStage(authority)
    await stage.recover()
    net = NetConfig(connect_to={f"{HOST}:8083": f"127.0.0.1:{stage.port}"}, ca_file=str(ca_file), only_mapped=True)
    async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as stage.answerer:
        yield stage
    await stage.fail()
