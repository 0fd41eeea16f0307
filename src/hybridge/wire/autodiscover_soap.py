"""Classic Autodiscover as a SOAP service, both halves: GetUserSettings asks for named settings of named users.

An answer has three levels that can each fail: the whole response, each user, each setting of a user. A user may also
be sent elsewhere, with an address or a URL in RedirectTarget. The header names the build of the server. Answers are
read by names alone; requests must have the ``http://`` namespaces of the wire.

Source: the public GetUserSettings pages of the EWS documentation, MS-OXWSADISC.
"""

from __future__ import annotations

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk, Sign
from hybridge.wire.ews.envelope import ServerVersion
from hybridge.wire.ews.namespaces import SOAP
from hybridge.wire.named_elements import child, children, inside, local_name, namespace, text
from hybridge.wire.xml import Element, XmlRefused, escape, parse_xml

PATH = "/autodiscover/autodiscover.svc"
AUTODISCOVER = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
ACTION = f"{AUTODISCOVER}/Autodiscover/GetUserSettings"
LIMIT = 512 * 1024
"""Largest answer read, in bytes."""

EXTERNAL_EWS_URL = "ExternalEwsUrl"
INTERNAL_EWS_URL = "InternalEwsUrl"
CAS_VERSION = "CasVersion"
SETTINGS = (EXTERNAL_EWS_URL, INTERNAL_EWS_URL, CAS_VERSION, "EwsSupportedSchemas", "UserDisplayName")
"""What hybridge asks for; the first is what matters."""

ERROR_CODES = (
    "NoError",
    "RedirectAddress",
    "RedirectUrl",
    "InvalidUser",
    "InvalidRequest",
    "InvalidSetting",
    "SettingIsNotAvailable",
    "ServerBusy",
    "InvalidDomain",
    "NotFederated",
    "InternalServerError",
)
_XML = "text/xml; charset=utf-8"


class Request(msgspec.Struct, frozen=True):
    """Whose settings, and which."""

    mailboxes: tuple[str, ...]
    settings: tuple[str, ...] = SETTINGS
    version: str = "Exchange2013"


class SettingError(msgspec.Struct, frozen=True):
    """Why one setting is not in the answer."""

    name: str
    code: str
    message: str = ""


class UserResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one user; ``code`` is one of ``ERROR_CODES``, ``target`` where to ask instead."""

    code: str = "NoError"
    message: str = ""
    target: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    errors: tuple[SettingError, ...] = ()

    def setting(self, name: str) -> str:
        """The value of setting ``name``, "" where it was not given."""
        return next((value for found, value in self.settings if found == name), "")


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer; ``version`` is the build of the server, None where it does not say."""

    code: str = "NoError"
    message: str = ""
    users: tuple[UserResponse, ...] = ()
    version: ServerVersion | None = None


class NotSoap(msgspec.Struct, frozen=True):
    """Something answered which is not this service. ``says`` is one sentence."""

    status: int
    says: str = ""


# Client -----------------------------------------------------------------------------------------------------------


def ask(url: str, mailbox: str, *, sign: Sign = Sign.NONE, user_agent: str = "") -> HttpAsk:
    """Ask ``url`` for the settings of ``mailbox``."""
    headers = [
        ("Content-Type", _XML),
        ("Accept", "text/xml"),
        ("SOAPAction", f'"{ACTION}"'),
        ("X-AnchorMailbox", mailbox),
    ]
    if user_agent:
        headers.append(("User-Agent", user_agent))
    body = write_request(Request((mailbox,)), url).encode()
    return HttpAsk(method="POST", url=url, headers=tuple(headers), body=body, sign=sign, limit=LIMIT)


def write_request(request: Request, url: str) -> str:
    """The whole envelope of a request to ``url``."""
    users = "".join(f"<a:User><a:Mailbox>{escape(one)}</a:Mailbox></a:User>" for one in request.mailboxes)
    settings = "".join(f"<a:Setting>{escape(one)}</a:Setting>" for one in request.settings)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}" xmlns:a="{AUTODISCOVER}" '
        f'xmlns:wsa="{ADDRESSING}"><s:Header>'
        f"<a:RequestedServerVersion>{escape(request.version)}</a:RequestedServerVersion>"
        f"<wsa:Action>{ACTION}</wsa:Action><wsa:To>{escape(url)}</wsa:To></s:Header><s:Body>"
        f"<a:GetUserSettingsRequestMessage><a:Request><a:Users>{users}</a:Users>"
        f"<a:RequestedSettings>{settings}</a:RequestedSettings></a:Request>"
        "</a:GetUserSettingsRequestMessage></s:Body></s:Envelope>"
    )


def read_answer(answer: HttpAnswer) -> Response | NotSoap | Failure:
    """What the server said; ``Failure`` only when there was no answer."""
    if answer.failure:
        return answer.failure
    if answer.status not in (200, 500):
        return NotSoap(answer.status, f"HTTP {answer.status}.")
    try:
        root = parse_xml(answer.body, LIMIT)
    except XmlRefused as refused:
        return NotSoap(answer.status, str(refused))
    return read_envelope(root, answer.status)


