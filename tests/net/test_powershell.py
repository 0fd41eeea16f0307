"""The product's remote PowerShell against the lab's server half: two implementations that share no line."""

from __future__ import annotations

import asyncio
import base64
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
import uvloop
from aiohttp import web
from tests.net.farm import Authority, Wish, Zone, free_port, serve_dns, serve_raw

from hybridge.lab import contoso
from hybridge.lab.apps import base
from hybridge.lab.cmdlets.outcome import Caller, Outcome, Written
from hybridge.lab.estate import ADMINISTRATOR, Estate
from hybridge.lab.powershell import open_endpoint, run
from hybridge.lab.psrp.endpoint import SHELLS_PER_USER, PsrpEndpoint
from hybridge.lab.serve.ca import Authority as LabAuthority
from hybridge.lab.serve.listener import Listener
from hybridge.lab.serve.site import Site
from hybridge.net.account import Account
from hybridge.net.config import ExchangeConfig, NetConfig
from hybridge.net.powershell import Ground, RemotePowerShell, new_ground
from hybridge.net.powershell_lanes import PowerShellLanes
from hybridge.net.powershell_transport import Adapter, CannotGoOn, Way
from hybridge.net.secret import Secret
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, Failure, FailureReason

pytestmark = pytest.mark.wire
HOST = "ex1.contoso.com"
URL = f"https://{HOST}/powershell/"
PASSWORD = "canary-pässword"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADA = "ada@contoso.com"
ROLE = "TeamsIntegrationRole"
CERTIFICATE = contoso.AuthCertificate(b"0 not a certificate", NOW, NOW + timedelta(days=9))


def estate() -> Estate:
    healthy = contoso.contoso(NOW, CERTIFICATE)
    return Estate(healthy, clock=lambda: NOW, certificate=CERTIFICATE, randomness=random.Random(1))


def ask(name: str, **parameters: Any) -> CmdletAsk:
    return CmdletAsk(premises=Premises.ON_PREMISES, name=name, parameters=tuple(parameters.items()))


@dataclass
class Server:
    """The lab's endpoint behind Basic over TLS. ``spoil`` may answer in its place; ``signed`` are the credentials."""

    endpoint: PsrpEndpoint
    place: str = ""
    signed: list[str] = field(default_factory=list)
    spoil: Callable[[web.Request], Awaitable[web.StreamResponse | None]] | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        user, _, password = base64.b64decode(request.headers["Authorization"][6:]).decode().partition(":")
        self.signed.append(f"{user}:{password}")
        if password != PASSWORD:
            return web.Response(status=401, headers={"WWW-Authenticate": "Basic"})
        if self.spoil is not None and (spoilt := await self.spoil(request)) is not None:
            return spoilt
        headers = {name.lower(): value for name, value in request.headers.items()}
        status, extra, body = await self.endpoint.post("1", user, headers, await request.read())
        return web.Response(status=status, headers=extra, body=body)


@asynccontextmanager
async def served(
    authority: Authority, endpoint: PsrpEndpoint | None = None, wish: Wish | None = None
) -> AsyncIterator[Server]:
    """The server on loopback. At the end its connections are cut: requests' client says no farewell in TLS."""
    server = Server(endpoint or open_endpoint(estate()))
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/powershell/", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        context = authority.context(wish or Wish(names=(HOST,)))
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        server.place = f"127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await server.endpoint.close()
        assert runner.server is not None
        left = [connection.transport for connection in runner.server.connections]
        await runner.cleanup()
        for transport in left:
            if transport is not None:
                transport.abort()


