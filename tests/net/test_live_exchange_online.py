"""Cmdlets of Exchange Online through the live answerer: the lab over TLS, and servers that misbehave."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.net.farm import Authority, Wish, serve

from hybridge.collectors.collect import Target, collect
from hybridge.config import load
from hybridge.evidence import Seen, Unseen
from hybridge.lab.apps.keepings import kept
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import DOMAIN, TENANT_ID, AuthCertificate, contoso
from hybridge.lab.estate import Estate
from hybridge.lab.serve.running import running_lab
from hybridge.lab.site import contoso_site
from hybridge.net.answerers.live import open_live
from hybridge.net.answerers.recorder import Recorder
from hybridge.net.answerers.snapshot import SnapshotAnswerer
from hybridge.net.clock import SetClock
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.net.rules import may_send, read_url
from hybridge.net.secret import Secret
from hybridge.org import records as r
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer, CmdletAnswer, CmdletAsk, Failure, FailureReason, HttpAsk, Sign

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
AT = datetime(2026, 1, 1, tzinfo=UTC)
ONLINE = Premises.ONLINE
LOGIN, HOST = "login.microsoftonline.com", "outlook.office365.com"
SCOPE = f"https://{HOST}/.default"
LINUS, MARIE = "linus@contoso.com", "marie@contoso.com"
ENTRA = EntraConfig(tenant_id=TENANT_ID, client_id="11-22", client_secret=Secret("s3cret-canary"))


def ask(name: str, **parameters: Any) -> CmdletAsk:
    return CmdletAsk(premises=ONLINE, name=name, parameters=tuple(parameters.items()))


# The rule -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "scope", "allowed"),
    [
        (f"https://{HOST}/adminapi/beta/x/InvokeCommand", SCOPE, True),
        (f"https://{HOST}./adminapi", SCOPE, True),
        (f"https://{HOST}/adminapi", "https://graph.microsoft.com/.default", False),
        ("https://graph.microsoft.com/v1.0/me", SCOPE, False),
        ("https://graph.microsoft.com/v1.0/me", "https://graph.microsoft.com/.default", True),
        ("https://outlook.office.com/adminapi", SCOPE, False),
        (f"https://{HOST}:444/adminapi", SCOPE, False),
        (f"http://{HOST}/adminapi", SCOPE, False),
        (f"https://{HOST}.evil.example/adminapi", SCOPE, False),
        ("https://mail.contoso.com/adminapi", SCOPE, False),
    ],
)
def test_where_a_token_for_exchange_goes(url: str, scope: str, allowed: bool) -> None:
    wanted = HttpAsk(method="POST", url=url, sign=Sign.ENTRA, scope=scope)
    read = read_url(url)
    assert not isinstance(read, Failure)
    refusal = may_send(wanted, read, ExchangeConfig(), ENTRA)
    assert (refusal is None) is allowed, refusal


# The lab over TLS -----------------------------------------------------------------------------------------------------


@cache
def certificate() -> AuthCertificate:
    return make_auth_certificate(NOW)


@asynccontextmanager
async def lab_over_tls(folder: Path) -> AsyncIterator[tuple[Answerer, Estate]]:
    clock = SetClock(NOW)
    estate = Estate(contoso(NOW, certificate()), clock=clock.now, certificate=certificate())
    async with running_lab(estate, folder / "state", contoso_site(estate)) as running:
        file = folder / "hybridge.toml"
        file.write_text(running.toml, encoding="utf-8")
        config = load(file)
        async with open_live(config.net, config.exchange, config.entra, clock) as live:
            yield live, estate


async def test_reading_writing_and_paging_over_tls(tmp_path: Path) -> None:
    async with lab_over_tls(tmp_path) as (live, estate):
        found = await live.cmdlet(ask("Get-Mailbox", Identity=LINUS))
        assert found.objects[0]["DisplayName"] == "Linus Pauling" and found.answered_at == NOW
        granted = await live.cmdlet(ask("Set-Mailbox", Identity=LINUS, GrantSendOnBehalfTo={"Remove": (MARIE,)}))
        assert granted.failure is None and not granted.errors
        linus = estate.organization.one(r.Mailbox, ONLINE, LINUS)
        assert linus and linus.grant_send_on_behalf_to == ()
        assert (await live.cmdlet(ask("Get-Mailbox", Identity="nobody@contoso.com"))).not_found
        more = (
            r.MailUser(premises=ONLINE, identity=f"user{number:04}@contoso.com", external_email_address="x@y.z")
            for number in range(2500)
        )
        estate.organization = estate.organization.put(*more)
        before = len(estate.log)
        users = await live.cmdlet(ask("Get-MailUser", ResultSize="Unlimited"))
        assert len(users.objects) == 2504
        paths = [one.path for one in estate.log[before:] if one.host == HOST]
        assert len(paths) == 3 and all(path.endswith("/InvokeCommand") for path in paths)


async def test_a_shut_admin_api_is_met_once(tmp_path: Path) -> None:
    async with lab_over_tls(tmp_path) as (live, estate):
        kept(estate).exchange_permissions.discard("Exchange.ManageAsAppV2")
        for _ in range(3):
            assert (await live.cmdlet(ask("Get-Mailbox", Identity=LINUS))).objects
        asked = [(one.path.split("/")[2], one.status) for one in estate.log if one.host == HOST]
        assert asked == [("v2.0", 403), ("beta", 200), ("beta", 200), ("beta", 200)]


async def test_a_missing_role_is_an_unseen_that_names_the_right(tmp_path: Path) -> None:
    async with lab_over_tls(tmp_path) as (live, estate):
        kept(estate).exchange_role = False
        evidence = await collect(live, Target(DOMAIN, TENANT_ID, WORLDWIDE, (LINUS, MARIE), "hybridge/test"), NOW)
    reading = evidence.all(r.Mailbox, ONLINE, LINUS)
    assert isinstance(reading, Unseen) and reading.reason == FailureReason.FORBIDDEN
    assert "User is not allowed to call Get-Mailbox" in reading.says
    assert "Exchange.ManageAsApp" in reading.how and "Global Reader" in reading.how


async def test_what_is_collected_live_is_read_from_a_saved_snapshot(tmp_path: Path) -> None:
    target = Target(DOMAIN, TENANT_ID, WORLDWIDE, (LINUS, MARIE), "hybridge/test")
    async with lab_over_tls(tmp_path) as (live, estate):
        recorder = Recorder(live)
        seen = await collect(recorder, target, NOW)
        healthy = estate.organization
    recorder.save(tmp_path / "snapshot")
    again = await collect(SnapshotAnswerer(tmp_path / "snapshot"), target, NOW)
    for kind in (r.Mailbox, r.CasMailbox, r.MailboxFolderPermission):
        for box in (LINUS, MARIE):
            one, other = seen.all(kind, ONLINE, box), again.all(kind, ONLINE, box)
            assert isinstance(one, Seen) and isinstance(other, Seen)
            assert one.records == other.records == healthy.all(kind, ONLINE, box)


# Servers that misbehave -----------------------------------------------------------------------------------------------

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def met(authority: Authority, answering: Answering, cmdlet: CmdletAsk, **net: Any) -> CmdletAnswer:
    async def both(request: web.Request) -> web.StreamResponse:
        if request.host == LOGIN:
            return web.json_response({"token_type": "Bearer", "expires_in": 3599, "access_token": "t0ken"})
        assert request.headers["Authorization"] == "Bearer t0ken"
        return await answering(request)

    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async with serve(both, authority.context(Wish(names=(LOGIN, HOST)))) as place:
        config = NetConfig(connect_to={LOGIN: place, HOST: place}, ca_file=authority.ca_file, only_mapped=True, **net)
        async with open_live(config, ExchangeConfig(), ENTRA, SetClock(AT), pause) as live:
            return await live.cmdlet(cmdlet)


def failed(answer: CmdletAnswer) -> Failure:
    assert answer.failure is not None and answer.objects == ()
    return answer.failure


async def test_no_token_follows_a_page_to_another_host(authority: Authority) -> None:
    async def answering(_: web.Request) -> web.Response:
        return web.json_response({"value": [{"Name": "x"}], "@odata.nextLink": "https://evil.example/adminapi"})

    failure = failed(await met(authority, answering, ask("Get-OrganizationConfig")))
    assert failure.reason is FailureReason.MALFORMED and "another place" in failure.says


async def test_a_huge_answer_is_cut_off(authority: Authority) -> None:
    async def answering(_: web.Request) -> web.Response:
        return web.Response(body=b'{"value":["' + b"x" * (9 * 1024 * 1024) + b'"]}')

    assert failed(await met(authority, answering, ask("Get-OrganizationConfig"))).reason is FailureReason.MALFORMED


async def test_a_throttled_cmdlet_is_repeated_after_the_pause_asked_for(authority: Authority) -> None:
    bodies: list[Any] = []

    async def answering(request: web.Request) -> web.Response:
        bodies.append(json.loads(await request.read()))
        if len(bodies) == 1:
            return web.Response(status=429, headers={"Retry-After": "3"})
        return web.json_response({"value": []})

    answer = await met(authority, answering, ask("Set-CASMailbox", Identity="x", EwsEnabled=None))
    assert answer.failure is None and len(bodies) == 2 and bodies[0] == bodies[1]
    assert bodies[0]["CmdletInput"]["Parameters"] == {"Identity": "x", "EwsEnabled": None}


async def test_a_redirect_is_not_followed(authority: Authority) -> None:
    async def answering(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "https://evil.example/"})

    assert failed(await met(authority, answering, ask("Get-OrganizationConfig"))).reason is FailureReason.MALFORMED


async def test_cmdlets_of_teams_and_graph_are_not_sent(authority: Authority) -> None:
    async def answering(_: web.Request) -> web.Response:
        raise AssertionError

    for name in ("Get-CsOnlineUser", "Get-MgServicePrincipal"):
        assert failed(await met(authority, answering, ask(name))).reason is FailureReason.NOT_CONFIGURED


async def test_without_an_application_nothing_is_asked() -> None:
    for entra in (EntraConfig(), replace(ENTRA, client_id="")):
        async with open_live(NetConfig(only_mapped=True), ExchangeConfig(), entra, SetClock(AT)) as live:
            failure = failed(await live.cmdlet(ask("Get-Mailbox", Identity=LINUS)))
            assert failure.reason is FailureReason.NOT_CONFIGURED and "entra.tenant_id" in failure.next_step
