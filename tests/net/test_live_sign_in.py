"""Signing in to Exchange: bound to the connection and its certificate, one try for a wrong password, never shared."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import hashes
from tests.net.farm import HOST, Authority, Wish, serve
from tests.net.gate import Gate, binding_of

from hybridge.net.answerers.live import LiveAnswerer, open_live
from hybridge.net.clock import SystemClock
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.net.secret import Secret
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, HttpAsk, Sign

BOTH_LOOPS = True
OTHER = "ews.contoso.com"
PASSWORD = "c4nary-pass word"
USER = "CONTOSO\\svc"
Auth = Literal["basic", "ntlm", "negotiate"]


@pytest.fixture(autouse=True)
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The accounts of pyspnego's acceptor."""
    path = tmp_path / "accounts"
    lines = [f"CONTOSO:svc:{PASSWORD}", f":svc@contoso.com:{PASSWORD}"]
    path.write_text("\n".join(lines + [f"CONTOSO:user{n}:{PASSWORD}" for n in range(20)]))
    monkeypatch.setenv("NTLM_USER_FILE", str(path))


@asynccontextmanager
async def live_at(
    authority: Authority,
    place: str,
    auth: Auth,
    *,
    username: str = USER,
    password: str = PASSWORD,
    timeout: float = 20.0,  # noqa: ASYNC109
    table: dict[str, str] | None = None,
) -> AsyncIterator[LiveAnswerer]:
    net = NetConfig(connect_to={HOST: place, **(table or {})}, ca_file=authority.ca_file, timeout=timeout)
    exchange = ExchangeConfig(hosts=(HOST, OTHER), username=username, password=Secret(password), auth=auth)
    async with open_live(net, exchange, EntraConfig(), SystemClock()) as live:
        assert isinstance(live, LiveAnswerer)
        yield live


def ask(body: bytes = b"", host: str = HOST, sign: Sign = Sign.EXCHANGE) -> HttpAsk:
    return HttpAsk(method="POST" if body else "GET", url=f"https://{host}/EWS/Exchange.asmx", body=body, sign=sign)


def refused(answer: HttpAnswer) -> Failure:
    assert answer.failure is not None and answer.failure.reason is FailureReason.SIGN_IN, answer
    assert PASSWORD not in repr(answer)
    return answer.failure


@pytest.mark.parametrize(
    ("auth", "schemes"),
    [("ntlm", ("NTLM",)), ("ntlm", ("Negotiate",)), ("negotiate", ("Negotiate", "NTLM")), ("negotiate", ("NTLM",))],
)
@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384()], ids=["sha256", "sha384"])
async def test_required_channel_binding(
    authority: Authority, auth: Auth, schemes: tuple[str, ...], algorithm: hashes.SHA256 | hashes.SHA384
) -> None:
    leaf = authority.leaf(Wish(algorithm=algorithm))
    gate = Gate(schemes=(*schemes, 'Basic realm="x, y"', 'Bearer client_id="a", trusted_issuers="b@*,c@*"'))
    gate.binding = binding_of(leaf)
    async with serve(gate, authority.context(leaf=leaf)) as place, live_at(authority, place, auth) as live:
        body = b"<soap/>" * 3000
        first = await live.http(ask(body))
        second = await live.http(ask(body))
    assert first.failure is None and first.status == 200, first
    assert first.body == second.body and first.body.endswith(b"svc 21000")
    assert gate.proofs == 1
    assert [length for _, _, length in gate.seen] == [0, 0, 21000, 21000]
    assert first.certificate == leaf.der


async def test_binding_to_another_certificate_is_refused_with_a_hint(authority: Authority) -> None:
    gate = Gate(binding=binding_of(authority.leaf(Wish())))
    async with serve(gate, authority.context()) as place, live_at(authority, place, "ntlm") as live:
        failure = refused(await live.http(ask()))
    assert failure.says == f"{HOST} refused the sign-in of {USER}."
    assert "Extended Protection" in failure.next_step