@asynccontextmanager
async def shell(
    authority: Authority | None, place: str = "", *, longest: float = 300.0, **changes: Any
) -> AsyncIterator[RemotePowerShell]:
    """Our client, led to ``place``. ``changes`` are settings of either configuration."""
    net: dict[str, Any] = {"connect_to": {HOST: place} if place else {}, "timeout": 5.0}
    net["ca_file"] = authority.ca_file if authority else ""
    exchange: dict[str, Any] = {
        "hosts": (HOST,),
        "powershell_url": URL,
        "username": ADMINISTRATOR,
        "password": Secret(PASSWORD),
        "auth": "basic",
    }
    for name, value in changes.items():
        (net if name in NetConfig.__dataclass_fields__ else exchange)[name] = value
    remote = RemotePowerShell(ExchangeConfig(**exchange), NetConfig(**net), longest=longest)
    try:
        yield remote
    finally:
        await remote.close()


def failed(answer: CmdletAnswer) -> Failure:
    assert answer.failure is not None
    assert answer.objects == ()
    assert answer.failure.says.endswith(".")
    assert answer.failure.next_step
    assert "canary" not in repr(answer)
    return answer.failure


ASKS = (
    ask("Get-OrganizationConfig"),
    ask("Get-PartnerApplication"),
    ask("Get-Mailbox", ResultSize="Unlimited"),
    ask("Get-Mailbox", Identity="nobody@contoso.com"),
    ask("Get-MailboxFolderPermission", Identity=f"{ADA}:\\Calendar"),
    ask("Get-MailboxFolderPermission", Identity=f"{ADA}:\\Calendar", User="alan@contoso.com"),
    ask("Get-ManagementRoleEntry", Identity=f"{ROLE}\\*"),
    ask("Get-ExchangeCertificate", Server="EX2"),
    ask("Get-Foo"),
    ask("Get-Mailbox", Foo=1),
    ask("Set-CASMailbox", Identity=ADA, EwsEnabled="maybe"),
    ask("Set-CASMailbox", Identity=ADA, EwsEnabled=True),
    ask("Set-OrganizationConfig", EwsAllowList={"Add": ("x/*",)}),
    ask("Set-OrganizationConfig", EwsApplicationAccessPolicy="EnforceAllowList", EwsAllowList={"Add": ("x/*", "y/*")}),
    ask("Set-OrganizationConfig", EwsApplicationAccessPolicy="EnforceAllowList", EwsAllowList=()),
    ask("Set-MailboxAutoReplyConfiguration", Identity=ADA, AutoReplyState="Scheduled", StartTime=NOW, EndTime=NOW),
    ask("Set-MailboxAutoReplyConfiguration", Identity=ADA, StartTime=NOW, EndTime=NOW + timedelta(days=1)),
    ask("Get-MailboxAutoReplyConfiguration", Identity=ADA),
    ask("Remove-ManagementRole", Identity=ROLE, Confirm=False),
    ask("Remove-MailUser", Identity="TeamsIntegration-ApplicationAccount"),
    ask("Remove-MailUser", Identity="TeamsIntegration-ApplicationAccount", WhatIf=True),
    ask("Set-CASMailbox", Identity=ADA, EwsEnabled=None),
)


async def test_the_wire_and_the_lab_in_process_say_the_same(authority: Authority) -> None:
    there, here = estate(), estate()
    async with served(authority, open_endpoint(there)) as server, shell(authority, server.place) as remote:
        for one in ASKS:
            answer = await remote.run(one)
            assert answer.took_ms > 0
            assert msgspec.structs.replace(answer, took_ms=0.0) == run(here, one, ADMINISTRATOR), one
            assert there.organization == here.organization
    assert there.organization != estate().organization
    assert server.endpoint.open_shells == 0
    assert set(server.signed) == {f"{ADMINISTRATOR}:{PASSWORD}"}


def test_it_works_on_uvloop_too(authority: Authority) -> None:
    async def scenario() -> CmdletAnswer:
        async with served(authority) as server, shell(authority, server.place) as remote:
            return await remote.run(ask("Get-OrganizationConfig"))

    assert len(uvloop.run(scenario()).objects) == 1


