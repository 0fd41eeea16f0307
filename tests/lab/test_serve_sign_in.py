"""Sign-in at the listener by Basic, NTLM and Negotiate, with and without channel bindings. On both loops."""

from __future__ import annotations

import base64
from functools import partial

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from spnego._ntlm_raw.messages import AvId, Challenge
from spnego.channel_bindings import GssChannelBindings
from tests.lab.serve_client import EX1, GRAPH, LOOPS, MAIL, Lab, Run, run_story

from hybridge.lab.estate import ADMINISTRATOR, ADMINISTRATOR_LOGON
from hybridge.lab.serve.site import ExtendedProtection

pytestmark = pytest.mark.wire


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a story against a listener on each kind of event loop."""
    return partial(run_story, LOOPS[request.param])


def end_point(leaf: bytes) -> GssChannelBindings:
    digest = x509.load_der_x509_certificate(leaf).fingerprint(hashes.SHA256())
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)


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
