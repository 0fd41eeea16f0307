"""Classic Autodiscover as plain XML (POX), both halves: a POST that names a mailbox, answered by settings.

The answer is one of four: settings with a Protocol element for every way a client may connect (EXCH inside, EXPR
outside, EXHTTP, WEB, and mapiHttp where the client says it can), another address to start again with, another URL to
ask, or an Error. Errors come with status 200. Elements are read by name alone and in any order; requests are read by
their namespace, because a server that guesses answers questions nobody asked. The wire has ``http://`` namespaces;
documentation that prints ``https://`` is wrong.

Source: MS-OXDSCLI and the public Autodiscover pages of the EWS documentation.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk, Sign
from hybridge.wire.ews.writing import filled
from hybridge.wire.named_elements import child, children, inside, local_name, namespace, text
from hybridge.wire.xml import Element, XmlRefused, escape, parse_xml

PATH = "/autodiscover/autodiscover.xml"
REQUEST_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
RESPONSE_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
OUTLOOK_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
LIMIT = 512 * 1024
"""Largest answer read, in bytes: a real one has about ten thousand."""

INVALID_REQUEST = 600
ADDRESS_NOT_FOUND = 500
NO_PROVIDER = 601
PROVIDER_FAILED = 603

_REDIRECTS = (301, 302, 303, 307, 308)
_XML = "text/xml; charset=utf-8"


class Request(msgspec.Struct, frozen=True):
    """What is asked: a mailbox, and the schema of the answer the client understands."""

    mailbox: str
    schema: str = OUTLOOK_SCHEMA


class Protocol(msgspec.Struct, frozen=True, kw_only=True):
    """One way to connect; what an answer leaves out is "".

    ``type`` is EXCH, EXPR, EXHTTP, WEB or mapiHttp. The four MAPI addresses belong to mapiHttp only.
    """

    type: str
    server: str = ""
    server_version: str = ""
    auth_package: str = ""
    cert_principal_name: str = ""
    ssl: str = ""
    ews_url: str = ""
    as_url: str = ""
    oof_url: str = ""
    oab_url: str = ""
    ews_partner_url: str = ""
    grouping_information: str = ""
    """Equal for mailboxes that live together: whose subscriptions may share a connection."""
    mail_store_internal: str = ""
    mail_store_external: str = ""
    address_book_internal: str = ""
    address_book_external: str = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a mailbox, protocols in the order of the answer."""

    display_name: str = ""
    legacy_dn: str = ""
    deployment_id: str = ""
    protocols: tuple[Protocol, ...] = ()

    def protocol(self, kind: str) -> Protocol | None:
        """The first protocol of type ``kind`` (case ignored), or None."""
        return next((one for one in self.protocols if one.type.lower() == kind.lower()), None)


class AddressRedirect(msgspec.Struct, frozen=True):
    """Begin again with this mail address."""

    address: str


class UrlRedirect(msgspec.Struct, frozen=True):
    """Ask the same at this URL, exactly as received: secure or not. From the answer's body, or HTTP's Location."""

    url: str
    status: int = 200


class Refused(msgspec.Struct, frozen=True):
    """The Error element. ``code`` is 500 for an unknown address, 600 for a bad request, 601 and 603 for providers."""

    code: int
    message: str = ""


class NotPox(msgspec.Struct, frozen=True):
    """Something answered which is not Autodiscover: a page, a 404, a challenge. ``says`` is one sentence."""

    status: int
    says: str = ""


Answer = Settings | AddressRedirect | UrlRedirect | Refused | NotPox


# Client -----------------------------------------------------------------------------------------------------------


def ask(url: str, mailbox: str, *, sign: Sign = Sign.NONE, user_agent: str = "") -> HttpAsk:
    """Ask ``url`` for the settings of ``mailbox``; the client says it knows MAPI over HTTP."""
    headers = [
        ("Content-Type", _XML),
        ("Accept", "text/xml"),
        ("X-MapiHttpCapability", "1"),
        ("X-ClientCanHandle", "Negotiate,ExHttpInfo"),
        ("X-AnchorMailbox", mailbox),
    ]
    if user_agent:
        headers.append(("User-Agent", user_agent))
    body = write_request(Request(mailbox)).encode()
    return HttpAsk(method="POST", url=url, headers=tuple(headers), body=body, sign=sign, limit=LIMIT)


