"""The lab without a socket keeps the listeners' rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hybridge.config import Config, load
from hybridge.lab.apps import base
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.lab.estate import ADMINISTRATOR, ENTRA_CLIENT, Estate
from hybridge.lab.in_process import InProcess
from hybridge.lab.serve.running import running_lab
from hybridge.lab.serve.site import Site
from hybridge.lab.site import contoso_site
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SystemClock
from hybridge.org.organization import Organization
from hybridge.terms.applications import TEAMS_SCHEDULER
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, DnsAsk, FailureReason, HttpAnswer, HttpAsk, Sign

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAIL, GRAPH = "mail.contoso.com", "graph.microsoft.com"
EWS = f"https://{MAIL}/EWS/Exchange.asmx"


def app(_: Estate, request: base.Request) -> HttpAnswer:
    if request.path == "/401":
        return base.text("who?", 401, (("WWW-Authenticate", "Bearer"),))
    return base.json(msgspec.structs.asdict(request) | {"body": request.body.decode()})


@pytest.fixture
def estate() -> Estate:
    return Estate(Organization(), clock=lambda: NOON, certificate=AuthCertificate(b"", NOON, NOON + timedelta(days=1)))


@pytest.fixture
def lab(estate: Estate) -> InProcess:
    def run(_: Estate, ask: CmdletAsk, principal: str) -> CmdletAnswer:
        return CmdletAnswer(objects=({"Name": ask.name, "By": principal},))

    def mint(_: Estate, client: str, audience: str) -> str:
        return f"{client}/{audience}"

    return InProcess(estate, Site(app, frozenset({MAIL, GRAPH}), frozenset({MAIL})), run, mint)


async def seen(lab: InProcess, **ask: Any) -> dict[str, Any]:
    answer = await lab.http(HttpAsk(**ask))
    assert (answer.failure, answer.status, answer.answered_at) == (None, 200, NOON)
    decoded: dict[str, Any] = msgspec.json.decode(answer.body)
    return decoded


async def test_an_app_sees_the_request_as_from_a_listener(lab: InProcess, estate: Estate) -> None:
    url = f"https://{MAIL.upper()}/a%40b?%24select=x%20y&x=1&x=2"
    request = await seen(lab, method="post", url=url, headers=(("User-Agent", "me/1"),), body=b"12")
    assert (request["method"], request["host"], request["path"], request["body"]) == ("POST", MAIL, "/a@b", "12")
    assert request["query"] == {"$select": "x y", "x": "1"}
    assert request["headers"] == {"host": MAIL, "content-length": "2", "user-agent": "me/1"}
    assert request["principal"] == ""
    assert [(one.host, one.path, one.user_agent, one.status) for one in estate.log] == [(MAIL, "/a@b", "me/1", 200)]


async def test_exchange_is_the_administrator_and_entra_a_minted_token(lab: InProcess) -> None:
    assert (await seen(lab, method="GET", url=EWS, sign=Sign.EXCHANGE))["principal"] == ADMINISTRATOR
    scope = f"https://{GRAPH}/.default"
    request = await seen(lab, method="GET", url=f"https://{GRAPH}/v1.0/x", sign=Sign.ENTRA, scope=scope)
    assert request["headers"]["authorization"] == f"Bearer {ENTRA_CLIENT}/https://{GRAPH}"
    assert request["principal"] == ""


async def test_a_401_of_an_exchange_host_offers_what_the_listener_offers(lab: InProcess) -> None:
    answer = await lab.http(HttpAsk(method="GET", url=f"https://{MAIL}/401"))
    offers = ("Bearer", "Negotiate", "NTLM", f'Basic realm="{MAIL}"')
    assert answer.header_all("www-authenticate") == offers
    assert {name for name, _ in answer.headers} == {"content-type", "date", "www-authenticate"}
    answer = await lab.http(HttpAsk(method="GET", url=f"https://{GRAPH}/401"))
    assert answer.header_all("www-authenticate") == ("Bearer",)


@pytest.mark.parametrize(
    ("ask", "reason", "says"),
    [
        (HttpAsk(method="GET", url="https://nobody.contoso.com/"), FailureReason.NAME_NOT_FOUND, "nobody.contoso.com"),
        (HttpAsk(method="GET", url=f"http://{MAIL}/"), FailureReason.UNREACHABLE, "port 80"),
        (HttpAsk(method="GET", url=f"https://{MAIL}:444/"), FailureReason.UNREACHABLE, "port 444"),
        (HttpAsk(method="GET", url=f"https://{GRAPH}/", sign=Sign.EXCHANGE), FailureReason.REFUSED, "not sent to"),
        (HttpAsk(method="GET", url=EWS, sign=Sign.ENTRA), FailureReason.REFUSED, "not sent to"),
        (HttpAsk(method="GET", url=EWS, limit=10), FailureReason.MALFORMED, "larger than the 10 bytes"),
    ],
)
async def test_what_cannot_be_asked_is_a_failure(
    lab: InProcess, ask: HttpAsk, reason: FailureReason, says: str
) -> None:
    answer = await lab.http(ask)
    assert answer.failure is not None
    assert (answer.failure.reason, says in answer.failure.says) == (reason, True), answer.failure
    assert (answer.status, answer.body) == (0, b"")


async def test_a_certificate_that_is_not_good_is_not_trusted(lab: InProcess, estate: Estate) -> None:
    estate.switch_certificate(MAIL, "expired")
    answer = await lab.http(HttpAsk(method="GET", url=EWS))
    assert answer.failure is not None
    assert (answer.failure.reason, "expired" in answer.failure.says) == (FailureReason.CERTIFICATE, True)


async def test_cmdlets_run_as_the_administrator(lab: InProcess) -> None:
    answer = await lab.cmdlet(CmdletAsk(premises=Premises.ON_PREMISES, name="Get-AuthConfig"))
    assert answer.objects == ({"Name": "Get-AuthConfig", "By": ADMINISTRATOR},)


async def test_dns_is_the_zone(lab: InProcess) -> None:
    assert (await lab.dns(DnsAsk(name=MAIL))).records == (lab.zone.addresses[MAIL],)
    assert await lab.dns(DnsAsk(name=MAIL, rdtype="SRV")) == await lab.dns(DnsAsk(name="contoso.com"))
    failure = (await lab.dns(DnsAsk(name="nobody.contoso.com"))).failure
    assert failure is not None
    assert failure.reason is FailureReason.NAME_NOT_FOUND
    del lab.zone.addresses[MAIL]
    answer = await lab.http(HttpAsk(method="GET", url=EWS))
    assert answer.failure is not None
    assert answer.failure.reason is FailureReason.NAME_NOT_FOUND


V2 = "/autodiscover/autodiscover.json/v1.0/ada@contoso.com?Protocol=EWS"
PRINCIPAL = f"https://{GRAPH}/v1.0/servicePrincipals(appId='{TEAMS_SCHEDULER}')"
SAME = [
    HttpAsk(method="GET", url=EWS),
    HttpAsk(method="GET", url=EWS, sign=Sign.EXCHANGE),
    HttpAsk(method="GET", url=EWS, sign=Sign.EXCHANGE, headers=(("User-Agent", "Nobody/1.0"),)),
    HttpAsk(method="GET", url=f"https://{MAIL}/api"),
    HttpAsk(method="GET", url=f"https://{MAIL}/autodiscover/metadata/json/1"),
    HttpAsk(method="GET", url=f"https://autodiscover.contoso.com{V2}"),
    HttpAsk(method="GET", url=f"https://outlook.office365.com{V2}"),
    HttpAsk(method="GET", url=PRINCIPAL),
    HttpAsk(method="GET", url=PRINCIPAL, sign=Sign.ENTRA, scope=f"https://{GRAPH}/.default"),
    HttpAsk(method="GET", url=f"https://{GRAPH}/", sign=Sign.EXCHANGE),
    HttpAsk(method="GET", url=EWS, limit=10, sign=Sign.EXCHANGE),
    HttpAsk(method="GET", url="https://nobody.contoso.com/"),
]
CARRIAGE = {"date", "content-length", "request-id"}


@pytest.mark.wire
async def test_the_network_answers_what_the_lab_in_process_answers(tmp_path: Path) -> None:
    now = SystemClock().now()
    certificate = make_auth_certificate(now)
    estates = [Estate(contoso(now, certificate), clock=lambda: now, certificate=certificate) for _ in range(2)]
    in_process = InProcess(estates[0])
    async with running_lab(estates[1], tmp_path / "state", contoso_site(estates[1])) as lab:
        config = loaded(tmp_path / "hybridge.toml", lab.toml)
        async with open_live(config.net, config.exchange, config.entra, SystemClock()) as live:
            for ask in SAME:
                assert shown(await live.http(ask)) == shown(await in_process.http(ask)), ask


def loaded(file: Path, toml: str) -> Config:
    file.write_text(toml, encoding="utf-8")
    return load(file)


def shown(answer: HttpAnswer) -> tuple[Any, ...]:
    """What must be the same: all but what carries it and numbers it, and the words of a failure."""
    headers = {(name, value) for name, value in answer.headers if name not in CARRIAGE}
    return answer.status, headers, answer.body, answer.failure and answer.failure.reason