@pytest.mark.parametrize(("auth", "scheme"), [("basic", "Basic"), ("ntlm", "NTLM"), ("negotiate", "Negotiate")])
async def test_wrong_password_is_sent_once(
    authority: Authority, auth: Auth, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gate = Gate(schemes=(scheme,), passwords={USER: PASSWORD})
    async with serve(gate, authority.context(Wish(names=(HOST, OTHER)))) as place:
        wrong = "wr0ng-canary"
        async with live_at(authority, place, auth, password=wrong, table={OTHER: place}) as live:
            asks = [ask(host=host) for host in (HOST, OTHER) for _ in range(10)]
            answers = await asyncio.gather(*(live.http(one) for one in asks))
            later = await live.http(ask(b"x"))
    failures = [refused(answer) for answer in (*answers, later)]
    assert gate.proofs == 1
    assert all(USER in failure.says and HOST in failure.says for failure in failures[:10])
    assert "not tried again in this run" in failures[-1].says
    assert wrong not in caplog.text and wrong not in repr(answers)
    assert "TlRMTVNTUA" not in caplog.text  # how every NTLM token begins in base64


async def test_busy_answer_proves_no_password(authority: Authority) -> None:
    gate = Gate(schemes=("Basic",), busy=1)
    async with (
        serve(gate, authority.context()) as place,
        live_at(authority, place, "basic", password="wr0ng") as live,
    ):
        assert (await live.http(ask())).status == 503
        answers = await asyncio.gather(*(live.http(ask()) for _ in range(8)))
    assert all(refused(answer) for answer in answers)
    assert gate.proofs == 2


async def test_basic_is_sent_only_where_it_is_asked_for(authority: Authority) -> None:
    gate = Gate(schemes=("Negotiate", "NTLM"))
    async with serve(gate, authority.context()) as place, live_at(authority, place, "basic") as live:
        failure = refused(await live.http(ask(b"body")))
    assert failure.says == f"{HOST} does not offer a sign-in of the kind basic, only negotiate, ntlm."
    assert gate.seen == [("POST", "", 0)]
    gate = Gate(schemes=("Basic",), passwords={USER: PASSWORD})
    async with serve(gate, authority.context()) as place, live_at(authority, place, "basic") as live:
        answers = [await live.http(ask(b"body")) for _ in range(3)]
    assert [answer.body for answer in answers] == [f"{USER} 4".encode()] * 3
    assert [scheme for _, scheme, _ in gate.seen] == ["", "Basic", "Basic", "Basic"]


async def test_server_that_wants_no_sign_in_gets_none(authority: Authority) -> None:
    seen = []

    async def open_door(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.Response(body=await request.read())

    async with serve(open_door, authority.context()) as place:
        auths: tuple[Auth, ...] = ("basic", "ntlm")
        for auth in auths:
            async with live_at(authority, place, auth) as live:
                assert (await live.http(ask(b"body"))).body == b"body"
    assert set(seen) == {None}


async def test_many_identities_answer_as_themselves(authority: Authority) -> None:
    gate = Gate()

    async def be(user: str, place: str) -> None:
        async with live_at(authority, place, "ntlm", username=f"CONTOSO\\{user}") as live:
            answers = await asyncio.gather(*(live.http(ask(b"x")) for _ in range(6)))
        assert {answer.body for answer in answers} == {f"CONTOSO\\{user} 1".encode()}

    async with serve(gate, authority.context()) as place:
        await asyncio.gather(*(be(f"user{n}", place) for n in range(10)))
    assert len(gate.signed_in) <= 10 * 6


async def test_anonymous_asks_never_ride_on_a_signed_connection(authority: Authority) -> None:
    gate = Gate()
    async with serve(gate, authority.context()) as place, live_at(authority, place, "ntlm") as live:
        asks = [ask(sign=Sign.EXCHANGE if n % 2 else Sign.NONE) for n in range(20)]
        for _ in range(2):
            answers = await asyncio.gather(*(live.http(one) for one in asks))
            assert [answer.status for answer in answers] == [200 if n % 2 else 401 for n in range(20)]
    assert len(gate.signed_in) <= 8


async def test_connection_closed_by_the_server_is_signed_in_again(authority: Authority) -> None:
    gate = Gate(close_each=True)
    async with serve(gate, authority.context()) as place, live_at(authority, place, "ntlm") as live:
        answers = [await live.http(ask(b"x")) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert len(gate.signed_in) == 3


async def test_connection_changed_in_the_middle_is_no_wrong_password(authority: Authority) -> None:
    gate = Gate(close_after_challenge=True)
    async with serve(gate, authority.context()) as place, live_at(authority, place, "ntlm") as live:
        answer = await live.http(ask(b"x"))
        assert answer.failure is not None and answer.failure.reason is FailureReason.UNREACHABLE
        assert "changes the connection in the middle of the sign-in" in answer.failure.says
        gate.close_after_challenge = False
        assert (await live.http(ask(b"x"))).status == 200


async def test_broken_challenge_is_no_wrong_password(authority: Authority) -> None:
    gate = Gate(garbage=True)
    async with serve(gate, authority.context()) as place, live_at(authority, place, "ntlm") as live:
        assert "broke off" in refused(await live.http(ask(b"x"))).says
        gate.garbage = False
        assert (await live.http(ask(b"x"))).status == 200


async def test_host_that_refuses_a_proven_account_is_given_up_alone(authority: Authority) -> None:
    good, bad = Gate(), Gate(binding=binding_of(authority.leaf(Wish())))
    bad_tls = authority.context(Wish(names=(OTHER,)))
    async with (
        serve(good, authority.context()) as place,
        serve(bad, bad_tls) as other,
        live_at(authority, place, "ntlm", table={OTHER: other}) as live,
    ):
        assert (await live.http(ask())).status == 200
        assert "refused the sign-in" in refused(await live.http(ask(host=OTHER))).says
        assert "is not asked" in refused(await live.http(ask(host=OTHER))).says
        assert (await live.http(ask())).status == 200
    assert bad.proofs == 1


async def test_host_that_hangs_does_not_use_up_the_time_of_others(authority: Authority) -> None:
    hanging, good = Gate(hang_at_proof=True), Gate()
    tls = authority.context(Wish(names=(HOST, OTHER)))
    async with (
        serve(hanging, tls) as slow,
        serve(good, tls) as place,
        live_at(authority, place, "ntlm", table={OTHER: slow}, timeout=0.5) as live,
    ):
        first = asyncio.create_task(live.http(ask(host=OTHER)))
        await hanging.proof_came.wait()
        answer = await live.http(ask())
        late = await first
    assert late.failure is not None and late.failure.reason is FailureReason.UNREACHABLE
    assert answer.status == 200, answer.failure


async def test_user_principal_name_signs_in(authority: Authority) -> None:
    gate = Gate()
    async with (
        serve(gate, authority.context()) as place,
        live_at(authority, place, "ntlm", username="svc@contoso.com") as live,
    ):
        assert (await live.http(ask())).status == 200
