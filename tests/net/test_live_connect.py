"""Where connections go: the connect-to table, DNS, only_mapped, and what is refused before any connection."""

from __future__ import annotations

from aiohttp import web
from tests.net.farm import HOST, Authority, Zone, free_port, serve, serve_dns

from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SystemClock
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.net.secret import Secret
from hybridge.wire.ask import DnsAsk, FailureReason, HttpAnswer, HttpAsk, Sign

BOTH_LOOPS = True


async def get(net: NetConfig, url: str, **more: object) -> HttpAnswer:
    """One anonymous GET."""
    async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as live:
        return await live.http(HttpAsk(method="GET", url=url, **more))  # type: ignore[arg-type]


async def hello(request: web.Request) -> web.Response:
    sni = request.transport.get_extra_info("ssl_object") if request.transport else None
    return web.json_response(
        {"host": request.host, "path": request.path_qs, "tls": bool(sni), "agent": request.headers["User-Agent"]}
    )


async def test_connect_to_by_name_keeps_url_host_and_certificate(authority: Authority) -> None:
    async with serve(hello, authority.context()) as place:
        net = NetConfig(connect_to={HOST: place}, ca_file=authority.ca_file)
        answer = await get(net, f"https://{HOST}/a?b=c")
    assert answer.failure is None and answer.status == 200
    assert b'"host": "mail.contoso.com"' in answer.body and b"/a?b=c" in answer.body
    assert b"hybridge/" in answer.body
    assert answer.certificate and answer.answered_at and answer.took_ms > 0


async def test_connect_to_by_address_after_dns(authority: Authority) -> None:
    zone = Zone({(HOST, "A"): ("203.0.113.7",), ("alias.contoso.com", "CNAME"): (f"{HOST}.",)})
    async with serve(hello, authority.context()) as place, serve_dns(zone) as server:
        net = NetConfig(connect_to={"203.0.113.7:443": place}, ca_file=authority.ca_file, nameserver=server)
        answer = await get(net, f"https://{HOST}/")
        assert answer.status == 200, answer.failure
        via_alias = await get(net, "https://alias.contoso.com/")
    assert (HOST, "A") in zone.asked
    assert via_alias.failure is not None and "for other names: it names mail.contoso.com" in via_alias.failure.says


async def test_dead_first_address_does_not_hide_the_second(authority: Authority) -> None:
    zone = Zone({(HOST, "A"): ("203.0.113.7", "203.0.113.8")})
    async with serve(hello, authority.context()) as place, serve_dns(zone) as server:
        table = {"203.0.113.7": f"127.0.0.1:{free_port()}", "203.0.113.8": place}
        answer = await get(
            NetConfig(connect_to=table, ca_file=authority.ca_file, nameserver=server), f"https://{HOST}/"
        )
    assert answer.status == 200, answer.failure


async def test_only_mapped_refuses_everything_else(authority: Authority) -> None:
    zone = Zone({("other.contoso.com", "A"): ("192.0.2.1",)})
    async with serve_dns(zone) as server:
        by_name = NetConfig(connect_to={HOST: "127.0.0.1:1"}, only_mapped=True)
        by_address = NetConfig(connect_to={"203.0.113.7": "127.0.0.1:1"}, only_mapped=True, nameserver=server)
        for net in (by_name, by_address):
            for url in ("https://other.contoso.com/", "http://192.0.2.1/", "http://[2001:db8::1]/"):
                answer = await get(net, url)
                assert answer.failure is not None
                assert answer.failure.reason is FailureReason.REFUSED, url
                assert "net.only_mapped" in answer.failure.says
                assert (url.partition("//")[2].strip("/").strip("[]")) in answer.failure.says


async def test_mapped_address_is_not_asked_by_its_number() -> None:
    answer = await get(NetConfig(connect_to={"203.0.113.7": "127.0.0.1:1"}), "https://203.0.113.7/")
    assert answer.failure is not None and answer.failure.reason is FailureReason.REFUSED


async def test_numbers_that_only_look_like_names_do_not_slip_through() -> None:
    net = NetConfig(connect_to={HOST: "127.0.0.1:1"}, only_mapped=True)
    for host in ("2130706433", "127.1", "0x7f000001", "localhost", "localhost."):
        answer = await get(net, f"http://{host}/")
        assert answer.failure is not None
        assert answer.failure.reason in (FailureReason.REFUSED, FailureReason.MALFORMED), host


async def test_dns_answers_and_faults() -> None:
    records = {
        (HOST, "A"): ("203.0.113.7",),
        ("autodiscover.contoso.com", "CNAME"): ("autodiscover.outlook.com.",),
        ("_autodiscover._tcp.contoso.com", "SRV"): (f"0 0 443 {HOST}.",),
        ("big.contoso.com", "A"): tuple(f"203.0.113.{n}" for n in range(1, 200)),
    }
    zone = Zone(records, {"bad.contoso.com": "servfail", "no.contoso.com": "refused", "big.contoso.com": "truncated"})
    zone.faults["mute.contoso.com"] = "silent"
    async with serve_dns(zone) as server:
        net = NetConfig(nameserver=server, timeout=1.0)
        async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as live:
            assert (await live.dns(DnsAsk(name=HOST))).records == ("203.0.113.7",)
            assert (await live.dns(DnsAsk(name="autodiscover.contoso.com", rdtype="CNAME"))).records == (
                "autodiscover.outlook.com.",
            )
            srv = await live.dns(DnsAsk(name="_autodiscover._tcp.contoso.com", rdtype="SRV"))
            assert srv.records == (f"0 0 443 {HOST}.",)
            empty = await live.dns(DnsAsk(name=HOST, rdtype="AAAA"))
            assert empty.records == () and empty.failure is None
            assert len((await live.dns(DnsAsk(name="big.contoso.com"))).records) == 199
            for name, reason, word in (
                ("nobody.contoso.com", FailureReason.NAME_NOT_FOUND, "knows no name"),
                ("bad.contoso.com", FailureReason.UNREACHABLE, "SERVFAIL"),
                ("no.contoso.com", FailureReason.UNREACHABLE, "REFUSED"),
                ("mute.contoso.com", FailureReason.UNREACHABLE, "did not answer"),
                ("a" * 80 + ".contoso.com", FailureReason.MALFORMED, "not a name"),
            ):
                failure = (await live.dns(DnsAsk(name=name))).failure
                assert failure is not None and failure.reason is reason and word in failure.says, failure
            odd = await live.dns(DnsAsk(name=HOST, rdtype="ANY"))
            assert odd.failure is not None and odd.failure.reason is FailureReason.DEFECT


