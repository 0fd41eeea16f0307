"""Classic Autodiscover, MAPI's challenge, port 80 and SRV records of the lab: in process, and over real sockets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hybridge.config import load
from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.lab.serve.running import running_lab
from hybridge.lab.site import contoso_site
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.org.records import Address, Record
from hybridge.terms.premises import Premises
from hybridge.wire import autodiscover_pox as pox
from hybridge.wire import autodiscover_soap as soap
from hybridge.wire import mapi_http
from hybridge.wire.ask import Answerer, DnsAsk, FailureReason, HttpAsk, Sign

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
HOST, MAIL, CLOUD = "autodiscover.contoso.com", "mail.contoso.com", "outlook.office365.com"
URL = f"https://{HOST}/autodiscover/autodiscover.xml"
SOAP = URL.replace(".xml", ".svc")
ADA, LINUS = "ada@contoso.com", "linus@contoso.com"
PLAIN = f"http://{HOST}/autodiscover/autodiscover.xml"


@pytest.fixture
def estate() -> Estate:
    certificate = AuthCertificate(b"public half", NOW - timedelta(days=30), NOW + timedelta(days=1000))
    return Estate(contoso(NOW, certificate), clock=lambda: NOW, certificate=certificate)


@pytest.fixture
def lab(estate: Estate) -> InProcess:
    return InProcess(estate)


def put(estate: Estate, *records: Record) -> None:
    estate.organization = estate.organization.put(*records)


async def said(lab: Answerer, mailbox: str = ADA) -> object:
    return pox.read_answer(await lab.http(pox.ask(URL, mailbox, sign=Sign.EXCHANGE)))


async def settings_of(lab: Answerer, mailbox: str = ADA) -> pox.Settings:
    answer = await said(lab, mailbox)
    assert isinstance(answer, pox.Settings)
    return answer


async def soap_said(lab: Answerer, mailbox: str = ADA) -> soap.UserResponse:
    answer = soap.read_answer(await lab.http(soap.ask(SOAP, mailbox, sign=Sign.EXCHANGE)))
    assert isinstance(answer, soap.Response)
    assert str(answer.version) == "15.2.2562.37"
    return answer.users[0]


async def test_a_stranger_is_challenged(lab: InProcess) -> None:
    for url in (URL, SOAP):
        answer = await lab.http(HttpAsk(method="GET", url=url))
        assert answer.status == 401
        assert mapi_http.schemes(answer) == ("bearer", "negotiate", "ntlm", "basic")


async def test_a_mailbox_here_gets_settings(lab: InProcess) -> None:
    found = await settings_of(lab)
    assert found.display_name == "Ada Lovelace"
    assert [one.type for one in found.protocols] == ["EXCH", "EXPR", "EXHTTP", "EXHTTP", "WEB", "mapiHttp"]
    expr, mapi = found.protocol("expr"), found.protocol("mapiHttp")
    assert expr is not None and mapi is not None
    assert (expr.server, expr.ssl, expr.auth_package) == (MAIL, "On", "Negotiate")
    assert (expr.cert_principal_name, expr.ews_url) == (f"msstd:{MAIL}", f"https://{MAIL}/EWS/Exchange.asmx")
    assert mapi.mail_store_external.startswith(f"https://{MAIL}/mapi/emsmdb/?MailboxId=")


async def test_a_client_without_mapi_over_http_is_not_told_of_it(lab: InProcess) -> None:
    ask = HttpAsk(method="POST", url=URL, body=pox.write_request(pox.Request(ADA)).encode(), sign=Sign.EXCHANGE)
    found = pox.read_answer(await lab.http(ask))
    assert isinstance(found, pox.Settings)
    assert [one.type for one in found.protocols] == ["EXCH", "EXPR", "WEB"]


async def test_a_mailbox_online_is_sent_on_and_the_cloud_answers(estate: Estate, lab: InProcess) -> None:
    assert await said(lab, LINUS) == pox.AddressRedirect("linus@contoso.mail.onmicrosoft.com")
    assert (await soap_said(lab, LINUS)).target == "linus@contoso.mail.onmicrosoft.com"
    online = "https://autodiscover.contoso.mail.onmicrosoft.com/autodiscover/autodiscover.xml"
    assert (await lab.http(pox.ask(online, LINUS))).status == 401
    ask = pox.ask(f"https://{CLOUD}/autodiscover/autodiscover.xml", "linus@contoso.mail.onmicrosoft.com")
    signed = HttpAsk(method="POST", url=ask.url, body=ask.body, sign=Sign.ENTRA, scope=f"https://{CLOUD}/.default")
    found = pox.read_answer(await lab.http(signed))
    assert isinstance(found, pox.Settings)
    assert found.display_name == "Linus Pauling"


@pytest.mark.parametrize(
    ("mailbox", "code", "word"), [("nobody@contoso.com", 500, "InvalidUser"), ("grace@contoso.com", 0, "NoError")]
)
async def test_an_unknown_address_is_an_error(lab: InProcess, mailbox: str, code: int, word: str) -> None:
    answer = await said(lab, mailbox)
    assert isinstance(answer, pox.Refused) is bool(code)
    assert not isinstance(answer, pox.Refused) or answer.code == code
    assert (await soap_said(lab, mailbox)).code == word


async def test_settings_follow_the_organization(estate: Estate, lab: InProcess) -> None:
    estate.organization = estate.organization.edit(r.CasMailbox, mapi_enabled=False)
    assert (await settings_of(lab)).protocol("EXCH") is None
    estate.organization = estate.healthy.edit(r.CasMailbox, mapi_http_enabled=False)
    assert (await settings_of(lab)).protocol("mapiHttp") is None
    estate.organization = estate.healthy.edit(r.OutlookAnywhere, external_hostname="")
    assert (await settings_of(lab)).protocol("EXPR") is None
    assert (await soap_said(lab)).setting(soap.EXTERNAL_EWS_URL) == f"https://{MAIL}/EWS/Exchange.asmx"
    estate.organization = estate.healthy.edit(r.OutlookAnywhere, external_client_authentication_method="")
    expr = (await settings_of(lab)).protocol("EXPR")
    assert expr is not None and expr.auth_package == ""
    estate.organization = estate.healthy.drop(Address("OutlookProvider", ON, "exch"))
    assert await said(lab) == pox.Refused(603, "The Autodiscover provider failed.")
    estate.organization = estate.healthy.edit(r.WebServicesVirtualDirectory, external_url="")
    assert [error.name for error in (await soap_said(lab)).errors] == [soap.EXTERNAL_EWS_URL]


async def test_bad_requests(lab: InProcess) -> None:
    get = pox.read_answer(await lab.http(HttpAsk(method="GET", url=URL, sign=Sign.EXCHANGE)))
    assert get == pox.Refused(600, "Invalid Request")
    post = HttpAsk(method="POST", url=SOAP, body=b"<x/>", sign=Sign.EXCHANGE)
    assert isinstance(soap.read_answer(await lab.http(post)), soap.NotSoap)


async def test_mapi_over_http_challenges_and_pongs(lab: InProcess) -> None:
    url = f"https://{MAIL}/mapi/emsmdb/"
    stranger = await lab.http(mapi_http.ask(url))
    assert (stranger.status, stranger.header("x-serverapplication")) == (401, "Exchange/15.02.2562.037")
    ping = mapi_http.ask(url)
    signed = HttpAsk(method="POST", url=url, headers=ping.headers, sign=Sign.EXCHANGE)
    assert (await lab.http(signed)).header("x-responsecode") == "0"


async def test_the_bare_domain_knows_nothing_of_exchange(estate: Estate, lab: InProcess) -> None:
    url = "https://contoso.com/autodiscover/autodiscover.xml"
    answer = await lab.http(HttpAsk(method="GET", url=url))
    assert (answer.status, answer.header("x-feserver")) == (404, "")
    assert (await lab.http(HttpAsk(method="GET", url="https://contoso.com/"))).status == 200


def published(**changes: object) -> r.PublishedHost:
    return r.PublishedHost(premises=ON, identity=HOST, **changes)  # type: ignore[arg-type]


async def port_80(answerer: Answerer, estate: Estate) -> None:
    """What every word of ``PublishedHost.plain_http`` looks like to a client."""
    closed = await answerer.http(HttpAsk(method="GET", url=PLAIN))
    assert closed.failure is not None and closed.failure.reason is FailureReason.UNREACHABLE
    put(estate, published(plain_http="redirect", redirects_to=MAIL))
    moved = await answerer.http(HttpAsk(method="GET", url=PLAIN))
    assert (moved.status, moved.header("location")) == (302, URL.replace(HOST, MAIL))
    put(estate, published(plain_http="page"))
    assert (await answerer.http(HttpAsk(method="GET", url=PLAIN))).status == 200
    put(estate, published(plain_http="ssl-required"))
    refused = await answerer.http(HttpAsk(method="GET", url=PLAIN))
    assert (refused.status, b"403.4" in refused.body) == (403, True)


async def service_records(answerer: Answerer, estate: Estate) -> None:
    """An SRV record is there as soon as it is published, and nothing is before."""
    ask = DnsAsk(name="_autodiscover._tcp.contoso.com", rdtype="SRV")
    nothing = await answerer.dns(ask)
    assert nothing.failure is not None and nothing.failure.reason is FailureReason.NAME_NOT_FOUND
    put(estate, r.PublishedService(premises=ON, identity=ask.name, target=MAIL))
    assert (await answerer.dns(ask)).records == ("0 0 443 mail.contoso.com.",)


async def test_port_80_in_process(lab: InProcess, estate: Estate) -> None:
    await port_80(lab, estate)


async def test_service_records_in_process(lab: InProcess, estate: Estate) -> None:
    await service_records(lab, estate)


async def test_where_exchange_online_sends_teams_without_the_usual_name(lab: InProcess, estate: Estate) -> None:
    put(estate, published(resolves=False))
    put(estate, r.PublishedService(premises=ON, identity="_autodiscover._tcp.contoso.com", target=MAIL))
    url = f"https://{CLOUD}/autodiscover/autodiscover.json?Email={ADA}&Protocol=EWS&RedirectCount=0"
    answer = await lab.http(HttpAsk(method="GET", url=url))
    assert answer.header("location").startswith(f"https://{MAIL}/")


@pytest.mark.wire
async def test_the_same_over_sockets(estate: Estate, tmp_path: Path) -> None:
    async with running_lab(estate, tmp_path / "state", contoso_site(estate)) as running:
        file = tmp_path / "hybridge.toml"
        file.write_text(running.toml, encoding="utf-8")
        config = load(file)
        async with open_live(config.net, config.exchange, config.entra, SetClock(NOW)) as live:
            found = await settings_of(live)
            assert found.protocol("mapiHttp") is not None
            assert (await soap_said(live)).setting(soap.EXTERNAL_EWS_URL) == f"https://{MAIL}/EWS/Exchange.asmx"
            stranger = mapi_http.read_answer(await live.http(mapi_http.ask(f"https://{MAIL}/mapi/emsmdb/")))
            assert isinstance(stranger, mapi_http.Answered)
            assert stranger.server_application == "Exchange/15.02.2562.037"
            await port_80(live, estate)
        estate.reset()
        async with open_live(config.net, config.exchange, config.entra, SetClock(NOW)) as live:
            ask = DnsAsk(name="_autodiscover._tcp.contoso.com", rdtype="SRV")
            put(estate, r.PublishedService(premises=ON, identity=ask.name, target=MAIL))
            assert (await live.dns(ask)).records == ("0 0 443 mail.contoso.com.",)