def read_envelope(root: Element, status: int = 200) -> Response | NotSoap:
    """What a whole envelope says."""
    body = child(root, "Body")
    fault = child(body, "Fault")
    if fault is not None:
        return NotSoap(status, f"A SOAP fault: {text(fault, 'faultstring')[:200] or 'without a reason'}.")
    response = inside(body, "GetUserSettingsResponseMessage", "Response")
    if response is None:
        return NotSoap(status, f"The answer is a document '{local_name(root)[:60]}' without user settings.")
    return Response(
        code=text(response, "ErrorCode") or "NoError",
        message=text(response, "ErrorMessage"),
        users=tuple(_read_user(one) for one in children(child(response, "UserResponses"), "UserResponse")),
        version=_read_version(inside(root, "Header", "ServerVersionInfo")),
    )


def _read_user(one: Element) -> UserResponse:
    return UserResponse(
        code=text(one, "ErrorCode") or "NoError",
        message=text(one, "ErrorMessage"),
        target=text(one, "RedirectTarget"),
        settings=tuple(
            (text(found, "Name"), text(found, "Value")) for found in children(child(one, "UserSettings"), "UserSetting")
        ),
        errors=tuple(
            SettingError(text(found, "SettingName"), text(found, "ErrorCode"), text(found, "ErrorMessage"))
            for found in children(child(one, "UserSettingErrors"), "UserSettingError")
        ),
    )


_VERSION = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")


def _read_version(header: Element | None) -> ServerVersion | None:
    parts = [text(header, name) for name in _VERSION]
    if not all(part.isascii() and part.isdigit() and len(part) < 8 for part in parts):
        return None
    return ServerVersion(*map(int, parts))


# Server -----------------------------------------------------------------------------------------------------------


def read_request(body: bytes) -> Request | None:
    """The question of a request; None when it is another operation or none that can be read."""
    try:
        root = parse_xml(body, LIMIT)
    except XmlRefused:
        return None
    message = inside(root, "Body", "GetUserSettingsRequestMessage")
    if namespace(root) != SOAP or message is None or namespace(message) != AUTODISCOVER:
        return None
    request = child(message, "Request")
    users = tuple(text(one, "Mailbox") for one in children(child(request, "Users"), "User"))
    settings = tuple((one.text or "").strip() for one in children(child(request, "RequestedSettings"), "Setting"))
    version = text(root, "Header", "RequestedServerVersion")
    return Request(users, settings, version) if users and settings else None


def write_response(response: Response) -> HttpAnswer:
    """The answer."""
    users = "".join(_write_user(one) for one in response.users)
    inner = (
        f'<GetUserSettingsResponseMessage xmlns="{AUTODISCOVER}">'
        '<Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        f"<ErrorCode>{escape(response.code)}</ErrorCode><ErrorMessage>{escape(response.message)}</ErrorMessage>"
        f"<UserResponses>{users}</UserResponses></Response></GetUserSettingsResponseMessage>"
    )
    body = (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}"><s:Header>'
        f'<a:Action s:mustUnderstand="1">{ACTION}Response</a:Action>{_write_version(response.version)}</s:Header>'
        f"<s:Body>{inner}</s:Body></s:Envelope>"
    )
    return HttpAnswer(status=200, headers=(("content-type", _XML),), body=body.encode())


def _write_version(version: ServerVersion | None) -> str:
    if version is None:
        return ""
    numbers = (version.major, version.minor, version.build, version.revision)
    parts = "".join(f"<h:{name}>{number}</h:{name}>" for name, number in zip(_VERSION, numbers, strict=True))
    return f'<h:ServerVersionInfo xmlns:h="{AUTODISCOVER}">{parts}</h:ServerVersionInfo>'


def _write_user(one: UserResponse) -> str:
    target = (
        f"<RedirectTarget>{escape(one.target)}</RedirectTarget>" if one.target else '<RedirectTarget i:nil="true"/>'
    )
    settings = "".join(
        f'<UserSetting i:type="StringSetting"><Name>{escape(name)}</Name><Value>{escape(value)}</Value></UserSetting>'
        for name, value in one.settings
    )
    errors = "".join(
        f"<UserSettingError><ErrorCode>{escape(error.code)}</ErrorCode>"
        f"<ErrorMessage>{escape(error.message)}</ErrorMessage>"
        f"<SettingName>{escape(error.name)}</SettingName></UserSettingError>"
        for error in one.errors
    )
    return (
        f"<UserResponse><ErrorCode>{escape(one.code)}</ErrorCode><ErrorMessage>{escape(one.message)}</ErrorMessage>"
        f"{target}<UserSettingErrors>{errors}</UserSettingErrors><UserSettings>{settings}</UserSettings></UserResponse>"
    )


def write_fault(says: str) -> HttpAnswer:
    """The SOAP fault for a request that cannot be read."""
    body = (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body><s:Fault><faultcode>s:Client</faultcode>'
        f"<faultstring>{escape(says)}</faultstring></s:Fault></s:Body></s:Envelope>"
    )
    return HttpAnswer(status=500, headers=(("content-type", _XML),), body=body.encode())
