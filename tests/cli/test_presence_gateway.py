"""The gateway as a process over a whole lab: an appointment arrives, a kill changes nothing, reloads, drains, why."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from tests.cli.conftest import Ran, hybridge

from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import contoso
from hybridge.lab.estate import Estate
from hybridge.lab.mail.store import store_of
from hybridge.lab.serve.running import RunningLab, running_lab
from hybridge.lab.site import contoso_site
from hybridge.net.clock import SystemClock
from hybridge.presence.endpoint import read_endpoint
from hybridge.terms.premises import Premises

pytestmark = [pytest.mark.wire, pytest.mark.slow]
ADA, ALAN = "ada@contoso.com", "alan@contoso.com"
SUBJECT = "Canary acquisition"
LONG = 60.0
SECTION = """
[presence]
listen = "127.0.0.1:0"
sweep = {sweep}

[[presence.exchange]]
name = "hq"
hosts = ["ex1.contoso.com", "ex2.contoso.com", "mail.contoso.com"]
username = 'CONTOSO\\svc-hybridge'
password_file = "{password}"
auth = "ntlm"

[[presence.file]]
name = "log"
path = "presence.jsonl"

[[presence.people]]
name = "staff"
source = "hq"
file = "staff.txt"
"""


class Office:
    """A lab, and a folder from which gateways are run."""

    def __init__(self, lab: RunningLab, folder: Path) -> None:
        self.lab = lab
        self.folder = folder
        self.config = folder / "hybridge.toml"
        self.log = folder / "presence.jsonl"
        self.store = store_of(lab.estate)

    def configure(self, sweep: float = 300, *people: str) -> None:
        toml = self.lab.toml.partition("\n[presence]")[0]
        password = next(line.split('"')[1] for line in toml.splitlines() if line.startswith("password_file"))
        (self.folder / "staff.txt").write_text("\n".join(people or (ADA,)) + "\n", encoding="utf-8")
        self.config.write_text(toml + SECTION.format(sweep=sweep, password=password), encoding="utf-8")

    def meeting(self, start: timedelta, length: timedelta, who: str = ADA) -> str:
        begins = datetime.now(UTC) + start
        return self.store.put_simple(
            Premises.ON_PREMISES,
            who,
            subject=SUBJECT,
            start_at=begins,
            end_at=begins + length,
            attendees=("grace@contoso.com",),
        )

    def lines(self, who: str = ADA) -> list[dict[str, Any]]:
        text = self.log.read_text(encoding="utf-8") if self.log.exists() else ""
        return [line for line in map(msgspec.json.decode, text.splitlines()) if line["address"] == who]

    def states(self, who: str = ADA) -> list[str]:
        """The states of a person, each change once."""
        found = [str(line["state"]) for line in self.lines(who)]
        return [state for number, state in enumerate(found) if number == 0 or found[number - 1] != state]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for another process to have done something."""
        async with asyncio.timeout(LONG):
            while not condition():  # noqa: ASYNC110 - a file of another process tells of itself to nobody
                await asyncio.sleep(0.02)

    async def run(self, *arguments: str) -> Ran:
        return await asyncio.to_thread(hybridge, "presence", *arguments, "--config", str(self.config), cwd=self.folder)

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """A gateway in a process of its own, ready; killed at the end if it still runs."""
        with (self.folder / "gateway.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "hybridge", "presence", "run", "--config", str(self.config), stderr=log
            )
        try:
            await self.until(lambda: process.returncode is not None or self.listens(process.pid))
            assert process.returncode is None, self.told()
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def listens(self, pid: int) -> bool:
        """Whether this process has left word where it is steered."""
        endpoint = read_endpoint(self.folder / ".hybridge" / "presence.sqlite")
        return endpoint is not None and endpoint.pid == pid

    def told(self) -> bytes:
        return (self.folder / "gateway.log").read_bytes()


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    clock = SystemClock()
    certificate = make_auth_certificate(clock.now())
    estate = Estate(contoso(clock.now(), certificate), clock=clock.now, certificate=certificate)
    async with running_lab(estate, tmp_path / "lab", contoso_site(estate)) as running:
        yield Office(running, tmp_path)


async def test_an_appointment_arrives_survives_a_kill_and_ends_on_time(office: Office) -> None:
    office.configure(300)
    async with office.gateway() as process:
        await office.until(lambda: office.states() == ["available"])
        await streaming(office)
        before = datetime.now(UTC)
        office.meeting(-timedelta(minutes=1), timedelta(minutes=1, seconds=25))
        await office.until(lambda: office.states() == ["available", "in-a-meeting"])
        assert datetime.now(UTC) - before < timedelta(seconds=5)
        ends_at = datetime.fromisoformat(office.lines()[-1]["until"])
        why = (await office.run("why", ADA, "--format", "json")).json
        assert (why["state"], why["sinks"][0]["shown"]) == ("in-a-meeting", "in-a-meeting")
        text = await office.run("why", ADA)
        assert "ada@contoso.com is In a meeting until" in text.out
        assert "A busy event others were invited to is a meeting" in text.out
        process.send_signal(signal.SIGKILL)
        await process.wait()
    lines = len(office.lines())
    first_fence = office.lines()[-1]["fence"]
    async with office.gateway() as process:
        board = (await office.run("board", "--format", "json")).json
        assert [row["state"] for row in board["people"]] == ["in-a-meeting"]
        await office.until(lambda: len(office.lines()) > lines)
        ended = office.lines()[lines]
        assert ended["state"] == "available"
        late = datetime.fromisoformat(ended["at"]) - ends_at
        assert timedelta(0) <= late < timedelta(seconds=2)
        assert ended["fence"] > first_fence
        assert SUBJECT.encode() not in office.told() + office.log.read_bytes()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert office.states() == ["available", "in-a-meeting", "available"]


