"""The HTTPS listener met by a TLS client that speaks HTTP by hand: certificates, hosts, sign-in. On both loops."""

from __future__ import annotations

import asyncio
import base64
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import spnego
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from spnego._ntlm_raw.messages import AvId, Challenge
from spnego.channel_bindings import GssChannelBindings

from hybridge.lab.apps import base
from hybridge.lab.contoso import AuthCertificate
from hybridge.lab.estate import ADMINISTRATOR, ADMINISTRATOR_LOGON, Estate
from hybridge.lab.serve.ca import Authority
from hybridge.lab.serve.listener import BODY_LIMIT, Listener
from hybridge.lab.serve.site import ExtendedProtection, Site
from hybridge.org.organization import Organization
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer

pytestmark = pytest.mark.wire
MAIL, EX1, GRAPH = "mail.contoso.com", "ex1.contoso.com", "graph.microsoft.com"
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def app(estate: Estate, request: base.Request) -> HttpAnswer:
    """/open for everybody; /dead answers nothing; /defect fails; all else wants a sign-in and shows what it saw."""
    if request.path == "/open":
        return base.text("open", headers=(("x-fe-server", "EX1"),))
    if request.path == "/dead":
        return HttpAnswer(failure=Failure(reason=FailureReason.UNREACHABLE, says="Nobody."))
    if request.path == "/defect":
        raise ZeroDivisionError
    if not request.principal and "authorization" not in request.headers:
        return base.text("who?", 401, (("www-authenticate", 'Bearer realm=""'),))
    return base.json(
        {
            "principal": request.principal,
            "authorization": request.headers.get("authorization", ""),
            "query": request.query,
            "path": request.path,
            "body": len(request.body),
        }
    )


class Shell:
    """Stands where remote PowerShell will: says which connection and principal it was given."""

    async def post(
        self, connection_key: str, principal: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        await asyncio.sleep(0)
        return 200, {"content-type": "application/soap+xml"}, f"{connection_key} {principal}".encode()

    async def close(self) -> None:
        """It keeps no session."""


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


class Client:
    """One TLS connection; ``leaf`` is the DER of the certificate shown."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.leaf: bytes = writer.get_extra_info("ssl_object").getpeercert(True)

    async def ask(
        self, path: str, authorization: str = "", host: str = MAIL, method: str = "GET", body: bytes = b""
    ) -> Answer:
        sign = f"Authorization: {authorization}\r\n" if authorization else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n{sign}\r\n"
        self.writer.write(head.encode() + body)
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = [(line.partition(": ")[0].lower(), line.partition(": ")[2]) for line in lines]
        length = next((int(value) for key, value in headers if key == "content-length"), 0)
        return Answer(int(first.split()[1]), headers, await self.reader.readexactly(length))

    async def negotiate(
        self,
        account: str,
        password: str,
        scheme: str = "NTLM",
        bindings: GssChannelBindings | None = None,
        forge: Callable[[bytes], bytes] = lambda token: token,
    ) -> Answer:
        """The legs of one sign-in; the last answer. ``forge`` changes the server's tokens before they are read."""
        context = spnego.client(account, password, protocol=scheme.lower(), channel_bindings=bindings)
        token = context.step()
        while token:
            answer = await self.ask("/ews", f"{scheme} {base64.b64encode(token).decode()}")
            offer = next((o for o in answer.all("www-authenticate") if o.startswith(f"{scheme} ")), "")
            if not offer or context.complete:
                return answer
            token = context.step(forge(base64.b64decode(offer.partition(" ")[2])))
        return answer


@dataclass
class Lab:
    estate: Estate
    authority: Authority
    port: int

    @asynccontextmanager
    async def client(self, name: str = MAIL) -> AsyncIterator[Client]:
        trust = ssl.create_default_context(cadata=self.authority.root_pem.decode())
        trust.verify_flags |= ssl.VERIFY_X509_STRICT
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=trust, server_hostname=name)
        try:
            yield Client(reader, writer)
        finally:
            writer.transport.abort()

    @property
    def password(self) -> str:
        return self.estate.users[ADMINISTRATOR]