async def test_dns_faults_reach_http() -> None:
    zone = Zone({(HOST, "MX"): ("10 mx.contoso.com.",)}, {"bad.contoso.com": "servfail"})
    async with serve_dns(zone) as server:
        net = NetConfig(nameserver=server)
        gone = await get(net, "https://gone.contoso.com/")
        assert gone.failure is not None and gone.failure.reason is FailureReason.NAME_NOT_FOUND
        without = await get(net, f"https://{HOST}/")
        assert without.failure is not None and without.failure.says == f"DNS has no address for {HOST}."
        bad = await get(net, "https://bad.contoso.com/")
        assert bad.failure is not None and bad.failure.reason is FailureReason.UNREACHABLE
    dead = await get(NetConfig(nameserver=f"127.0.0.1:{free_port()}", timeout=0.5), f"https://{HOST}/")
    assert dead.failure is not None and dead.failure.reason is FailureReason.UNREACHABLE
    assert dead.failure.says.startswith("The name server 127.0.0.1:")


async def test_only_mapped_without_name_server_asks_no_dns() -> None:
    async with open_live(NetConfig(only_mapped=True), ExchangeConfig(), EntraConfig(), SystemClock()) as live:
        answer = await live.dns(DnsAsk(name=HOST))
    assert answer.failure is not None and answer.failure.reason is FailureReason.REFUSED


async def test_addresses_that_are_not_asked() -> None:
    for url, reason in (
        ("ftp://mail.contoso.com/", FailureReason.REFUSED),
        ("file:///etc/passwd", FailureReason.REFUSED),
        ("https://user:hunter2@mail.contoso.com/", FailureReason.REFUSED),
        ("https:///nowhere", FailureReason.MALFORMED),
        ("https://mail.contoso.com:99999/", FailureReason.MALFORMED),
        ("mail.contoso.com/ews", FailureReason.REFUSED),
        ("https://[::1/", FailureReason.MALFORMED),
        ("", FailureReason.REFUSED),
    ):
        answer = await get(NetConfig(only_mapped=True), url)
        assert answer.failure is not None and answer.failure.reason is reason, (url, answer.failure)
        assert "hunter2" not in answer.failure.says


async def test_credentials_go_only_where_the_configuration_says() -> None:
    exchange = ExchangeConfig(hosts=(HOST, "ews.contoso.com:8443"), username="CONTOSO\\svc", password=Secret("canary"))
    entra = EntraConfig(tenant_id="t", client_id="c", client_secret=Secret("canary"))
    net = NetConfig(only_mapped=True)
    refused = (
        HttpAsk(method="GET", url="https://evil.example/", sign=Sign.EXCHANGE),
        HttpAsk(method="GET", url=f"http://{HOST}/", sign=Sign.EXCHANGE),
        HttpAsk(method="GET", url=f"https://{HOST}:444/", sign=Sign.EXCHANGE),
        HttpAsk(method="GET", url=f"https://{HOST}.evil.example/", sign=Sign.EXCHANGE),
        HttpAsk(method="GET", url=f"https://{HOST}/", sign=Sign.ENTRA, scope="x/.default"),
        HttpAsk(method="GET", url="http://graph.microsoft.com/", sign=Sign.ENTRA, scope="x/.default"),
        HttpAsk(method="GET", url=f"https://{HOST}/", headers=(("Authorization", "Basic Y2FuYXJ5"),)),
        HttpAsk(method="GET", url=f"https://{HOST}/", headers=(("cookie", "a=b"),)),
    )
    async with open_live(net, exchange, entra, SystemClock()) as live:
        for ask in refused:
            answer = await live.http(ask)
            assert answer.failure is not None and answer.failure.reason is FailureReason.REFUSED, ask
            assert "only_mapped" not in answer.failure.says, ask
            assert "canary" not in answer.failure.says and "Y2FuYXJ5" not in answer.failure.says
        for url in (f"https://{HOST.upper()}./", "https://ews.contoso.com:8443/"):
            allowed = await live.http(HttpAsk(method="GET", url=url, sign=Sign.EXCHANGE))
            assert allowed.failure is not None and "only_mapped" in allowed.failure.says
    async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as live:
        for sign in (Sign.EXCHANGE, Sign.ENTRA):
            answer = await live.http(HttpAsk(method="GET", url=f"https://{HOST}/", sign=sign))
            assert answer.failure is not None and answer.failure.reason is FailureReason.NOT_CONFIGURED
