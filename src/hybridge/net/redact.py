"""The one place that takes secrets out of what is kept: headers, addresses, bodies, texts.

What is evidence stays: the Bearer challenge with its client id and issuers, public keys, certificates, names. What
signs somebody in goes: authorization headers, NTLM and Negotiate tokens, cookies, tokens, client secrets and
assertions, passwords, private keys. Only values are cut out, so JSON, XML and forms stay readable.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

import msgspec

from hybridge.net.secret import Secret
from hybridge.wire.ask import CmdletAsk, HttpAnswer, HttpAsk

GONE = "(removed)"

SECRET_NAMES = (
    "access_token|refresh_token|id_token|client_secret|client_assertion|assertion|secretText|password|passwd|pwd|"
    "privateKey|private_key|device_code"
)
"""Names of fields whose value is a secret, in JSON, forms, queries and XML; case is ignored."""

_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "authentication-info",
        "proxy-authentication-info",
        "x-ms-authorization-auxiliary",
    }
)
_SCHEMES = frozenset({"basic", "bearer", "digest", "kerberos", "negotiate", "ntlm"})
_CHALLENGES = frozenset({"www-authenticate", "proxy-authenticate"})
_SCHEME_TOKEN = re.compile(r"\b(NTLM|Negotiate|Kerberos)(\s+)[A-Za-z0-9+/._~-]{8,}=*", re.IGNORECASE)
_USER_IN_URL = re.compile(r"(?<=://)[^/?#\s@]+@")
_PARAMETER = re.compile(
    rf"((?:^|[?&#;\s])(?:{SECRET_NAMES})=|[?&#](?:code|sig|token)=)[^&#;\s\"'<>]+".encode(),
    re.IGNORECASE | re.MULTILINE,
)
_JSON = re.compile(rf'("(?:{SECRET_NAMES})"\s*:\s*")[^"\\]*(?:\\.[^"\\]*)*'.encode(), re.IGNORECASE | re.DOTALL)
_ELEMENT = re.compile(rf"(<(?:[\w.-]+:)?(?:{SECRET_NAMES})(?:\s[^<>]*)?>)[^<]+".encode(), re.IGNORECASE)
_CLIXML = re.compile(rb"(<SS?\s+N=\"[^\"]*(?:password|secret)\"[^<>]*>|<SS(?:\s[^<>]*)?>)[^<]+", re.IGNORECASE)
_JWT = re.compile(rb"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")
_BEARER = re.compile(rb"(\bBearer\s+)(?!client_id|realm|error|authorization)[A-Za-z0-9+/._~-]{20,}=*", re.IGNORECASE)
_PRIVATE_KEY = re.compile(rb"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?=-----END|\Z)", re.DOTALL)


def redact_http(ask: HttpAsk, answer: HttpAnswer, secrets: Iterable[Secret] = ()) -> tuple[HttpAsk, HttpAnswer]:
    """The exchange as it may be kept. Values of ``secrets`` are removed wherever they appear, in any usual coding."""
    known = _codings(secrets)
    kept_ask = msgspec.structs.replace(
        ask, url=_text(ask.url, known), headers=_headers(ask.headers, known), body=_bytes(ask.body, known)
    )
    kept_answer = msgspec.structs.replace(
        answer, headers=_headers(answer.headers, known), body=_bytes(answer.body, known)
    )
    return kept_ask, kept_answer


def redact_cmdlet(ask: CmdletAsk) -> CmdletAsk:
    """The cmdlet as it may be kept: parameters that carry a password or credential lose their value."""
    return msgspec.structs.replace(
        ask,
        parameters=tuple(
            (name, GONE if re.search("password|credential|secret", name, re.IGNORECASE) else value)
            for name, value in ask.parameters
        ),
    )


def redact_text(text: str, secrets: Iterable[Secret] = ()) -> str:
    """A sentence, address or log line without secrets."""
    return _text(text, _codings(secrets))


def _headers(headers: tuple[tuple[str, str], ...], known: tuple[bytes, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _text(_header(name.lower(), value), known)) for name, value in headers)


def _header(name: str, value: str) -> str:
    if name in _HEADERS:
        scheme, _, rest = value.strip().partition(" ")
        if scheme.lower() not in _SCHEMES:
            return GONE
        return f"{scheme} {GONE}" if rest.strip() else scheme
    if name in _CHALLENGES:
        return _SCHEME_TOKEN.sub(rf"\1\2{GONE}", value)
    if name == "set-cookie":
        return re.sub(r"^([^=;]*=)[^;]*", rf"\1{GONE}", value) if "=" in value else GONE
    if name == "cookie":
        return re.sub(r"=[^;]*", f"={GONE}", value) if "=" in value else GONE
    return value


def _text(text: str, known: tuple[bytes, ...]) -> str:
    cleaned = _USER_IN_URL.sub(f"{GONE}@", text)
    return _bytes(cleaned.encode("utf-8", "surrogateescape"), known).decode("utf-8", "surrogateescape")


def _bytes(body: bytes, known: tuple[bytes, ...]) -> bytes:
    gone = GONE.encode()
    for pattern in (_JSON, _ELEMENT, _CLIXML, _PARAMETER, _BEARER, _PRIVATE_KEY):
        body = pattern.sub(rb"\g<1>" + gone, body)
    body = _JWT.sub(gone, body)
    for value in known:
        body = body.replace(value, gone)
    return body


def _codings(secrets: Iterable[Secret]) -> tuple[bytes, ...]:
    """Each secret in the forms it may travel in; very short ones are left out, they would match everything."""
    forms: dict[bytes, None] = {}
    for secret in secrets:
        value = secret.reveal()
        if len(value) >= 4:
            xml = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            for form in (
                value,
                quote(value, safe=""),
                quote_plus(value),
                xml,
                base64.b64encode(value.encode()).decode(),
            ):
                forms[form.encode()] = None
    return tuple(forms)
