"""Classic Autodiscover behind Exchange's names: POX and SOAP, for whoever signed in, and MAPI over HTTP's challenge."""

from __future__ import annotations

import msgspec

from hybridge.lab.apps import base
from hybridge.lab.apps.base import Request
from hybridge.lab.apps.sign_in import unauthorized
from hybridge.lab.behaviour.classic_autodiscover import Client, Said, grouping, say_on_premises, say_online
from hybridge.lab.behaviour.routing import ews_directory
from hybridge.lab.behaviour.servers import back_end, version_of
from hybridge.lab.estate import Estate
from hybridge.org.records import AutodiscoverVirtualDirectory, ExchangeServer
from hybridge.terms.premises import Premises
from hybridge.wire import autodiscover_pox as pox
from hybridge.wire import autodiscover_soap as soap
from hybridge.wire import mapi_http
from hybridge.wire.ask import HttpAnswer

PATHS = (pox.PATH, soap.PATH)
MAPI_PATHS = (mapi_http.MAIL_STORE_PATH, mapi_http.ADDRESS_BOOK_PATH)


def answer_on_premises(estate: Estate, request: Request, server: ExchangeServer) -> HttpAnswer:
    """What ``server`` answers at autodiscover.xml and autodiscover.svc."""
    if not request.principal:
        refused = unauthorized(estate)
        return msgspec.structs.replace(refused, headers=(*refused.headers, *_offers(estate, server)))
    if request.path.lower().rstrip("/") == soap.PATH:
        return _soap(estate, request, server)
    if request.method != "POST":
        return _pox(pox.Refused(pox.INVALID_REQUEST, "Invalid Request"), estate)
    asked = pox.read_request(request.body)
    if isinstance(asked, pox.Refused):
        return _pox(asked, estate)
    return _pox(say_on_premises(estate.organization, server, asked.mailbox, _client(request)), estate)


def _offers(estate: Estate, server: ExchangeServer) -> tuple[tuple[str, str], ...]:
    """Headers by which Autodiscover says, to whoever asks, how the other organization may sign in."""
    directories = estate.organization.all(AutodiscoverVirtualDirectory, Premises.ON_PREMISES)
    mine = next((one for one in directories if one.server.lower() == server.identity.lower()), None)
    methods = (*mine.external_authentication_methods, *mine.internal_authentication_methods) if mine else ()
    return (
        ("x-soap-enabled", "True"),
        ("x-wssecurity-enabled", str("WSSecurity" in methods)),
        ("x-oauth-enabled", str("OAuth" in methods)),
    )


def answer_online(estate: Estate, request: Request, *, signed_in: bool) -> HttpAnswer | None:
    """What Exchange Online answers at autodiscover.xml to somebody signed in; None for another path or a stranger."""
    if request.path.lower().rstrip("/") != pox.PATH or not signed_in:
        return None
    asked = pox.read_request(request.body)
    if isinstance(asked, pox.Refused):
        return _pox(asked, estate)
    return _pox(say_online(estate.organization, asked.mailbox, estate.cloud), estate)


def answer_mapi(estate: Estate, request: Request, server: ExchangeServer) -> HttpAnswer:
    """What ``server`` answers at the addresses of MAPI over HTTP: a challenge, and PING to whoever signed in."""
    version = version_of(server)
    if not request.principal:
        return mapi_http.write_challenge(version)
    if request.headers.get("x-requesttype", "").upper() == "PING":
        return mapi_http.write_pong(version)
    return base.text("The lab opens no mailbox by MAPI.", 501)


def _client(request: Request) -> Client:
    return Client(
        mapi_http=request.headers.get("x-mapihttpcapability", "") not in ("", "0"),
        ex_http="exhttpinfo" in request.headers.get("x-clientcanhandle", "").lower(),
    )


def _pox(said: Said, estate: Estate) -> HttpAnswer:
    match said:
        case pox.Settings():
            return pox.write_settings(said)
        case pox.AddressRedirect(address):
            return pox.write_address_redirect(address)
        case _:
            return pox.write_refusal(said, f"{estate.now():%H:%M:%S.%f}0")


def _soap(estate: Estate, request: Request, server: ExchangeServer) -> HttpAnswer:
    asked = soap.read_request(request.body) if request.method == "POST" else None
    if asked is None:
        return soap.write_fault("The request is not a GetUserSettings request.")
    version = version_of(server)
    users = tuple(_user(estate, server, mailbox, asked.settings) for mailbox in asked.mailboxes)
    return soap.write_response(soap.Response(users=users, version=version))


def _user(estate: Estate, server: ExchangeServer, mailbox: str, wanted: tuple[str, ...]) -> soap.UserResponse:
    said = say_on_premises(estate.organization, server, mailbox, Client(mapi_http=True))
    if isinstance(said, pox.AddressRedirect):
        return soap.UserResponse(code="RedirectAddress", message="Redirection address.", target=said.address)
    if isinstance(said, pox.Refused):
        code = "InvalidUser" if said.code == pox.ADDRESS_NOT_FOUND else "InternalServerError"
        return soap.UserResponse(code=code, message=said.message)
    values = _values(estate, said, back_end(estate.organization, mailbox) or server)
    return soap.UserResponse(
        message="No error.",
        settings=tuple((name, values[name]) for name in wanted if values.get(name)),
        errors=tuple(
            soap.SettingError(name, "SettingIsNotAvailable" if name in values else "InvalidSetting")
            for name in wanted
            if not values.get(name)
        ),
    )


def _values(estate: Estate, said: pox.Settings, server: ExchangeServer) -> dict[str, str]:
    expr = said.protocol("EXPR")
    directory = ews_directory(estate.organization, server)
    version = version_of(server)
    return {
        soap.EXTERNAL_EWS_URL: directory.external_url if directory else "",
        soap.INTERNAL_EWS_URL: directory.internal_url if directory else "",
        soap.CAS_VERSION: f"{version.major}.{version.minor:02d}.{version.build:04d}.{version.revision:03d}",
        "EwsSupportedSchemas": "Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, Exchange2010_SP2, "
        "Exchange2013, Exchange2013_SP1, Exchange2015",
        "UserDisplayName": said.display_name,
        "GroupingInformation": grouping(server),
        "ExternalMailboxServer": expr.server if expr else "",
    }
