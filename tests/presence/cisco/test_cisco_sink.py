"""The Cisco sink against a stand-in for a node over TLS: the calls are Cisco's, the refusals are the stand-in's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.presence.cisco.imp_server import APPLICATION, DOMAIN, PASSWORD, Node, serving

from hybridge.lab.serve.ca import Authority
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SetClock, SystemClock
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.presence.people import Person
from hybridge.presence.sinks.base import Desired, Later, Published, Refused, SinkDown
from hybridge.presence.sinks.cisco import UNVERIFIED, CiscoSettings, CiscoSink
from hybridge.presence.states import PresenceState as State
from hybridge.wire import cisco_presence as wire
from hybridge.wire.ask import Answerer, Failure, HttpAnswer
from hybridge.wire.xml import XmlRefused

pytestmark = pytest.mark.wire
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ONE, TWO = "imp1.contoso.com", "imp2.contoso.com"


@dataclass
class Cluster:
    """Two nodes: ada lives on the first, grace on the second."""

    clock: SetClock
    one: Node
    two: Node
    answerer: Answerer

    def sink(self, password: str = PASSWORD, **changes: Any) -> CiscoSink:
        settings = CiscoSettings(hosts=(ONE, TWO), application_user=APPLICATION, domain=DOMAIN, experimental=True)
        return CiscoSink(msgspec.structs.replace(settings, **changes), self.answerer, lambda: password)

    def wanted(self, state: State | None, user: str = "ada", minutes: float | None = 10, keep: float = 60) -> Desired:
        now = self.clock.now()
        return Desired(
            person=Person(address=f"{user}@{DOMAIN}", source="exchange", jid=f"{user}@{DOMAIN}"),
            state=state,
            until=None if minutes is None else now + timedelta(minutes=minutes),
            expires_at=now + timedelta(minutes=keep),
        )


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    clock = SetClock(NOW)
    authority = Authority(SystemClock().now())
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(authority.root_pem)
    one = Node(ONE, clock, {"ada"}, {"grace": f"{TWO}:8083", "linus": "imp3.contoso.com:8083"})
    two = Node(TWO, clock, {"grace"})
    async with serving(one, authority) as first, serving(two, authority) as second:
        places = {f"{ONE}:8083": f"127.0.0.1:{first}", f"{TWO}:8083": f"127.0.0.1:{second}"}
        net = NetConfig(connect_to=places, ca_file=str(ca_file), only_mapped=True)
        async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as live:
            yield Cluster(clock, one, two, live)


async def test_it_is_only_tried_where_somebody_said_so(cluster: Cluster) -> None:
    with pytest.raises(SinkDown, match="experimental") as caught:
        await cluster.sink(experimental=False).open()
    assert all(one in caught.value.says for one in UNVERIFIED)
    assert caught.value.credential
    assert cluster.one.asked == []


async def test_a_meeting_is_a_device_that_expires(cluster: Cluster) -> None:
    sink = cluster.sink()
    await sink.open()
    assert await sink.publish([cluster.wanted(State.IN_A_MEETING)], cluster.clock.now()) == (Published(),)
    assert cluster.one.says("ada") == ("busy", "meeting")
    assert cluster.one.devices["ada", "hybridge-calendar"].override == "false"
    cluster.clock.advance(timedelta(minutes=10))
    assert cluster.one.says("ada") == ()


async def test_the_lease_bounds_it_when_the_gateway_dies(cluster: Cluster) -> None:
    sink = cluster.sink(lease=timedelta(minutes=15))
    for minutes, keep, lasts in ((None, 60, 15), (90, 5, 5), (0.2, 60, 1)):
        await sink.publish([cluster.wanted(State.BUSY, minutes=minutes, keep=keep)], NOW)
        assert cluster.one.devices["ada", "hybridge-calendar"].expires_at == NOW + timedelta(minutes=lasts)


async def test_withdrawing_says_available_for_a_minute(cluster: Cluster) -> None:
    sink = cluster.sink()
    for over in (
        cluster.wanted(None),
        cluster.wanted(State.AVAILABLE),
        cluster.wanted(State.BUSY, minutes=-1),
        cluster.wanted(State.UNKNOWN),
    ):
        await sink.publish([cluster.wanted(State.IN_A_MEETING)], NOW)
        assert await sink.publish([over], NOW) == (Published(),)
        assert cluster.one.says("ada") == ("available",)
        assert cluster.one.devices["ada", "hybridge-calendar"].expires_at == NOW + timedelta(minutes=1)


@pytest.mark.parametrize("state", list(State))
async def test_only_what_the_samples_show_is_said(cluster: Cluster, state: State) -> None:
    await cluster.sink().publish([cluster.wanted(state)], NOW)
    assert set(cluster.one.says("ada")) <= set(wire.ACTIVITIES)


async def test_people_are_followed_to_their_node_and_nowhere_else(cluster: Cluster) -> None:
    sink = cluster.sink()
    people = [cluster.wanted(State.BUSY, user) for user in ("ada", "grace", "linus", "ghost")]
    foreign = msgspec.structs.replace(people[0], person=Person(address="x@x.com", source="", jid="x@fabrikam.com"))
    results = await sink.publish([*people, foreign], NOW)
    assert [type(one) for one in results] == [Published, Published, Refused, Refused, Refused]
    assert "imp3.contoso.com" in str(results[2])
    assert (cluster.one.says("ada"), cluster.two.says("grace")) == (("busy",), ("busy",))
    assert not sink.serves(foreign.person)


async def test_a_session_is_used_again_and_made_anew_when_it_ran_out(cluster: Cluster) -> None:
    sink = cluster.sink()
    for _ in range(3):
        await sink.publish([cluster.wanted(State.BUSY)], NOW)
    assert sum("sessions" in one for one in cluster.one.asked) == 2, "the application's and ada's"
    cluster.one.keys.clear()
    assert await sink.publish([cluster.wanted(State.IN_A_MEETING)], NOW) == (Published(),)
    assert cluster.one.says("ada") == ("busy", "meeting")


async def test_a_wrong_password_is_tried_once(cluster: Cluster) -> None:
    sink = cluster.sink(password="wrong")
    for _ in range(3):
        with pytest.raises(SinkDown, match="did not sign in") as caught:
            await sink.publish([cluster.wanted(State.BUSY)], NOW)
        assert caught.value.credential
        assert "wrong" not in caught.value.says + caught.value.next_step
    assert len(cluster.one.asked) == 1


async def test_a_server_in_trouble(cluster: Cluster) -> None:
    sink = cluster.sink()
    cluster.one.broken = 503
    [result] = await sink.publish([cluster.wanted(State.BUSY)], NOW)
    assert isinstance(result, Later)
    unreachable = cluster.sink(hosts=("imp9.contoso.com",))
    with pytest.raises(SinkDown) as caught:
        await unreachable.open()
    assert not caught.value.credential


async def test_closing_signs_the_application_out_and_withdraws_nothing(cluster: Cluster) -> None:
    sink = cluster.sink()
    await sink.publish([cluster.wanted(State.BUSY)], NOW)
    await sink.close()
    assert APPLICATION not in cluster.one.keys.values()
    assert cluster.one.says("ada") == ("busy",)


def test_what_is_written_is_read() -> None:
    said = wire.RichPresence(entity="a&b@contoso.com", user="a&b", device='"d"', activities=("busy", "meeting"))
    ask = wire.ask_set("imp1.contoso.com:8083", "key", said, 60)
    assert wire.read_presence(ask.body) == said
    assert wire.read_path("/presence-service/users/a%26b/presence/rich") == ("a&b", "presence/rich")
    assert wire.read_path("/presence-service/users/a/b/c") is None
    with pytest.raises(XmlRefused):
        wire.read_presence(b"<presence/>")


@pytest.mark.parametrize(
    "answer",
    [
        HttpAnswer(status=307, headers=(("location", "http://imp2.contoso.com/x"),)),
        HttpAnswer(status=307, headers=(("location", "https://["),)),
        HttpAnswer(status=201, body=b"<session><sessionKey>a b\r\nHost: x</sessionKey></session>"),
        HttpAnswer(status=201, body=b"<session/>"),
        HttpAnswer(status=201, body=b"<!DOCTYPE x><session/>"),
        HttpAnswer(status=500),
    ],
)
def test_odd_sessions_are_failures(answer: HttpAnswer) -> None:
    assert isinstance(wire.read_session(answer), Failure)
