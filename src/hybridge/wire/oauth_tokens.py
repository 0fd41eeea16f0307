"""The token endpoint, server half: read a token request, answer it with a token or with an error of Entra.

Sources: RFC 6749 section 4.4 (client credentials), RFC 7523 (client assertions); the error body is Entra's: clients
read ``error_codes`` from it.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qsl

import msgspec

from hybridge.wire.ask import HttpAnswer
from hybridge.wire.json_body import json_answer

_LIMIT = 64 * 1024


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The form a client posts; fields that were not sent are "". Never log it: it holds secrets."""

    grant_type: str = ""
    client_id: str = ""
    client_secret: str = ""
    client_assertion: str = ""
    client_assertion_type: str = ""
    assertion: str = ""
    scope: str = ""
    resource: str = ""

    def __repr__(self) -> str:
        return f"TokenRequest(grant_type={self.grant_type!r}, client_id={self.client_id!r}, scope={self.scope!r})"


def read_token_request(body: bytes) -> TokenRequest:
    """Read a form; of a field sent twice the first counts. A body that is no form gives an empty request."""
    if len(body) > _LIMIT:
        return TokenRequest()
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return TokenRequest()
    known = set(TokenRequest.__struct_fields__)
    return TokenRequest(**{name: value for name, value in reversed(pairs) if name in known})


def token_answer(access_token: str, expires_in: int = 3599) -> HttpAnswer:
    """The answer with a token that lives ``expires_in`` seconds."""
    return json_answer(
        200,
        {"token_type": "Bearer", "expires_in": expires_in, "ext_expires_in": expires_in, "access_token": access_token},
        ("cache-control", "no-store, no-cache"),
        ("pragma", "no-cache"),
    )


def token_error(error: str, number: int, description: str, at: datetime, status: int = 400) -> HttpAnswer:
    """The answer that refuses, such as ``token_error("invalid_client", 7000215, "Invalid secret.", now, 401)``.

    ``at`` (aware) is printed as Entra prints it; trace and correlation ids are fixed zeros.
    """
    nobody = "00000000-0000-0000-0000-000000000000"
    stamp = at.strftime("%Y-%m-%d %H:%M:%SZ")
    return json_answer(
        status,
        {
            "error": error,
            "error_description": f"AADSTS{number}: {description} Trace ID: {nobody} Correlation ID: {nobody} "
            f"Timestamp: {stamp}",
            "error_codes": [number],
            "timestamp": stamp,
            "trace_id": nobody,
            "correlation_id": nobody,
        },
        ("cache-control", "no-store, no-cache"),
    )