async def test_many_at_once_run_one_after_the_other(authority: Authority) -> None:
    async with served(authority) as server, shell(authority, server.place) as remote:
        answers = await asyncio.gather(*(remote.run(ask("Get-CASMailbox", Identity=ADA)) for _ in range(20)))
        assert all(len(answer.objects) == 1 for answer in answers)
        assert server.endpoint.open_shells == 1


async def test_values_of_every_kind_travel_both_ways(authority: Authority) -> None:
    seen: list[Any] = []
    values = {"Text": "_x0041_ ä\n\u0007", "Low": -(2**40), "Ratio": 0.1, "Raw": b"\0\1", "At": NOW, "Empty": []}

    async def execute(one: CmdletAsk, caller: Caller) -> Outcome:
        seen.extend(one.parameters)
        return Outcome(
            (Written("System.Test", values), Written("Other.Test", {"ToString": "x", "Inner": {"Name": "n"}}))
        )

    given = {"Text": "_x0041_ \u0007", "Big": 2**40, "Names": ("a", "b"), "Nothing": None, "Edit": {"Add": ("x",)}}
    async with served(authority, PsrpEndpoint(execute)) as server, shell(authority, server.place) as remote:
        answer = await remote.run(ask("Get-All", **given))
    assert dict(seen) == given
    assert answer.objects == (values, {"ToString": "x", "Inner": {"Name": "n"}})


async def test_a_wrong_password_is_tried_once(authority: Authority) -> None:
    async with served(authority) as server, shell(authority, server.place, password=Secret("canary-wrong")) as remote:
        first, *others = [failed(await remote.run(ask("Get-Mailbox"))) for _ in range(3)]
    assert first.reason is FailureReason.SIGN_IN
    assert first.says == f"{HOST} refused the sign-in of {ADMINISTRATOR} to remote PowerShell."
    assert others == [first, first]
    assert server.signed == [f"{ADMINISTRATOR}:canary-wrong"]


async def test_who_may_not_open_a_session(authority: Authority) -> None:
    async with served(authority) as server:
        async with shell(authority, server.place, username=ADA) as remote:
            failure = failed(await remote.run(ask("Get-Mailbox")))
            assert failure.reason is FailureReason.FORBIDDEN
            assert "does not let the account use remote PowerShell" in failure.says
        crowd = [shell(authority, server.place) for _ in range(SHELLS_PER_USER)]
        opened = [await one.__aenter__() for one in crowd]
        for one in opened:
            await one.run(ask("Get-AuthConfig"))
        async with shell(authority, server.place) as remote:
            assert "too many PowerShell sessions" in failed(await remote.run(ask("Get-Mailbox"))).says
        for entered in crowd:
            await entered.__aexit__(None, None, None)
        assert server.endpoint.open_shells == 0


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish(names=("other.contoso.com",)), "is for other names: it names other.contoso.com"),
        (Wish(names=(HOST,), begins=NOW - timedelta(days=900), ends=NOW - timedelta(days=800)), "expired on"),
        (Wish(names=(HOST,), self_signed=True), "is self-signed"),
        (Wish(names=(HOST,), with_chain=False), "without the intermediate certificate of its issuer"),
    ],
    ids=["wrong name", "expired", "self-signed", "no chain"],
)
async def test_certificates_that_are_not_trusted(authority: Authority, wish: Wish, words: str) -> None:
    async with served(authority, wish=wish) as server, shell(authority, server.place) as remote:
        failure = failed(await remote.run(ask("Get-Mailbox")))
    assert failure.reason is FailureReason.CERTIFICATE
    assert words in failure.says
    assert server.signed == []


