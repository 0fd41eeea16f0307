"""The Presence Web Service of Cisco Unified CM IM and Presence, its REST interface, both halves.

An application user signs in with a password and is given a session key. With it, it signs in an end user, without a
password of theirs, and is given a key for them, which sets that user's presence. An end user who lives on another node
is redirected there (307). Rich presence is one device of the user among others: ``tuple`` names it, it expires after
``Presence-Expiry`` seconds, and with ``Presence-Override: false`` it does not set aside what the user chose.

Only what Cisco's own samples and guide show is here; the statuses of refusals they do not show.
Sources: Developer Guide for Cisco Unified CM IM and Presence 10.5(2), Presence Web Service REST interface; the samples
and requests of CiscoDevNet/pws-python-samples.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote, urlsplit

import msgspec

from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, HttpAsk, Sign
from hybridge.wire.xml import Element, XmlRefused, escape, malformed, parse_xml

PORT = 8083
BASE = "/presence-service"
KEY = "Presence-Session-Key"
EXPIRY = "Presence-Expiry"
OVERRIDE = "Presence-Override"
SOURCE = "urn:cisco:params:xml:ns:pidf:source"
ACTIVITIES = ("available", "busy", "meeting", "away")
"""Activities of a device that the samples show."""

_LIMIT = 64 * 1024


class Redirected(msgspec.Struct, frozen=True):
    """The user lives on another node: ``place`` is its host and port."""

    place: str


class RichPresence(msgspec.Struct, frozen=True, kw_only=True):
    """What one device of a user says. ``entity`` is the user's address without ``sip:``."""

    entity: str
    user: str
    device: str
    activities: tuple[str, ...]


def ask_sign_in(place: str, application: str, password: str) -> HttpAsk:
    """Sign in the application user at ``place`` (host:port). The password is in the body: ask over https only."""
    body = f"<session><password>{escape(password)}</password></session>"
    return _ask("POST", place, f"/users/{_quoted(application)}/sessions", body=body)


def ask_for_user(place: str, key: str, user: str) -> HttpAsk:
    """Sign in the end user with the application's ``key``; the session that is there goes on being used."""
    return _ask("POST", place, f"/users/{_quoted(user)}/sessions", headers=((KEY, key),))


def ask_set(place: str, key: str, presence: RichPresence, expiry: int) -> HttpAsk:
    """Set what a device of the user says, with the user's own ``key``, for ``expiry`` seconds."""
    headers = ((KEY, key), (OVERRIDE, "false"), (EXPIRY, str(expiry)))
    path = f"/users/{_quoted(presence.user)}/presence/rich"
    return _ask("PUT", place, path, headers=headers, body=_written(presence))


def ask_sign_out(place: str, key: str, user: str) -> HttpAsk:
    """End the session of ``user``: of an end user, or of the application."""
    return _ask("DELETE", place, f"/users/{_quoted(user)}/session", headers=((KEY, key),))


def read_session(answer: HttpAnswer) -> str | Redirected | Failure:
    """The session key of a sign-in, where the user lives instead, or why there is none."""
    if answer.failure is not None:
        return answer.failure
    if answer.status == 307:
        return _redirect(answer.header("location"))
    if answer.status not in (200, 201):
        return read_refusal(answer)
    try:
        key = parse_xml(answer.body, _LIMIT).findtext("sessionKey") or ""
    except XmlRefused as error:
        return malformed(f"The session of the Presence Web Service cannot be read: {error}")
    # The key becomes a header of later requests.
    return key if re.fullmatch(r"[\x21-\x7e]{1,500}", key) else malformed("The Presence Web Service gave no session.")


def read_refusal(answer: HttpAnswer) -> Failure:
    """What an answer that is no success means."""
    if answer.failure is not None:
        return answer.failure
    reasons = {401: FailureReason.SIGN_IN, 403: FailureReason.FORBIDDEN}
    usual = FailureReason.UNREACHABLE if answer.status >= 500 else FailureReason.MALFORMED
    return Failure(
        reason=reasons.get(answer.status, usual),
        says=f"The Presence Web Service answered HTTP {answer.status}.",
    )


def _redirect(location: str) -> Redirected | Failure:
    try:
        url = urlsplit(location)
        host, port = url.hostname or "", url.port or PORT
    except ValueError:
        host, port = "", 0
    if not host or url.scheme != "https":
        return malformed("The Presence Web Service redirects to an address that is not followed.")
    return Redirected(f"{host.lower()}:{port}")


def _ask(method: str, place: str, path: str, *, headers: Sequence[tuple[str, str]] = (), body: str = "") -> HttpAsk:
    return HttpAsk(
        method=method,
        url=f"https://{place}{BASE}{path}",
        headers=(("Content-Type", "application/xml"), ("Accept", "application/xml"), *headers),
        body=body.encode(),
        sign=Sign.NONE,
        limit=_LIMIT,
    )


def _quoted(user: str) -> str:
    return quote(user, safe="")


def _written(presence: RichPresence) -> str:
    activities = "".join(f"<{one}/>" for one in presence.activities)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<presence entity="sip:{escape(presence.entity)}"><person id="{escape(presence.user)}">'
        f'<activities>{activities}</activities></person><tuple id="{escape(presence.device)}">'
        f'<source xmlns="{SOURCE}">Presence Web Service</source><servcaps><text>true</text></servcaps>'
        "<status><basic>open</basic></status></tuple></presence>"
    )


# The server's half ----------------------------------------------------------------------------------------------------


def read_path(path: str) -> tuple[str, str] | None:
    """The user of a request's path and what is asked of them: ``sessions``, ``session`` or ``presence/rich``."""
    match = re.fullmatch(rf"{BASE}/users/([^/]+)/(sessions|session|presence/rich)", path)
    return (unquote(match[1]), match[2]) if match else None


def read_password(body: bytes) -> str:
    """The password of a sign-in. Raises ``XmlRefused``."""
    return parse_xml(body, _LIMIT).findtext("password") or ""


def read_presence(body: bytes) -> RichPresence:
    """What a device says. Raises ``XmlRefused``."""
    root = parse_xml(body, _LIMIT)
    person, device = root.find("person"), root.find("tuple")
    if person is None or device is None or not str(root.get("entity", "")).startswith("sip:"):
        raise XmlRefused("The presence names no entity, person and tuple.")
    return RichPresence(
        entity=str(root.get("entity", "")).removeprefix("sip:"),
        user=str(person.get("id", "")),
        device=str(device.get("id", "")),
        activities=tuple(_name(one) for one in person.iterfind("activities/*")),
    )


def _name(element: Element) -> str:
    return str(element.tag)


def write_session(key: str) -> bytes:
    """The body of a sign-in that was granted (201)."""
    return f"<session><sessionKey>{escape(key)}</sessionKey></session>".encode()
