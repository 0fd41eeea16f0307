"""What a second real XMPP account sees of a person's calendar, through a real prosody."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from slixmpp import JID
from slixmpp.exceptions import IqError
from tests.presence.prosody import COMPONENT, HOST, SECRET, Onlooker, Prosody, running
from tests.presence.sinks.stages import person, xmpp_sink

from hybridge.net.clock import SystemClock
from hybridge.net.config import NetConfig
from hybridge.net.secret import Secret
from hybridge.net.xmpp import XmppComponent, XmppConfig, place_to_connect
from hybridge.presence.delivery import Delivery
from hybridge.presence.sinks.base import Desired, Published, SinkDown
from hybridge.presence.sinks.xmpp import LOOKS, SILENT, XmppSink
from hybridge.presence.states import PresenceState
from hybridge.wire.ask import Failure, FailureReason

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.wire
MEETING, FREE, OUT = PresenceState.IN_A_MEETING, PresenceState.AVAILABLE, PresenceState.OUT_OF_OFFICE
ACCOUNTS = {"alice": ["bob"], "bob": ["alice"]}
LONG = timedelta(minutes=15)


def now() -> datetime:
    return SystemClock().now()


def desired(user: str, state: PresenceState | None, text: str = "", ttl: timedelta = LONG, fence: int = 1) -> Desired:
    return Desired(person=person(user), state=state, until=None, expires_at=now() + ttl, text=text, fence=fence)


@asynccontextmanager
async def looking(server: Prosody, *users: str) -> AsyncIterator[tuple[Onlooker, ...]]:
    """These users, logged in."""
    clients = tuple([await Onlooker(*user.split("/"), server=server).log_in() for user in users])
    try:
        yield clients
    finally:
        for client in clients:
            await client.log_out()


@asynccontextmanager
async def opened(server: Prosody, ttl: timedelta = LONG) -> AsyncIterator[XmppSink]:
    """An open sink."""
    sink = xmpp_sink(server, ttl)
    await sink.open()
    try:
        yield sink
    finally:
        await sink.close()


async def test_a_meeting_arrives_is_seen_later_too_and_ends(tmp_path: Path) -> None:
    with running(tmp_path / "server", accounts=ACCOUNTS) as server:
        async with opened(server) as sink, looking(server, "bob") as (bob,):
            began = asyncio.get_running_loop().time()
            await sink.publish([desired("alice", MEETING, "In a meeting until 15:00 <&>")], now())
            await bob.sees(lambda b: b.activity("alice") == "working/in_a_meeting" and b.shown("alice") is not None)
            assert asyncio.get_running_loop().time() - began < 1.0
            assert bob.shown("alice") == ("dnd", "In a meeting until 15:00 <&>", -1)
            async with looking(server, "bob/later") as (later,):
                await later.sees(lambda b: b.shown("alice") == ("dnd", "In a meeting until 15:00 <&>", -1))
                await later.sees(lambda b: b.activity("alice") == "working/in_a_meeting")
            await sink.publish([desired("alice", FREE)], now())
            await bob.sees(lambda b: b.shows("alice")[-1] == "unavailable" and b.activity("alice") == "")


async def test_the_same_again_is_not_broadcast_again(tmp_path: Path) -> None:
    with running(tmp_path / "server", accounts=ACCOUNTS) as server:
        async with opened(server) as sink, looking(server, "bob") as (bob,):
            for _ in range(3):
                await sink.publish([desired("alice", MEETING)], now())
            await sink.publish([desired("alice", OUT)], now())
            await bob.sees(lambda b: b.shows("alice")[-1:] == ["xa"])
            assert bob.shows("alice") == ["dnd", "xa"]


async def test_a_dead_gateway_leaves_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "server", accounts=ACCOUNTS, ttl=2) as server:
        async with opened(server, timedelta(seconds=2)) as sink, looking(server, "bob") as (bob,):
            await sink.publish([desired("alice", MEETING, ttl=timedelta(seconds=2))], now())
            await bob.sees(lambda b: b.shows("alice") == ["dnd"])
            await sink.close()
            await bob.sees(lambda b: b.shows("alice") == ["dnd", "unavailable"] and b.activity("alice") == "")


_GATEWAY = """
import asyncio, sys
from datetime import timedelta
sys.path.insert(0, sys.argv[1])
from tests.presence.sinks.stages import xmpp_sink
from tests.presence.sinks.test_xmpp_prosody import MEETING, desired, now

class Server:
    component_port = int(sys.argv[2])

async def main():
    sink = xmpp_sink(Server, timedelta(seconds=4))
    await sink.open()
    await sink.publish([desired("alice", MEETING, ttl=timedelta(seconds=4), fence=int(sys.argv[3]))], now())
    print("published", flush=True)
    await asyncio.Event().wait()