def write_request(request: Request) -> str:
    """The whole document of a request."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{REQUEST_SCHEMA}"><Request>'
        f"<EMailAddress>{escape(request.mailbox)}</EMailAddress>"
        f"<AcceptableResponseSchema>{escape(request.schema)}</AcceptableResponseSchema></Request></Autodiscover>"
    )


def read_answer(answer: HttpAnswer) -> Answer | Failure:
    """What the server said; ``Failure`` only when there was no answer."""
    if answer.failure:
        return answer.failure
    if answer.status in _REDIRECTS:
        location = answer.header("location")
        if not location:
            return NotPox(answer.status, "The redirect names no location.")
        return UrlRedirect(location, answer.status)
    if answer.status != 200:
        return NotPox(answer.status, f"HTTP {answer.status}.")
    try:
        root = parse_xml(answer.body, LIMIT)
    except XmlRefused as refused:
        return NotPox(answer.status, str(refused))
    return read_document(root, answer.status)


def read_document(root: Element, status: int = 200) -> Answer:
    """What a whole answer says."""
    response = child(root, "Response")
    if local_name(root) != "Autodiscover" or response is None:
        return NotPox(status, f"The answer is a document '{local_name(root)[:60]}', not Autodiscover's.")
    error = child(response, "Error")
    if error is None:
        error = child(root, "Error")
    if error is not None:
        code = text(error, "ErrorCode")
        return Refused(int(code) if code.isascii() and code.isdigit() and len(code) < 9 else 0, text(error, "Message"))
    return _read_account(response, status)


def _read_account(response: Element, status: int) -> Answer:
    account = child(response, "Account")
    if account is None:
        return NotPox(status, "The answer holds neither an account nor an error.")
    action = text(account, "Action").lower()
    address, url = text(account, "RedirectAddr"), text(account, "RedirectUrl")
    if action == "redirectaddr" or (address and action != "settings"):
        return AddressRedirect(address) if address else NotPox(status, "The redirect names no address.")
    if action == "redirecturl" or (url and action != "settings"):
        return UrlRedirect(url) if url else NotPox(status, "The redirect names no URL.")
    user = child(response, "User")
    return Settings(
        display_name=text(user, "DisplayName"),
        legacy_dn=text(user, "LegacyDN"),
        deployment_id=text(user, "DeploymentId"),
        protocols=tuple(_read_protocol(one) for one in children(account, "Protocol")),
    )


def _read_protocol(one: Element) -> Protocol:
    return Protocol(
        type=text(one, "Type") or str(one.get("Type") or ""),
        mail_store_internal=text(one, "MailStore", "InternalUrl"),
        mail_store_external=text(one, "MailStore", "ExternalUrl"),
        address_book_internal=text(one, "AddressBook", "InternalUrl"),
        address_book_external=text(one, "AddressBook", "ExternalUrl"),
        **{field: text(one, name) for field, name in _ELEMENTS.items()},
    )


_ELEMENTS = {
    "server": "Server",
    "server_version": "ServerVersion",
    "ssl": "SSL",
    "auth_package": "AuthPackage",
    "cert_principal_name": "CertPrincipalName",
    "ews_url": "EwsUrl",
    "as_url": "ASUrl",
    "oof_url": "OOFUrl",
    "oab_url": "OABUrl",
    "ews_partner_url": "EwsPartnerUrl",
    "grouping_information": "GroupingInformation",
}
"""Field -> element of a Protocol, in the order they are written."""


# Server -----------------------------------------------------------------------------------------------------------


def read_request(body: bytes) -> Request | Refused:
    """The question of a request, or the error that refuses it (600) or its schema (601)."""
    try:
        root = parse_xml(body, LIMIT)
    except XmlRefused:
        return Refused(INVALID_REQUEST, "Invalid Request")
    request = inside(root, "Request")
    mailbox = text(request, "EMailAddress")
    if local_name(root) != "Autodiscover" or namespace(root) != REQUEST_SCHEMA or "@" not in mailbox:
        return Refused(INVALID_REQUEST, "Invalid Request")
    schema = text(request, "AcceptableResponseSchema")
    if schema != OUTLOOK_SCHEMA:
        return Refused(NO_PROVIDER, "Provider is not available")
    return Request(mailbox, schema)


def write_settings(settings: Settings) -> HttpAnswer:
    """The answer with settings."""
    user = (
        f"{filled('DisplayName', settings.display_name)}{filled('LegacyDN', settings.legacy_dn)}"
        f"{filled('DeploymentId', settings.deployment_id)}"
    )
    protocols = "".join(_write_protocol(one) for one in settings.protocols)
    return _outlook(
        f"<User>{user}</User><Account><AccountType>email</AccountType><Action>settings</Action>{protocols}</Account>"
    )


def _write_protocol(one: Protocol) -> str:
    if one.type == "mapiHttp":
        urls = (
            ("MailStore", one.mail_store_internal, one.mail_store_external),
            ("AddressBook", one.address_book_internal, one.address_book_external),
        )
        inner = "".join(
            f"<{name}>{filled('InternalUrl', internal)}{filled('ExternalUrl', external)}</{name}>"
            for name, internal, external in urls
        )
        return f'<Protocol Type="mapiHttp" Version="1">{inner}</Protocol>'
    elements: Iterable[str] = (filled(name, getattr(one, field)) for field, name in _ELEMENTS.items())
    return f"<Protocol>{filled('Type', one.type)}{''.join(elements)}</Protocol>"


def write_address_redirect(address: str) -> HttpAnswer:
    """The answer that sends the caller away with another mail address."""
    return _outlook(f"<Account><Action>redirectAddr</Action><RedirectAddr>{escape(address)}</RedirectAddr></Account>")


def write_url_redirect(url: str) -> HttpAnswer:
    """The answer that names another URL to ask."""
    return _outlook(f"<Account><Action>redirectUrl</Action><RedirectUrl>{escape(url)}</RedirectUrl></Account>")


def write_refusal(refused: Refused, time: str = "00:00:00.0000000") -> HttpAnswer:
    """The answer that carries an Error; ``time`` is the server's time of day."""
    error = (
        f'<Error Time="{escape(time)}" Id="1"><ErrorCode>{refused.code}</ErrorCode>'
        f"<Message>{escape(refused.message)}</Message><DebugData/></Error>"
    )
    return _document(f'<Response xmlns="{RESPONSE_SCHEMA}">{error}</Response>')


def _outlook(inner: str) -> HttpAnswer:
    return _document(f'<Response xmlns="{OUTLOOK_SCHEMA}">{inner}</Response>')


def _document(inner: str) -> HttpAnswer:
    body = f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{RESPONSE_SCHEMA}">{inner}</Autodiscover>'
    return HttpAnswer(status=200, headers=(("content-type", _XML),), body=body.encode())
