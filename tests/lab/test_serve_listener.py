"""The HTTPS listener met by a plain TLS client: certificates, hosts and requests. On both loops."""

from __future__ import annotations

import asyncio
import base64
import ssl
from functools import partial

import pytest
from tests.lab.serve_client import EX1, GRAPH, LOOPS, MAIL, Lab, Run, run_story

from hybridge.lab.estate import ADMINISTRATOR
from hybridge.lab.serve.listener import BODY_LIMIT

pytestmark = pytest.mark.wire


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a story against a listener on each kind of event loop."""
    return partial(run_story, LOOPS[request.param])


async def chain_length(port: int) -> int:
    """How many certificates the server of MAIL sends."""
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=blind, server_hostname=MAIL)
    seen = writer.get_extra_info("ssl_object")
    chain = getattr(seen, "get_unverified_chain", None) or seen._sslobj.get_unverified_chain  # public from 3.13
    writer.transport.abort()
    return len(chain())


def test_every_host_shows_a_certificate_strict_clients_accept(run: Run) -> None:
    async def story(lab: Lab) -> None:
        for host in (MAIL, EX1, GRAPH):
            async with lab.client(host) as client:
                answer = await client.ask("/open", host=host)
                assert (answer.status, answer.body) == (200, b"open")

    run(story)


@pytest.mark.parametrize(
    ("variant", "code", "chain"),
    [
        ("expired", 10, 2),
        ("not-yet-valid", 9, 2),
        ("wrong-name", 62, 2),
        ("self-signed", 18, 1),
        ("untrusted", 20, 2),
        ("no-chain", 20, 1),
    ],
)
def test_a_client_sees_what_is_wrong_with_each_variant(run: Run, variant: str, code: int, chain: int) -> None:
    async def story(lab: Lab) -> None:
        lab.estate.switch_certificate(MAIL, variant)
        with pytest.raises(ssl.SSLCertVerificationError) as refused:
            async with lab.client(MAIL):
                pass
        assert refused.value.verify_code == code
        assert await chain_length(lab.port) == chain
        async with lab.client(EX1):
            pass  # the others stay good

    run(story)


def test_a_switch_closes_that_hosts_connections_and_no_others(run: Run) -> None:
    async def story(lab: Lab) -> None:
        async with lab.client(MAIL) as mail, lab.client(EX1) as other:
            before = mail.leaf
            assert (await mail.ask("/open")).status == 200
            assert (await other.ask("/open", host=EX1)).status == 200
            lab.estate.switch_certificate(MAIL, "expired")
            assert await mail.reader.read() == b""
            assert (await other.ask("/open", host=EX1)).status == 200
            lab.estate.switch_certificate(MAIL, "good")
            async with lab.client(MAIL) as again:
                assert again.leaf == before

    run(story)


def test_an_unknown_name_is_refused_by_an_alert(run: Run) -> None:
    async def story(lab: Lab) -> None:
        with pytest.raises(ssl.SSLError) as refused:
            async with lab.client("nobody.contoso.com"):
                pass
        assert refused.value.reason == "TLSV1_UNRECOGNIZED_NAME"

    run(story)


def test_an_old_tls_version_is_refused_by_an_alert(run: Run) -> None:
    async def story(lab: Lab) -> None:
        old = ssl.create_default_context(cadata=lab.authority.root_pem.decode())
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1
        with pytest.raises(ssl.SSLError) as refused:
            await asyncio.open_connection("127.0.0.1", lab.port, ssl=old, server_hostname=MAIL)
        assert refused.value.reason == "TLSV1_ALERT_PROTOCOL_VERSION"

    run(story)


def test_a_host_that_is_not_the_names_one_is_misdirected(run: Run) -> None:
    async def story(lab: Lab) -> None:
        async with lab.client(MAIL) as client:
            assert (await client.ask("/open", host=GRAPH)).status == 421
            assert (await client.ask("/open", host=f"{MAIL.upper()}:443")).status == 200

    run(story)


def test_an_app_sees_decoded_path_and_query_and_gives_its_own_headers_only(run: Run) -> None:
    async def story(lab: Lab) -> None:
        async with lab.client(GRAPH) as client:
            answer = await client.ask("/a%40b/c('%24')?%24select=id&x=1&x=2", "Bearer t", GRAPH, "POST", b"123")
            assert answer.body == (
                b'{"principal":"","authorization":"Bearer t","query":{"$select":"id","x":"1"},'
                b'"path":"/a@b/c(\'$\')","body":3}'
            )
            assert answer.all("server") == []
            assert (await client.ask("/open", host=GRAPH)).all("x-fe-server") == ["EX1"]

    run(story)


def test_too_large_a_body_is_refused(run: Run) -> None:
    async def story(lab: Lab) -> None:
        async with lab.client(GRAPH) as client:
            answer = await client.ask("/x", host=GRAPH, method="POST", body=bytes(BODY_LIMIT + 1))
            assert answer.status == 413

    run(story)


def test_a_failing_app_is_a_500_and_a_dead_one_a_cut_connection(run: Run) -> None:
    async def story(lab: Lab) -> None:
        async with lab.client(MAIL) as client:
            assert (await client.ask("/defect")).status == 500
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await client.ask("/dead")

    run(story)


def test_every_request_is_logged(run: Run) -> None:
    async def story(lab: Lab) -> None:
        async with lab.client(MAIL) as client:
            await client.ask("/open")
            basic = base64.b64encode(f"{ADMINISTRATOR}:{lab.password}".encode()).decode()
            await client.ask("/ews?secret=1", f"Basic {basic}")
        logged = [(one.host, one.method, one.path, one.status, one.principal) for one in lab.estate.log]
        assert logged == [(MAIL, "GET", "/open", 200, ""), (MAIL, "GET", "/ews", 200, ADMINISTRATOR)]

    run(story)