async def test_an_unknown_authority_is_not_trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.ca_file)
    monkeypatch.setenv("CURL_CA_BUNDLE", authority.ca_file)
    async with served(authority) as server, shell(None, server.place) as remote:
        assert failed(await remote.run(ask("Get-Mailbox"))).reason is FailureReason.CERTIFICATE
    async with shell(None, server.place, ca_file="/nowhere.pem") as remote:
        assert failed(await remote.run(ask("Get-Mailbox"))).reason is FailureReason.NOT_CONFIGURED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"powershell_url": ""}, FailureReason.NOT_CONFIGURED),
        ({"powershell_url": f"http://{HOST}/powershell"}, FailureReason.REFUSED),
        ({"powershell_url": "ex1.contoso.com"}, FailureReason.REFUSED),
        ({"hosts": ("mail.contoso.com",)}, FailureReason.REFUSED),
        ({"username": ""}, FailureReason.NOT_CONFIGURED),
        ({"only_mapped": True}, FailureReason.REFUSED),
        ({"connect_to": {"127.0.0.9": "127.0.0.1:9"}, "only_mapped": True}, FailureReason.REFUSED),
        ({"connect_to": {HOST: f"127.0.0.1:{free_port()}"}}, FailureReason.UNREACHABLE),
    ],
)
async def test_what_is_not_asked_or_not_reached(
    authority: Authority, changes: dict[str, Any], reason: FailureReason
) -> None:
    if reason is FailureReason.REFUSED and "connect_to" in changes:
        async with (
            serve_dns(Zone({(HOST, "A"): ("127.0.0.8",)})) as names,
            shell(None, nameserver=names, **changes) as remote,
        ):
            assert failed(await remote.run(ask("Get-Mailbox"))).reason is reason
        return
    async with shell(authority, **changes) as remote:
        answer = await remote.run(ask("Get-Mailbox"))
    assert answer.failure is not None
    assert answer.failure.reason is reason
    assert answer.failure.says


async def test_the_online_side_is_not_served() -> None:
    async with shell(None) as remote:
        answer = await remote.run(CmdletAsk(premises=Premises.ONLINE, name="Get-Mailbox"))
    assert answer.failure is not None
    assert answer.failure.reason is FailureReason.NOT_CONFIGURED


async def test_names_are_asked_of_the_name_server_and_addresses_mapped(authority: Authority) -> None:
    zone = Zone({(HOST, "A"): ("203.0.113.5",)})
    async with served(authority) as server, serve_dns(zone) as names:
        table = {"203.0.113.5:443": server.place}
        async with shell(authority, connect_to=table, nameserver=names, only_mapped=True) as remote:
            assert len((await remote.run(ask("Get-OrganizationConfig"))).objects) == 1
        zone.records.clear()
        async with shell(authority, connect_to=table, nameserver=names) as remote:
            assert failed(await remote.run(ask("Get-Mailbox"))).reason is FailureReason.NAME_NOT_FOUND
    assert (HOST, "A") in zone.asked


async def test_a_session_that_died_is_opened_anew(authority: Authority) -> None:
    async with served(authority) as server, shell(authority, server.place) as remote:
        for again in range(2):
            assert (await remote.run(ask("Get-AuthConfig"))).failure is None
            await server.endpoint.close()  # the server forgot every session, as after a restart
            changed = await remote.run(ask("Set-CASMailbox", Identity=ADA, EwsEnabled=bool(again)))
            assert (changed.failure, changed.errors) == (None, ())
        assert server.endpoint.open_shells == 1


