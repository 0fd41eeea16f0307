"""Nothing that signs somebody in stays in what is kept, and evidence stays readable."""

from __future__ import annotations

import base64
import json
import time

import pytest

from hybridge.net.redact import GONE, redact_cmdlet, redact_http, redact_text
from hybridge.net.secret import Secret
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk, HttpAnswer, HttpAsk

CANARY = "c4naryC4naryC4nary"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJjNG5hcnkifQ.c2lnbmF0dXJl"
NTLM = "TlRMTVNTUAADAAAAGAAYAIIAAAD=="


def header(name: str, value: str) -> str:
    ask, answer = redact_http(
        HttpAsk(method="GET", url="https://h/", headers=((name, value),)), HttpAnswer(headers=((name.lower(), value),))
    )
    assert ask.headers[0][1] == answer.headers[0][1]
    return answer.headers[0][1]


def body(text: str) -> str:
    ask, answer = redact_http(
        HttpAsk(method="POST", url="https://h/", body=text.encode()), HttpAnswer(body=text.encode())
    )
    assert ask.body == answer.body
    return answer.body.decode()


def test_headers() -> None:
    assert header("Authorization", f"Bearer {JWT}") == f"Bearer {GONE}"
    assert header("Authorization", f"Basic {base64.b64encode(b'u:p').decode()}") == f"Basic {GONE}"
    assert header("authorization", f"NTLM {NTLM}") == f"NTLM {GONE}"
    assert header("Authorization", CANARY) == GONE
    assert header("Authorization", "Bearer") == "Bearer"
    assert header("Proxy-Authorization", f"Weird {CANARY}") == GONE
    assert header("Cookie", f"a={CANARY}; b={CANARY}") == f"a={GONE}; b={GONE}"
    assert header("Set-Cookie", f"X-BackEndCookie={CANARY}=; path=/; secure") == (
        f"X-BackEndCookie={GONE}; path=/; secure"
    )
    assert header("Set-Cookie", CANARY) == GONE
    assert header("Location", f"https://u:{CANARY}@h/?code={CANARY}&x=1#access_token={CANARY}") == (
        f"https://{GONE}@h/?code={GONE}&x=1#access_token={GONE}"
    )


def test_challenges_keep_what_is_evidence() -> None:
    bearer = (
        'Bearer client_id="00000002-0000-0ff1-ce00-000000000000", '
        'trusted_issuers="00000001-0000-0000-c000-000000000000@*", token_types="app_asserted_user_v1"'
    )
    assert header("WWW-Authenticate", bearer) == bearer
    for plain in ("Negotiate", "NTLM", 'Basic realm="mail.contoso.com"', "Negotiate, NTLM"):
        assert header("WWW-Authenticate", plain) == plain
    assert header("WWW-Authenticate", f"Negotiate {NTLM}, NTLM {NTLM}") == f"Negotiate {GONE}, NTLM {GONE}"


@pytest.mark.parametrize(
    "text",
    [
        f"grant_type=client_credentials&client_secret={CANARY}&client_assertion={CANARY}&scope=x",
        f"client_secret={CANARY}",
        json.dumps({"access_token": CANARY, "Refresh_Token": CANARY + '\\"' + CANARY, "expires_in": 3599}),
        '{"password" : "' + CANARY,
        f'{{"passwordCredentials": [{{"secretText": "{CANARY}"}}]}}',
        f"<wsse:UsernameToken><wsse:Password Type='x'>{CANARY}</wsse:Password></wsse:UsernameToken>",
        f'<Obj><MS><S N="AdminPassword">{CANARY}</S><SS N="x">{CANARY}</SS></MS></Obj>',
        f"Authorization: Bearer {CANARY}{CANARY}",
        f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{CANARY}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}",
        f"GET https://svc:{CANARY}@mail.contoso.com/",
    ],
)
def test_bodies_lose_their_secrets(text: str) -> None:
    if "https://" in text:
        assert CANARY not in redact_text(text)
    else:
        assert CANARY not in body(text)
        assert GONE in body(text)


def test_bodies_stay_readable() -> None:
    token = json.dumps({"token_type": "Bearer", "expires_in": 3599, "access_token": JWT})
    assert json.loads(body(token)) == {"token_type": "Bearer", "expires_in": 3599, "access_token": GONE}
    assert JWT not in body(f"anywhere {JWT} at all")
    principal = json.dumps(
        {"keyCredentials": [{"key": "TUlJQ2N6Q0NBZHlnQXdJQkFnSUI=", "type": "x", "usage": "Verify"}]}
    )
    assert body(principal) == principal
    for plain in ("<m:GetDelegate/>", "ErrorCode=404; code=5", "", "password policy", '{"passwordPolicies": "None"}'):
        assert body(plain) == plain
    assert redact_http(HttpAsk(method="GET", url="https://h/a?Email=x@y&RedirectCount=1"), HttpAnswer())[0].url == (
        "https://h/a?Email=x@y&RedirectCount=1"
    )
    binary = bytes(range(256))
    assert redact_http(HttpAsk(method="GET", url="https://h/"), HttpAnswer(body=binary))[1].body == binary


def test_known_secrets_go_in_every_coding() -> None:
    secret = Secret("päss&wörd <1>")
    forms = [
        "päss&wörd <1>",
        "päss&amp;wörd &lt;1&gt;",
        "p%C3%A4ss%26w%C3%B6rd%20%3C1%3E",
        "p%C3%A4ss%26w%C3%B6rd+%3C1%3E",
        base64.b64encode(secret.reveal().encode()).decode(),
    ]
    ask = HttpAsk(method="POST", url="https://h/", headers=(("X", forms[0]),), body=" ".join(forms).encode())
    kept, _ = redact_http(ask, HttpAnswer(), [secret, Secret(""), Secret("a")])
    assert kept.body.decode() == " ".join([GONE] * 5)
    assert kept.headers == (("X", GONE),)
    assert redact_text(forms[0], [secret]) == GONE


def test_cmdlet_parameters() -> None:
    ask = CmdletAsk(
        premises=Premises.ON_PREMISES, name="Set-X", parameters=(("Identity", "a"), ("AdminPassword", CANARY))
    )
    assert redact_cmdlet(ask).parameters == (("Identity", "a"), ("AdminPassword", GONE))


def test_hostile_bodies_take_no_time() -> None:
    for piece in (
        b'"password":"',
        b"<Password ",
        b"Bearer ",
        b"eyJaaaaaaaaa.",
        b"\\",
        b"-----BEGIN PRIVATE KEY-----",
        b'<S N="',
    ):
        hostile = piece * (512 * 1024 // len(piece))
        began = time.perf_counter()
        redact_http(HttpAsk(method="GET", url="https://h/"), HttpAnswer(body=hostile))
        assert time.perf_counter() - began < 2, piece