async def streaming(office: Office) -> None:
    """Wait until the mailbox is subscribed, so that what happens now is notified."""
    async with asyncio.timeout(LONG):
        while True:
            board = (await office.run("board", "--format", "json")).json
            if any(end["figures"].get("streams") for source in board["sources"] for end in source["endpoints"]):
                return


async def test_people_are_added_while_running_and_a_bad_configuration_is_refused(office: Office) -> None:
    office.configure(300)
    office.meeting(-timedelta(minutes=1), timedelta(hours=1), ALAN)
    async with office.gateway() as process:
        await office.until(lambda: office.states() == ["available"])
        office.configure(300, ADA, ALAN)
        process.send_signal(signal.SIGHUP)
        await office.until(lambda: office.states(ALAN) == ["in-a-meeting"])
        good = office.config.read_text(encoding="utf-8")
        office.config.write_text(good.replace('auth = "ntlm"\n\n[[presence.file]]', 'auth = "nt"\n\n[[presence.file]]'))
        await office.until(lambda: b"configuration refused" in office.told())
        board = await office.run("board")
        assert "trouble:" in board.out and "presence.exchange.0.auth" in board.out
        assert "alan@contoso.com" in board.out
        office.config.write_text(good)
        drained = await office.run("drain")
        assert (drained.code, await process.wait()) == (0, 0)
    assert office.states() == ["available"]
    gone = await office.run("board")
    assert (gone.code, "No presence gateway answers" in gone.err, "hybridge presence run" in gone.err) == (
        3,
        True,
        True,
    )


async def test_the_troubleshooter_tries_every_server_and_names_what_is_wrong(office: Office) -> None:
    office.configure(300)
    well = await office.run("check", "--format", "json")
    assert well.code == 0, well.out
    steps = [(step["subject"], step["name"]) for step in well.json]
    for host in ("ex1", "ex2", "mail"):
        names = [name for subject, name in steps if subject == f"exchange hq: {host}.contoso.com"]
        assert names == [
            "reachability",
            "certificate",
            "sign-in",
            "impersonation",
            "autodiscover",
            "subscriptions",
            "lag",
        ]
    wrong = office.folder / "wrong-password"
    wrong.write_text("not it", encoding="utf-8")
    os.chmod(wrong, 0o600)
    text = office.config.read_text(encoding="utf-8")
    head, presence = text.split("[presence]\n")
    lines = [f'password_file = "{wrong}"' if "password_file" in line else line for line in presence.splitlines()]
    office.config.write_text(head + "[presence]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    refused = await office.run("check", "--only", "hq")
    assert refused.code == 1
    assert "FAILED    sign-in" in refused.out and "Check username, password" in refused.out
    assert "not it" not in refused.out + refused.err


async def test_without_notifications_an_appointment_arrives_with_the_next_sweep(office: Office) -> None:
    office.configure(1)
    text = office.config.read_text(encoding="utf-8")
    quiet = 'auth = "ntlm"\nnotifications = false\nautodiscover = false\n\n[[presence.file]]'
    office.config.write_text(text.replace('auth = "ntlm"\n\n[[presence.file]]', quiet), encoding="utf-8")
    async with office.gateway():
        await office.until(lambda: office.states() == ["available"])
        office.meeting(-timedelta(minutes=1), timedelta(hours=1))
        await office.until(lambda: office.states() == ["available", "in-a-meeting"])
        board = (await office.run("board", "--format", "json")).json
        assert not any(end["figures"].get("streams") for source in board["sources"] for end in source["endpoints"])


async def test_a_second_gateway_and_a_missing_section_are_one_sentence(office: Office) -> None:
    office.configure(300)
    async with office.gateway():
        second = await office.run("run")
        assert second.code == 2
        assert "Another gateway runs with the state file" in second.err and "hybridge presence drain" in second.err
    office.config.write_text(office.lab.toml.partition("\n[presence]")[0], encoding="utf-8")
    none = await office.run("run")
    assert none.code == 2
    assert "names no source for the presence gateway" in none.err and "[[presence.exchange]]" in none.err


def test_the_module_for_prosody_is_where_it_is_said_to_be(tmp_path: Path, hybridge_run: Any) -> None:
    ran = hybridge_run("presence", "prosody", cwd=tmp_path)
    assert ran.code == 0
    assert "urn:hybridge:presence:1" in Path(ran.out.strip()).read_text(encoding="utf-8")