class Runs:
    """Counts runs; each waits for ``gate``."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.gate = asyncio.Event()
        self.begun = asyncio.Event()

    async def __call__(self, one: CmdletAsk, caller: Caller) -> Outcome:
        self.names.append(one.name)
        self.begun.set()
        await self.gate.wait()
        return Outcome((Written("System.Test", {"Name": one.name}),))


async def cut(request: web.Request) -> web.StreamResponse | None:
    """Cut the connection of a Receive for a pipeline."""
    body = await request.read()
    if b"/shell/Receive<" in body and b"CommandId=" in body:
        assert request.transport is not None
        request.transport.abort()
    return None


async def test_only_what_reads_is_run_twice(authority: Authority) -> None:
    runs = Runs()
    runs.gate.set()
    async with served(authority, PsrpEndpoint(runs)) as server, shell(authority, server.place) as remote:
        server.spoil = cut
        failure = failed(await remote.run(ask("Set-Thing")))
        assert failure.says.startswith("Set-Thing was sent, but it is not known whether it was carried out: ")
        assert runs.names == ["Set-Thing"]
        failure = failed(await remote.run(ask("Get-Thing")))
        assert failure.reason is FailureReason.UNREACHABLE
        assert runs.names == ["Set-Thing", "Get-Thing", "Get-Thing"]
        server.spoil = None
        assert (await remote.run(ask("Get-Thing"))).objects == ({"Name": "Get-Thing"},)


async def test_a_cmdlet_that_never_ends_is_given_up(authority: Authority) -> None:
    runs = Runs()
    async with (
        served(authority, PsrpEndpoint(runs)) as server,
        shell(authority, server.place, longest=1.2, timeout=1.0) as remote,
    ):
        assert "did not end within 1.2 s" in failed(await remote.run(ask("Get-Thing"))).says
        runs.gate.set()
        assert (await remote.run(ask("Get-Thing"))).objects == ({"Name": "Get-Thing"},)


@pytest.mark.parametrize("cancelled", [False, True])
async def test_closing_does_not_wait_for_a_cmdlet(authority: Authority, cancelled: bool) -> None:
    runs = Runs()
    loop = asyncio.get_running_loop()
    async with served(authority, PsrpEndpoint(runs)) as server, shell(authority, server.place) as remote:
        running = [asyncio.create_task(remote.run(ask(name))) for name in ("Set-Thing", "Get-Thing")]
        await runs.begun.wait()
        for task in running if cancelled else ():
            task.cancel()
        before = loop.time()
        await remote.close()
        assert loop.time() - before < 2
        for outcome in await asyncio.gather(*running, return_exceptions=True):
            if cancelled:
                assert isinstance(outcome, asyncio.CancelledError)
            else:
                assert isinstance(outcome, CmdletAnswer)
                assert "was given up before" in failed(outcome).says
        assert (server.endpoint.open_shells, runs.names) == (0, ["Set-Thing"])
        await remote.close()


class Everybody:
    """Lets every request pass."""

    def enter(self, authorization: str | bytes | None) -> None: ...

    def judge(self, authorization: str | bytes | None, status: int, offered: str) -> None: ...


async def test_a_cut_holds_for_connections_made_after_it(authority: Authority) -> None:
    """A thread between two requests has no connection to cut; the one it makes next must not wait for a reply."""
    loop = asyncio.get_running_loop()
    async with served(authority) as server:
        net = NetConfig(connect_to={HOST: server.place}, ca_file=authority.ca_file)
        ground = new_ground(net)
        assert isinstance(ground, Ground)
        way = Way(ground.resolver, loop, ground.tls, 5.0)
        with requests.Session() as session:
            session.mount("https://", Adapter(way, HOST, lambda: False, Everybody()))
            get = partial(session.get, URL, auth=("nobody", "wrong"))
            way.bar()
            with pytest.raises(CannotGoOn, match="given up"):
                await loop.run_in_executor(None, get)
            way.unbar()
            assert (await loop.run_in_executor(None, get)).status_code == 401


def page(body: bytes, status: int = 200, kind: str = "text/html", **headers: str) -> Any:
    async def spoil(request: web.Request) -> web.StreamResponse | None:
        await request.read()
        return web.Response(status=status, body=body, content_type=kind, headers=headers)

    return spoil


SOAP = "application/soap+xml"
BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'


@pytest.mark.parametrize(
    ("spoil", "reason", "words"),
    [
        (page(b"<html>Sign in<br></html>"), FailureReason.MALFORMED, "not remote PowerShell"),
        (page(b"<html/>", 404), FailureReason.MALFORMED, "not Exchange's remote PowerShell"),
        (page(b"Not <found", 404), FailureReason.MALFORMED, "HTTP 404"),
        (page(b"", 403), FailureReason.FORBIDDEN, "HTTP 403"),
        (page(b"Down", 503), FailureReason.UNREACHABLE, "HTTP 503"),
        (page(b"", 302, location="https://elsewhere.example/powershell"), FailureReason.REFUSED, "redirect"),
        (page(b"x" * (5 * 1024 * 1024)), FailureReason.MALFORMED, "larger than 4 MiB"),
        (page(BOMB, kind=SOAP), FailureReason.MALFORMED, "document type"),
        (page(BOMB, 500, kind=SOAP), FailureReason.MALFORMED, "document type"),
        (page(b"<s:Envelope", kind=SOAP), FailureReason.MALFORMED, "not well-formed"),
        (page(b"<a/>", kind=SOAP), FailureReason.MALFORMED, "could not be read as remote PowerShell"),
    ],
)
async def test_whatever_else_answers_there(
    authority: Authority, spoil: Any, reason: FailureReason, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with served(authority) as server, shell(authority, server.place) as remote:
        server.spoil = spoil
        failure = failed(await remote.run(ask("Get-Mailbox")))
    assert failure.reason is reason
    assert words in failure.says
    assert len(server.signed) == 1
    assert "canary" not in caplog.text


async def test_hostile_content_inside_the_envelope(authority: Authority) -> None:
    async def spoil(request: web.Request) -> web.StreamResponse | None:
        body = await request.read()
        if b"CommandId=" not in body or b"/Receive<" not in body:
            return None
        status, extra, reply = await server.endpoint.post(
            "1", ADMINISTRATOR, {"content-type": SOAP, "host": HOST}, body
        )
        head, start, rest = reply.partition(b'<rsp:Stream Name="stdout"')
        chunk = base64.b64decode(rest.partition(b">")[2].partition(b"<")[0])
        inner = chunk[:17] + (40 + len(BOMB)).to_bytes(4, "big") + chunk[21:61] + BOMB  # fragment, message, content
        stream = b">" + base64.b64encode(inner) + b"</rsp:Stream></rsp:ReceiveResponse></s:Body></s:Envelope>"
        return web.Response(status=status, headers=extra, body=head + start + stream)

    async with served(authority) as server, shell(authority, server.place) as remote:
        server.spoil = spoil
        failure = failed(await remote.run(ask("Get-OrganizationConfig")))
    assert failure.reason is FailureReason.MALFORMED
    assert "declares a document type" in failure.says


async def test_a_server_that_falls_silent(authority: Authority) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    context = authority.context(Wish(names=(HOST,)))
    async with serve_raw(silent, context) as place, shell(authority, place, timeout=0.3) as remote:
        assert "did not answer in time" in failed(await remote.run(ask("Get-Mailbox"))).says


@pytest.mark.parametrize("auth", ["ntlm", "negotiate", "basic"])
async def test_every_sign_in_with_extended_protection(auth: str, tmp_path: Path) -> None:
    lab = estate()
    endpoint = open_endpoint(lab)
    hosts = frozenset({HOST})
    site = Site(
        app=lambda _, request: base.not_found(),
        hosts=hosts,
        windows_hosts=hosts,
        powershell=endpoint,
        powershell_hosts=hosts,
    )
    authority = LabAuthority(datetime.now(UTC))
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(authority.root_pem)
    right, wrong = Secret(lab.users[ADMINISTRATOR]), Secret("canary-wrong")
    async with Listener(lab, site, authority) as listener:
        place = f"127.0.0.1:{listener.port}"
        async with shell(None, place, ca_file=str(ca_file), auth=auth, password=right) as remote:
            for _ in range(2):
                answer = await remote.run(ask("Get-PartnerApplication"))
                assert (answer.failure, len(answer.objects)) == (None, 3)
            listener.close_connections(HOST)
            assert (await remote.run(ask("Get-PartnerApplication"))).failure is None
        async with shell(None, place, ca_file=str(ca_file), auth=auth, password=wrong) as remote:
            assert failed(await remote.run(ask("Get-Mailbox"))).reason is FailureReason.SIGN_IN


def lanes(authority: Authority, place: str, most: int = 4, **changes: Any) -> PowerShellLanes:
    """Our client with several sessions."""
    exchange: dict[str, Any] = {"username": ADMINISTRATOR, "password": Secret(PASSWORD), **changes}
    whole = ExchangeConfig(hosts=(HOST,), powershell_url=URL, auth="basic", **exchange)
    net = NetConfig(connect_to={HOST: place}, timeout=5.0, ca_file=authority.ca_file)
    account = Account(whole.username)
    return PowerShellLanes(lambda: RemotePowerShell(whole, net, account=account), most)


async def test_what_reads_goes_through_several_sessions(authority: Authority) -> None:
    async with served(authority) as server:
        remote = lanes(authority, server.place)
        answers = await asyncio.gather(*(remote.run(ask("Get-CASMailbox", Identity=ADA)) for _ in range(20)))
        assert all(len(answer.objects) == 1 for answer in answers)
        assert 1 < server.endpoint.open_shells <= 4
        await remote.close()
        assert server.endpoint.open_shells == 0


async def test_what_is_read_after_a_change_goes_through_the_session_that_made_it(authority: Authority) -> None:
    async with served(authority) as server:
        remote = lanes(authority, server.place)
        await remote.run(ask("Set-CASMailbox", Identity=ADA, EwsEnabled=False))
        answers = await asyncio.gather(*(remote.run(ask("Get-CASMailbox", Identity=ADA)) for _ in range(8)))
        assert {answer.objects[0]["EwsEnabled"] for answer in answers} == {False}
        assert server.endpoint.open_shells == 1
        await remote.close()


async def test_a_wrong_password_is_tried_by_one_session(authority: Authority) -> None:
    async with served(authority) as server:
        remote = lanes(authority, server.place, password=Secret("canary-wrong"))
        answers = await asyncio.gather(*(remote.run(ask("Get-CASMailbox", Identity=ADA)) for _ in range(12)))
        assert {failed(answer).reason for answer in answers} == {FailureReason.SIGN_IN}
        assert len(server.signed) == 1
        await remote.close()


async def test_where_no_further_session_opens_one_does_it_all(authority: Authority) -> None:
    async with served(authority) as server:
        crowd = [lanes(authority, server.place, most=1) for _ in range(SHELLS_PER_USER - 1)]
        for one in crowd:
            await one.run(ask("Get-AuthConfig"))
        remote = lanes(authority, server.place)
        answers = await asyncio.gather(*(remote.run(ask("Get-CASMailbox", Identity=ADA)) for _ in range(9)))
        assert [answer.failure for answer in answers] == [None] * 9
        for one in (*crowd, remote):
            await one.close()


async def test_very_many_objects_come_in_pages(authority: Authority) -> None:
    many = 1_000

    async def execute(one: CmdletAsk, caller: Caller) -> Outcome:
        return Outcome(tuple(Written("System.Test", {"Name": f"p{number}"}) for number in range(many)))

    async with served(authority, PsrpEndpoint(execute)) as server, shell(authority, server.place) as remote:
        pages = [page async for page in remote.pages(ask("Get-Thing"))]
        assert len(pages) > 2
        assert [one["Name"] for page in pages for one in page.objects] == [f"p{number}" for number in range(many)]
        async for page in remote.pages(ask("Get-Thing")):
            assert page.objects
            break  # whoever leaves early leaves the session usable
        assert len((await remote.run(ask("Get-Thing"))).objects) == many
