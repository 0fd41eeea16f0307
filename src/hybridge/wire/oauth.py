"""Server-to-server OAuth of Exchange: the Bearer challenge, and what Exchange says about a refused token.

An Exchange server answers an unauthenticated request with 401 and, when OAuth works on that path, a Bearer challenge
that tells which token issuers it trusts, hence which tenant. It is the cheapest probe of the whole configuration.
The published documents (metadata, OpenID configuration) are in ``oauth_documents``, the token endpoint in
``oauth_tokens``; their names are exported here too.

Sources: RFC 9110 section 11 (challenges), RFC 6750 (Bearer), MS-XOAUTH (fields of the challenge).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from hybridge.terms.applications import ACCESS_CONTROL_SERVICE, EXCHANGE_ONLINE
from hybridge.wire.oauth_documents import (
    Metadata,
    OpenIdConfiguration,
    ask_metadata,
    ask_openid_configuration,
    read_metadata,
    read_openid_configuration,
    write_instance_discovery,
    write_jwks,
    write_metadata,
    write_openid_configuration,
)
from hybridge.wire.oauth_tokens import TokenRequest, read_token_request, token_answer, token_error

__all__ = [
    "Challenge",
    "Diagnostics",
    "Metadata",
    "OpenIdConfiguration",
    "TokenRequest",
    "ask_metadata",
    "ask_openid_configuration",
    "read_challenge",
    "read_diagnostics",
    "read_metadata",
    "read_openid_configuration",
    "read_token_request",
    "token_answer",
    "token_error",
    "write_challenge",
    "write_diagnostics",
    "write_instance_discovery",
    "write_jwks",
    "write_metadata",
    "write_openid_configuration",
]

TOKEN_TYPES = ("app_asserted_user_v1", "service_asserted_app_v1")
_MAX_HEADER = 16 * 1024


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """What WWW-Authenticate offers. ``schemes`` are all of them in order, as spelt by the server.

    ``trusted_issuers`` are ``<application id>@<realm>``; the realm of the access control service is the tenant id.
    ``authorization_uri`` is "" where hybrid modern authentication is off: that says nothing about OAuth itself.
    """

    bearer: bool = False
    client_id: str = ""
    trusted_issuers: tuple[str, ...] = ()
    token_types: tuple[str, ...] = ()
    authorization_uri: str = ""
    schemes: tuple[str, ...] = ()
    error: str = ""

    @property
    def tenant_ids(self) -> tuple[str, ...]:
        """Realms of the access control service among the issuers, in lower case; "*" is every tenant."""
        pairs = (issuer.lower().partition("@") for issuer in self.trusted_issuers)
        return tuple(realm for issuer, _, realm in pairs if issuer == ACCESS_CONTROL_SERVICE and realm)


class Diagnostics(msgspec.Struct, frozen=True):
    """The x-ms-diagnostics header: a number such as 2000003, its reason and its category; 0 and "" when absent."""

    code: int = 0
    reason: str = ""
    category: str = ""


def read_challenge(header_values: Iterable[str]) -> Challenge:
    """Read every WWW-Authenticate value together: several schemes in one value and several values are both usual.

    Of several Bearer challenges the one that says most is taken.
    """
    found = [pair for value in header_values for pair in _schemes(value[:_MAX_HEADER])]
    bearers = [parameters for scheme, parameters in found if scheme.lower() == "bearer"]
    said = max(bearers, key=len, default={})
    return Challenge(
        bearer=bool(bearers),
        client_id=said.get("client_id", ""),
        trusted_issuers=tuple(
            issuer.strip() for issuer in said.get("trusted_issuers", "").split(",") if issuer.strip()
        ),
        token_types=tuple(said.get("token_types", "").split()),
        authorization_uri=said.get("authorization_uri", ""),
        schemes=tuple(scheme for scheme, _ in found),
        error=said.get("error", ""),
    )


_SCHEME = re.compile(r"[\s,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?=[\s,]|$)")
_PARAMETER = re.compile(r"[\s,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,\"=]+)(?=[\s,]|$))")
_TOKEN68 = re.compile(r"[ \t]+[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))")
_JUNK = re.compile(r"[\s,]*[^\s,]+")


def _schemes(value: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Every scheme of one header value with its parameters (names in lower case); what fits nothing is skipped."""
    position, scheme, parameters = 0, "", dict[str, str]()
    while position < len(value):
        if match := _PARAMETER.match(value, position):
            parameters.setdefault(match[1].lower(), _unquoted(match))
        elif match := _SCHEME.match(value, position):
            if scheme:
                yield scheme, parameters
            scheme, parameters = match[1], {}
            match = _TOKEN68.match(value, match.end()) or match
        else:
            match = _JUNK.match(value, position)
        position = match.end() if match else len(value)
    if scheme:
        yield scheme, parameters


def _unquoted(match: re.Match[str]) -> str:
    return match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])


def write_challenge(
    trusted_issuers: Iterable[str],
    *,
    client_id: str = EXCHANGE_ONLINE,
    token_types: Iterable[str] = TOKEN_TYPES,
    authorization_uri: str = "",
    error: str = "",
) -> str:
    """The Bearer value of WWW-Authenticate, in the order Exchange writes it."""
    parts = [
        ("client_id", client_id),
        ("trusted_issuers", ",".join(trusted_issuers)),
        ("token_types", " ".join(token_types)),
        ("authorization_uri", authorization_uri),
        ("error", error),
    ]
    return "Bearer " + ", ".join(f'{name}="{_quoted(value)}"' for name, value in parts if value)


def _quoted(value: str) -> str:
    plain = "".join(character for character in value if character.isprintable())
    return plain.replace("\\", "\\\\").replace('"', '\\"')


def read_diagnostics(header: str) -> Diagnostics:
    """Read an x-ms-diagnostics value such as ``2000003;reason="...";error_category="invalid_resource"``."""
    code, _, rest = header[:_MAX_HEADER].partition(";")
    named = {match[1].lower(): _unquoted(match) for match in _NAMED.finditer(rest)}
    digits = code.strip()
    return Diagnostics(
        int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 12 else 0,
        named.get("reason", ""),
        named.get("error_category", ""),
    )


_NAMED = re.compile(r"([A-Za-z_]+)=(?:\"((?:[^\"\\]|\\.)*)\"|([^;\"]+))")


def write_diagnostics(diagnostics: Diagnostics) -> str:
    """The x-ms-diagnostics value."""
    return f'{diagnostics.code};reason="{_quoted(diagnostics.reason)}";error_category="{_quoted(diagnostics.category)}"'