sys.stdin.readline()
asyncio.run(main())
"""


async def test_a_killed_gateway_leaves_no_trace_and_another_no_flap(tmp_path: Path) -> None:
    """SIGKILL; a second gateway says the same in time, so nobody notices; it is killed too, and the state ends."""
    with running(tmp_path / "server", accounts=ACCOUNTS, ttl=4) as server:
        gateways = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", _GATEWAY, str(ROOT), str(server.component_port), fence), stdin=PIPE, stdout=PIPE
            )
            for fence in ("1", "2")
        ]
        async with looking(server, "bob") as (bob,):
            for gateway in gateways:
                assert gateway.stdin is not None and gateway.stdout is not None
                gateway.stdin.write(b"go\n")
                assert await gateway.stdout.readline() == b"published\n"
                gateway.kill()
                await gateway.communicate()
            await bob.sees(lambda b: b.shows("alice")[-1:] == ["unavailable"] and b.activity("alice") == "")
            assert bob.shows("alice") == ["dnd", "unavailable"]


async def test_a_server_that_asks_for_less_is_a_sentence(tmp_path: Path) -> None:
    with running(tmp_path / "server", accounts=ACCOUNTS, ttl=60) as server:
        with pytest.raises(SinkDown, match=r"corp\.test drops a state after 60 s already\.") as down:
            await xmpp_sink(server, LONG).open()
        assert down.value.next_step == "Set hybridge_presence_ttl = 900 there, or a shorter ttl for this sink."
        sink = xmpp_sink(server, timedelta(seconds=60))
        await sink.open()
        await sink.close()


async def test_a_restarted_server_is_told_everything_again(tmp_path: Path) -> None:
    with running(tmp_path / "server", accounts=ACCOUNTS) as server:
        delivery = Delivery(xmpp_sink(server, LONG), SystemClock())
        task = asyncio.create_task(delivery.run())
        async with looking(server, "bob") as (bob,):
            delivery.want(desired("alice", MEETING))
            await bob.sees(lambda b: b.shows("alice") == ["dnd"])
        server.stop(kill=True)
        await asyncio.to_thread(server.start)
        async with looking(server, "bob") as (bob,):
            await bob.sees(lambda b: b.shows("alice")[-1:] == ["dnd"])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_real_clients_are_left_alone(tmp_path: Path) -> None:
    """A client that has the resource keeps it, one that wants it gets it, and no message is lost at ours."""
    with running(tmp_path / "server", accounts=ACCOUNTS) as server:
        async with opened(server) as sink, looking(server, "bob") as (bob,):
            await sink.publish([desired("alice", MEETING)], now())
            await bob.sees(lambda b: b.shows("alice") == ["dnd"])
            alice = await Onlooker("alice", "calendar", server=server).log_in()
            await bob.sees(lambda b: b.shows("alice")[-1] == "available")
            await bob.sees(lambda b: b.shown("alice", "calendar-hybridge") == ("dnd", "", -1))
            bob.send_message(mto=JID(f"alice@{HOST}/calendar-hybridge"), mbody="are you there?", mtype="chat")
            await alice.sees(lambda a: a.messages == ["are you there?"])
            await sink.publish([desired("alice", None)], now())
            await bob.sees(lambda b: b.shown("alice", "calendar-hybridge") == ("unavailable", "", 0))
            assert bob.shows("alice")[-1] == "available"
            await alice.log_out()


async def test_questions_to_the_calendar_are_answered_and_messages_kept(tmp_path: Path) -> None:
    with running(tmp_path / "server", accounts=ACCOUNTS) as server:
        async with opened(server) as sink, looking(server, "bob") as (bob,):
            await sink.publish([desired("alice", MEETING)], now())
            await bob.sees(lambda b: b.shows("alice") == ["dnd"])
            with pytest.raises(IqError) as refused:
                await bob.ask_version(f"alice@{HOST}/calendar")
            assert refused.value.condition == "service-unavailable"
            bob.send_message(mto=JID(f"alice@{HOST}"), mbody="call me", mtype="chat")
            bob.send_message(mto=JID(f"alice@{HOST}/calendar"), mbody="or write", mtype="chat")
            async with looking(server, "alice") as (alice,):
                await alice.sees(lambda a: sorted(a.messages) == ["call me", "or write"])


async def test_an_activity_of_the_person_is_left_alone(tmp_path: Path) -> None:
    with running(tmp_path / "server", accounts=ACCOUNTS) as server:
        async with opened(server) as sink, looking(server, "bob", "alice") as (bob, alice):
            await alice.plugin["xep_0108"].publish_activity("exercising", "running")
            await bob.sees(lambda b: b.activity("alice") == "exercising/running")
            await sink.publish([desired("alice", MEETING)], now())
            await bob.sees(lambda b: b.shows("alice") == ["dnd"])
            await sink.publish([desired("alice", FREE)], now())
            await bob.sees(lambda b: b.shows("alice")[-1] == "unavailable")
            assert bob.activity("alice") == "exercising/running"


async def test_a_wrong_secret_is_one_attempt(tmp_path: Path) -> None:
    with running(tmp_path / "server", accounts=ACCOUNTS) as server:
        with pytest.raises(SinkDown, match=r"refuses the secret of the component cal\.corp\.test") as down:
            await xmpp_sink(server, LONG, "wrong").open()
        assert down.value.credential
        assert server.log().count("Component authentication failed") == 1


async def test_without_the_module_the_sentence_names_it(tmp_path: Path) -> None:
    with running(tmp_path / "server", accounts=ACCOUNTS, module=False) as server:
        with pytest.raises(SinkDown, match="its module hybridge_presence is not loaded") as down:
            await xmpp_sink(server, LONG).open()
        assert "modules_enabled" in down.value.next_step


async def test_only_the_named_component_may_publish(tmp_path: Path) -> None:
    with running(tmp_path / "server", accounts=ACCOUNTS) as server:
        configuration = tmp_path / "server" / "prosody.cfg.lua"
        server.stop()
        configuration.write_text(
            configuration.read_text().replace(
                f'hybridge_presence_component = "{COMPONENT}"', 'hybridge_presence_component = "other.corp.test"'
            )
        )
        server.start()
        with pytest.raises(SinkDown, match=r"corp\.test does not let cal\.corp\.test publish presence"):
            await xmpp_sink(server, LONG).open()
        async with looking(server, "bob") as (bob,):
            bob.send_raw(
                f"<iq type='set' to='{HOST}' id='x1'><publish xmlns='urn:hybridge:presence:1'>"
                f"<person jid='alice@{HOST}' show='dnd'/></publish></iq>"
            )
            bob.send_raw(f"<iq type='get' to='{HOST}' id='x2'><ping xmlns='urn:xmpp:ping'/></iq>")
            bob.send_presence(pshow="xa")
            await bob.sees(lambda b: ("bob@corp.test/onlooker", "xa", "", 0) in b.presences)
            assert bob.shows("alice") == []


async def test_a_second_gateway_with_the_same_name_is_a_sentence(tmp_path: Path) -> None:
    with running(tmp_path / "server", accounts=ACCOUNTS) as server:
        async with opened(server):
            with pytest.raises(SinkDown, match=r"Another gateway is connected to 127\.0\.0\.1 as cal\.corp\.test"):
                await xmpp_sink(server, LONG).open()


async def test_nobody_listens(tmp_path: Path) -> None:
    server = Prosody(tmp_path / "server")
    with pytest.raises(SinkDown, match="cannot be reached") as down:
        await xmpp_sink(server, LONG).open()
    assert down.value.next_step.startswith("See whether it runs")


async def test_odd_names_and_texts_cannot_break_the_stream(tmp_path: Path) -> None:
    with running(tmp_path / "server", accounts=ACCOUNTS) as server:
        async with opened(server) as sink, looking(server, "bob") as (bob,):
            odd = [desired(user, MEETING) for user in ("' show='dnd", "<", "a\u0000b", "", "é", "x" * 3000)]
            results = await sink.publish([*odd, desired("alice", MEETING, "a\u0001\ufffe\n]]>'\"b")], now())
            assert not [each for each in results[:-1] if isinstance(each, Published)]
            assert results[-1] == Published()
            await bob.sees(lambda b: b.shows("alice") == ["dnd"])


def test_plain_text_stays_on_this_machine_unless_it_is_allowed() -> None:
    def place(server: str, *, allow: bool = False, **net: Any) -> tuple[str, int] | Failure:
        config = XmppConfig(COMPONENT, HOST, Secret(SECRET), server=server, allow_plaintext=allow)
        return place_to_connect(config, NetConfig(**net))

    for server in ("127.0.0.1", "::1", "localhost", "127.8.9.1"):
        assert place(server, only_mapped=True) == (server, 5347)
    for server in ("10.0.0.5", "xmpp.corp.test", "localhost.corp.test"):
        refusal = place(server)
        assert isinstance(refusal, Failure) and refusal.reason is FailureReason.REFUSED
        assert "allow_plaintext = true" in refusal.next_step
        assert place(server, allow=True) == (server, 5347)
        refusal = place(server, allow=True, only_mapped=True)
        assert isinstance(refusal, Failure) and "net.only_mapped" in refusal.says
    table = {"xmpp.corp.test": "127.0.0.1:7000", "far.corp.test": "10.0.0.5"}
    assert place("xmpp.corp.test", connect_to=table) == ("127.0.0.1", 7000), "a tunnel that ends here"
    assert isinstance(place("far.corp.test", connect_to=table), Failure)
    assert place("far.corp.test", allow=True, connect_to=table, only_mapped=True) == ("10.0.0.5", 5347)


async def test_nothing_is_connected_to_in_the_clear() -> None:
    failure = await XmppComponent(XmppConfig(COMPONENT, HOST, Secret(SECRET), server="192.0.2.1")).connect()
    assert isinstance(failure, Failure) and "in the clear" in failure.says


def test_every_state_has_a_look_or_is_silent() -> None:
    assert set(LOOKS) | SILENT == set(PresenceState)
    assert {FREE, PresenceState.TENTATIVE, PresenceState.WORKING_ELSEWHERE, PresenceState.UNKNOWN} <= SILENT
