"""A running lab as a whole: the configuration it prints reaches it, and it leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import stat
import tempfile
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import dns.asyncresolver
import dns.nameserver
import pytest
import uvloop

from hybridge.config import load
from hybridge.lab.apps import base
from hybridge.lab.contoso import AuthCertificate
from hybridge.lab.estate import ADMINISTRATOR, ENTRA_CLIENT, Estate
from hybridge.lab.serve.running import RunningLab, running_lab
from hybridge.lab.serve.site import Site
from hybridge.org.organization import Organization
from hybridge.wire.ask import HttpAnswer

pytestmark = pytest.mark.wire
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
MAIL = "mail.contoso.com"


def app(_: Estate, request: base.Request) -> HttpAnswer:
    return base.text(f"{request.host} {request.path}")


SITE = Site(app, frozenset({MAIL, "graph.microsoft.com"}), frozenset({MAIL}))


def make_estate() -> Estate:
    now = datetime.now(UTC)
    return Estate(Organization(), clock=lambda: now, certificate=AuthCertificate(b"", now, now + timedelta(days=1)))


async def as_printed(lab: RunningLab, host: str) -> str:
    """GET / of ``host`` as the printed configuration says: its name server, its map, its authority."""
    printed = tomllib.loads(lab.toml)["net"]
    address, _, port = printed["nameserver"].partition(":")
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [dns.nameserver.Do53Nameserver(address, int(port))]
    found = (await resolver.resolve(host, "A"))[0].to_text()
    address, _, port = printed["connect_to"][f"{found}:443"].partition(":")
    trust = ssl.create_default_context(cafile=printed["ca_file"])
    reader, writer = await asyncio.open_connection(address, int(port), ssl=trust, server_hostname=host)
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return answer.rpartition("\r\n")[2]


def content(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize("new_loop", LOOPS)
def test_the_printed_configuration_reaches_every_host(
    tmp_path: Path, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def story() -> None:
        async with running_lab(make_estate(), tmp_path / "state", SITE) as lab:
            for host in SITE.hosts:
                assert await as_printed(lab, host) == f"{host} /"

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(story())


async def test_the_printed_configuration_is_one_hybridge_takes(tmp_path: Path) -> None:
    estate = make_estate()
    async with running_lab(estate, tmp_path / 'st"a\\te é', SITE) as lab:
        file = tmp_path / "hybridge.toml"
        file.write_text(lab.toml, encoding="utf-8")
        config = load(file)
        assert config.exchange.password.reveal() == estate.users[ADMINISTRATOR]
        assert config.exchange.username in estate.users
        assert config.entra.client_secret.reveal() == estate.entra_clients[ENTRA_CLIENT]
        assert config.exchange.hosts == (MAIL,)
        assert config.net.connect_to == lab.connect_to
        assert config.delegations[0] == ("ada@contoso.com", "grace@contoso.com")
        control = config.settings.lab
        assert control.control == lab.control_url
        assert content(Path(control.token_file)) == lab.token
        for secret in (estate.users[ADMINISTRATOR], estate.entra_clients[ENTRA_CLIENT], lab.token):
            assert secret not in lab.toml
            assert secret not in repr(lab)


async def test_every_file_is_its_owners_alone(tmp_path: Path) -> None:
    async with running_lab(make_estate(), tmp_path / "state", SITE) as lab:
        files = list(lab.ca_file.parent.iterdir())
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE(lab.ca_file.parent.stat().st_mode) == 0o700
        assert b"PRIVATE" not in b"".join(file.read_bytes() for file in files)


async def test_the_control_api_shows_the_details_and_breaks_certificates(tmp_path: Path) -> None:
    estate = make_estate()
    async with (
        running_lab(estate, tmp_path, SITE) as lab,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {lab.token}"}) as session,
    ):
        async with session.get(f"{lab.control_url}/details") as answer:
            shown = await answer.json()
        assert shown == lab.info
        assert (shown["users"], shown["hosts"]) == (estate.users, lab.zone.addresses)
        switch = {"host": MAIL, "variant": "expired"}
        async with session.post(f"{lab.control_url}/certificate", json=switch) as answer:
            assert answer.status == 200
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            await as_printed(lab, MAIL)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open sockets are listed in /proc only")
@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_stopped_lab_leaves_no_socket_no_file_and_no_variable(
    tmp_path: Path, new_loop: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def story() -> None:
        before = open_sockets()
        environment = dict(os.environ)
        async with running_lab(make_estate(), tmp_path / "state", SITE) as lab:
            assert await as_printed(lab, MAIL)
            trust = ssl.create_default_context(cafile=str(lab.ca_file))
            ports = (lab.https_port, lab.dns_port, int(lab.control_url.rpartition(":")[2]))
            reader, writer = await asyncio.open_connection("127.0.0.1", lab.https_port, ssl=trust, server_hostname=MAIL)
        assert await reader.read() == b""
        writer.transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)  # transports close in the next turns of the loop
        assert open_sockets() == before
        assert dict(os.environ) == environment
        assert os.listdir(tmp_path) == []
        for port in ports:
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(story())


def open_sockets() -> set[str]:
    """The sockets of this process, by inode."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.add(os.readlink(entry))
        except FileNotFoundError:
            continue  # the listing's own
    return {name for name in found if name.startswith("socket:")}


async def test_what_the_folder_held_before_is_kept_and_never_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine", encoding="utf-8")
    state = tmp_path / "state"
    state.mkdir()
    (state / "control-token").symlink_to(victim)
    (state / "notes").write_text("kept", encoding="utf-8")
    async with running_lab(make_estate(), state, SITE):
        pass
    assert victim.read_text(encoding="utf-8") == "mine"
    assert [file.name for file in state.iterdir()] == ["notes"]


async def test_a_taken_port_is_said_in_a_sentence_and_nothing_stays(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on port {port} of 127.0.0.1"):
            async with running_lab(make_estate(), tmp_path / "state", SITE, port=port):
                pass
    assert not (tmp_path / "state").exists()
