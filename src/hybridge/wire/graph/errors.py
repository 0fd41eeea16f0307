"""Error bodies of Microsoft Graph, both halves, and the headers every ask of Graph carries."""

from __future__ import annotations

from datetime import datetime

from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, HttpAsk, Sign
from hybridge.wire.json_body import JsonRefused, json_answer, mapping, read_object, text, written_instant
from hybridge.wire.xml import malformed

LOCKED_CODES = ("KeyNotUpdatable", "CredentialsLocked", "Authorization_RequestDenied")
"""Codes that mean "not permitted" though Graph sends them with status 400."""


def ask(method: str, host: str, path: str, body: bytes = b"") -> HttpAsk:
    """An ask of Graph at ``path`` (with its version), signed with a token for ``host``."""
    headers = [("Accept", "application/json")]
    if body:
        headers.append(("Content-Type", "application/json"))
    return HttpAsk(
        method=method,
        url=f"https://{host}{path}",
        headers=tuple(headers),
        body=body,
        sign=Sign.ENTRA,
        scope=f"https://{host}/.default",
    )


def quoted(value: str) -> str:
    """``value`` inside the single quotes of an OData literal."""
    return value.replace("'", "''")


def read_error(answer: HttpAnswer, what: str, service: str = "Graph") -> Failure:
    """Why ``service`` did not give ``what`` (a noun phrase, such as "the service principal")."""
    if answer.failure:
        return answer.failure
    code, message = _said(answer)
    says = f"{service} did not give {what} (HTTP {answer.status}{f', {code}' if code else ''}). {message}".strip()
    if answer.status == 401:
        return Failure(
            reason=FailureReason.SIGN_IN,
            says=says,
            next_step="Check the Entra application's secret or certificate and its tenant.",
        )
    if answer.status == 403 or code in LOCKED_CODES:
        return Failure(
            reason=FailureReason.FORBIDDEN,
            says=says,
            next_step=f"Grant the application the permission {service} asks for this call, with admin consent.",
        )
    if answer.status == 429 or answer.status >= 500:
        wait = answer.header("retry-after")
        seconds = f" in {wait} seconds" if wait.isascii() and wait.isdigit() and len(wait) < 6 else " later"
        return Failure(reason=FailureReason.UNREACHABLE, says=says, next_step=f"Try again{seconds}.")
    if not code:
        return malformed(says, f"See whether {service} itself answers at this address.")
    return Failure(reason=FailureReason.DEFECT, says=says, next_step="Report this together with the answer's code.")


def _said(answer: HttpAnswer) -> tuple[str, str]:
    try:
        error = mapping(read_object(answer.body).get("error"))
    except JsonRefused:
        return "", ""
    return text(error.get("code"))[:100], " ".join(text(error.get("message")).split())[:300]


def read_done(answer: HttpAnswer, what: str, service: str = "Graph") -> Failure | None:
    """None when a write succeeded (any 2xx), else why not."""
    return None if not answer.failure and 200 <= answer.status < 300 else read_error(answer, what, service)


def write_error(status: int, code: str, message: str, at: datetime | None = None) -> HttpAnswer:
    """The answer that carries an error; ``at`` (aware) dates it."""
    inner = {"date": written_instant(at), "request-id": "00000000-0000-0000-0000-000000000000"} if at else {}
    return json_answer(status, {"error": {"code": code, "message": message, "innerError": inner}})