Story = Callable[[Lab], Awaitable[None]]
Run = Callable[..., None]


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a story against a listener on each kind of event loop."""

    def run(story: Story, protection: ExtendedProtection = ExtendedProtection.REQUIRE) -> None:
        async def whole() -> None:
            now = datetime.now(UTC)
            certificate = AuthCertificate(b"", now, now + timedelta(days=1))
            estate = Estate(Organization(), clock=lambda: now, certificate=certificate, randomness=random.Random(7))
            hosts = frozenset({MAIL, EX1, GRAPH})
            site = Site(app, hosts, frozenset({MAIL, EX1}), Shell(), frozenset({EX1}), protection)
            authority = Authority(now)
            async with asyncio.timeout(20), Listener(estate, site, authority) as listener:
                await story(Lab(estate, authority, listener.port))

        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(whole())

    return run


def end_point(leaf: bytes) -> GssChannelBindings:
    digest = x509.load_der_x509_certificate(leaf).fingerprint(hashes.SHA256())
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)


async def chain_length(port: int) -> int:
    """How many certificates the server of MAIL sends."""
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=blind, server_hostname=MAIL)
    seen = writer.get_extra_info("ssl_object")
    chain = getattr(seen, "get_unverified_chain", None) or seen._sslobj.get_unverified_chain  # public from 3.13
    writer.transport.abort()
    return len(chain())


def with_zero_binding(token: bytes) -> bytes:
    """A server's NTLM challenge changed so that pyspnego's client answers with a binding of zeros (and no MIC)."""
    challenge = Challenge.unpack(token)
    pairs = challenge.target_info
    assert pairs is not None
    pairs.pop(AvId.timestamp)
    pairs[AvId.channel_bindings] = bytes(16)
    changed = Challenge(
        challenge.flags,
        challenge.server_challenge,
        target_name=challenge.target_name,
        target_info=pairs,
        version=challenge.version,
    )
    packed: bytes = changed.pack()
    return packed


# --- certificates ---------------------------------------------------------------------------------------------------


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


# --- requests -------------------------------------------------------------------------------------------------------


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


# --- sign-in --------------------------------------------------------------------------------------------------------


def test_a_401_offers_bearer_and_windows_sign_in_on_exchange_hosts_only(run: Run) -> None:
    async def story(lab: Lab) -> None:
        async with lab.client(MAIL) as client:
            answer = await client.ask("/ews")
            offers = ['Bearer realm=""', "Negotiate", "NTLM", f'Basic realm="{MAIL}"']
            assert (answer.status, answer.all("www-authenticate")) == (401, offers)
        async with lab.client(GRAPH) as client:
            answer = await client.ask("/x", host=GRAPH)
            assert (answer.status, answer.all("www-authenticate")) == (401, ['Bearer realm=""'])

    run(story)


@pytest.mark.parametrize("account", [ADMINISTRATOR, ADMINISTRATOR_LOGON, ADMINISTRATOR_LOGON.upper()])
def test_basic_signs_in_one_request_under_either_spelling(run: Run, account: str) -> None:
    async def story(lab: Lab) -> None:
        async with lab.client() as client:
            right = base64.b64encode(f"{account}:{lab.password}".encode()).decode()
            answer = await client.ask("/ews", f"Basic {right}")
            assert answer.status == 200
            assert f'"principal":"{ADMINISTRATOR}","authorization":""'.encode() in answer.body
            assert (await client.ask("/ews")).status == 401

    run(story)


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !", f"Basic {base64.b64encode(b'nobody').decode()}", "NTLM AAAA", "Negotiate YYYY", "Digest AAAA"],
)
def test_what_is_no_credential_is_refused(run: Run, header: str) -> None:
    async def story(lab: Lab) -> None:
        async with lab.client() as client:
            answer = await client.ask("/ews", header)
            assert (answer.status, answer.all("www-authenticate")[1]) == (401, "Negotiate")

    run(story)


def test_a_wrong_password_is_a_401_each_time_and_the_right_one_works_after_it(run: Run) -> None:
    async def story(lab: Lab) -> None:
        async with lab.client() as client:
            binding = end_point(client.leaf)
            wrong = base64.b64encode(f"{ADMINISTRATOR}:wrong".encode()).decode()
            for _ in range(2):
                assert (await client.ask("/ews", f"Basic {wrong}")).status == 401
                for scheme in ("NTLM", "Negotiate"):
                    refused = await client.negotiate(ADMINISTRATOR_LOGON, "wrong", scheme, binding)
                    assert (refused.status, "NTLM" in refused.all("www-authenticate")) == (401, True)
            assert (await client.negotiate("CONTOSO\\nobody", "x", "NTLM", binding)).status == 401
            assert (await client.ask("/ews")).status == 401
            assert (await client.negotiate(ADMINISTRATOR_LOGON, lab.password, "NTLM", binding)).status == 200

    run(story)


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
@pytest.mark.parametrize("account", [ADMINISTRATOR, ADMINISTRATOR_LOGON])
def test_the_legs_sign_in_the_connection_and_no_other(run: Run, scheme: str, account: str) -> None:
    async def story(lab: Lab) -> None:
        async with lab.client() as client, lab.client() as stranger:
            answer = await client.negotiate(account, lab.password, scheme, end_point(client.leaf))
            assert answer.status == 200
            assert f'"principal":"{ADMINISTRATOR}","authorization":""'.encode() in answer.body
            assert (await client.ask("/ews")).status == 200
            assert (await stranger.ask("/ews")).status == 401
            assert b'"principal":""' in (await client.ask("/ews", "Bearer t")).body

    run(story)


def test_an_unbound_or_wrongly_bound_sign_in_is_refused_when_binding_is_required(run: Run) -> None:
    async def story(lab: Lab) -> None:
        async with lab.client() as client:
            wrong = GssChannelBindings(application_data=b"tls-server-end-point:" + bytes(32))
            for bindings in (None, wrong):
                for scheme in ("NTLM", "Negotiate"):
                    answer = await client.negotiate(ADMINISTRATOR_LOGON, lab.password, scheme, bindings)
                    assert answer.status == 401

    run(story)


PROTECTIONS = [(ExtendedProtection.REQUIRE, 401), (ExtendedProtection.ALLOW, 200), (ExtendedProtection.OFF, 200)]


@pytest.mark.parametrize(("protection", "status"), PROTECTIONS)
def test_a_binding_of_zeros_is_no_binding(run: Run, protection: ExtendedProtection, status: int) -> None:
    async def story(lab: Lab) -> None:
        async with lab.client() as client:
            answer = await client.negotiate(ADMINISTRATOR_LOGON, lab.password, forge=with_zero_binding)
            assert answer.status == status

    run(story, protection)


@pytest.mark.parametrize(("protection", "status"), PROTECTIONS)
def test_ntlm_v1_carries_no_binding(
    run: Run, monkeypatch: pytest.MonkeyPatch, protection: ExtendedProtection, status: int
) -> None:
    async def story(lab: Lab) -> None:
        async with lab.client() as client:
            monkeypatch.setenv("LM_COMPAT_LEVEL", "2")
            assert (await client.negotiate(ADMINISTRATOR_LOGON, lab.password)).status == status

    run(story, protection)


@pytest.mark.parametrize("protection", [ExtendedProtection.ALLOW, ExtendedProtection.OFF])
def test_allow_takes_the_unbound_but_not_the_wrongly_bound_and_none_takes_both(
    run: Run, protection: ExtendedProtection
) -> None:
    async def story(lab: Lab) -> None:
        wrong = GssChannelBindings(application_data=b"tls-server-end-point:" + bytes(32))
        for bindings, status in ((None, 200), (wrong, 401 if protection is ExtendedProtection.ALLOW else 200)):
            async with lab.client() as client:
                answer = await client.negotiate(ADMINISTRATOR_LOGON, lab.password, "NTLM", bindings)
                assert answer.status == status

    run(story, protection)


def test_remote_powershell_wants_a_sign_in_and_is_told_the_connection(run: Run) -> None:
    async def story(lab: Lab) -> None:
        right = "Basic " + base64.b64encode(f"{ADMINISTRATOR}:{lab.password}".encode()).decode()
        async with lab.client(EX1) as client, lab.client(EX1) as other:
            refused = await client.ask("/powershell/", host=EX1, method="POST")
            assert (refused.status, refused.all("www-authenticate")[0]) == (401, "Negotiate")
            first, second = [await client.ask("/PowerShell", right, EX1, "POST") for _ in range(2)]
            third = await other.ask("/powershell", right, EX1, "POST")
            assert first.status == 200
            assert first.body == second.body != third.body
            assert first.body.endswith(ADMINISTRATOR.encode())
        async with lab.client(MAIL) as client:
            assert b'"path":"/powershell"' in (await client.ask("/powershell", right, method="POST")).body

    run(story)
