"""What a colleague sees in a real XMPP client while a gateway over a whole lab lives, is killed, and stays dead."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.test_presence_gateway import ADA, Office, office, streaming
from tests.presence.prosody import COMPONENT, HOST, SECRET, Onlooker, Prosody, running

pytestmark = [pytest.mark.wire, pytest.mark.slow]
__all__ = ["office"]
TTL = 6
"""Seconds a state outlives the gateway."""
SINK = f"""
[[presence.xmpp]]
name = "chat"
component = "{COMPONENT}"
domain = "{HOST}"
secret = "{SECRET}"
ttl = {TTL}
port = """


def configure(office: Office, server: Prosody) -> None:
    office.configure(300)
    (office.folder / "staff.txt").write_text(f"address,jid\n{ADA},alice@{HOST}\n", encoding="utf-8")
    text = office.config.read_text(encoding="utf-8").replace("sweep = 300", f"sweep = 300\nexpiry = {TTL}")
    office.config.write_text(f"{text}{SINK}{server.component_port}\n", encoding="utf-8")


async def test_a_meeting_in_a_chat_client(office: Office, tmp_path: Path) -> None:
    with running(tmp_path / "prosody", accounts={"alice": ["bob"], "bob": ["alice"]}) as server:
        configure(office, server)
        bob = await Onlooker("bob", server=server).log_in()
        try:
            await _through_a_kill(office, bob)
            await _dead_for_good(office, bob)
        finally:
            await bob.log_out()


async def _through_a_kill(office: Office, bob: Onlooker) -> None:
    """In a meeting within a second of its begin, through a kill and a restart, until its end."""
    async with office.gateway() as gateway:
        await office.until(lambda: office.states() == ["available"])
        await streaming(office)
        begins, length = datetime.now(UTC) + timedelta(seconds=5), timedelta(seconds=20)
        office.meeting(timedelta(seconds=5), length)
        await bob.sees(lambda one: one.shows("alice") == ["dnd"])
        assert timedelta(0) <= datetime.now(UTC) - begins < timedelta(seconds=1)
        assert bob.activity("alice") in (None, "working/in_a_meeting")
        gateway.kill()
        await gateway.wait()
    async with office.gateway():
        await bob.sees(lambda one: one.shows("alice") != ["dnd"])
        assert timedelta(0) <= datetime.now(UTC) - begins - length < timedelta(seconds=1)
        assert bob.shows("alice") == ["dnd", "unavailable"]


async def _dead_for_good(office: Office, bob: Onlooker) -> None:
    """What a dead gateway showed vanishes by itself."""
    async with office.gateway() as gateway:
        await streaming(office)
        office.meeting(-timedelta(minutes=1), timedelta(hours=1))
        await bob.sees(lambda one: one.shows("alice") == ["dnd", "unavailable", "dnd"])
        gateway.kill()
        await gateway.wait()
        died_at = datetime.now(UTC)
        async with asyncio.timeout(TTL + 10):
            await bob.sees(lambda one: one.shows("alice") == ["dnd", "unavailable", "dnd", "unavailable"])
        assert datetime.now(UTC) - died_at < timedelta(seconds=TTL + 5)
