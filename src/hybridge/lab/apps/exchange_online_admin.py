"""Cmdlets of the lab's Exchange Online over HTTP: InvokeCommand and the Admin API, run on the online records.

Who may come in: the lab's own application, with a token for Exchange and for this tenant. InvokeCommand wants the
permission Exchange.ManageAsApp, the Admin API Exchange.ManageAsAppV2, both want a role for the application's principal
(``keepings``). The Admin API takes only what its pages document. Objects are printed as the service prints them: a
user of a permission by the display name, people in GrantSendOnBehalfTo by their names, never by an address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from hybridge.lab.apps.base import Request
from hybridge.lab.apps.keepings import kept
from hybridge.lab.apps.tokens import ENTRA_ISSUER, may_use, read_bearer
from hybridge.lab.cmdlets.online import ONLINE_CATALOGUE
from hybridge.lab.cmdlets.outcome import NOT_FOUND, Caller, ErrorSeen
from hybridge.lab.contoso import TENANT_ID, domains_in
from hybridge.lab.estate import Estate
from hybridge.lab.powershell import execute
from hybridge.org.organization import Organization
from hybridge.org.records import Mailbox
from hybridge.terms.applications import EXCHANGE_ONLINE
from hybridge.terms.premises import Premises
from hybridge.wire import clixml
from hybridge.wire.ask import CmdletAsk, HttpAnswer
from hybridge.wire.exchange_online import admin_api, invoke_command
from hybridge.wire.exchange_online.answers import write_page, write_refusal
from hybridge.wire.exchange_online.cmdlet_input import read_input
from hybridge.wire.json_body import JsonRefused

PREFIX = "/adminapi/"
_PEOPLE = ("User", "GrantSendOnBehalfTo", "Identity")
"""Properties that name people."""
_SKIP = "$skiptoken"


def answer(estate: Estate, request: Request) -> HttpAnswer | None:
    """What Exchange Online answers at its administrative paths; None for any other path."""
    if not request.path.startswith(PREFIX):
        return None
    tenant = invoke_command.read_path(request.path)
    documented_tenant, endpoint = admin_api.read_path(request.path)
    if not tenant and not documented_tenant:
        return HttpAnswer(status=404)
    refused = _refused(estate, request, tenant or documented_tenant)
    if refused is not None:
        return refused
    try:
        cmdlet = read_input(request.body)
    except JsonRefused as wrong:
        return write_refusal(400, "BadRequest", str(wrong))
    permission = "Exchange.ManageAsAppV2" if endpoint else "Exchange.ManageAsApp"
    return _denied(estate, permission, cmdlet) or _run(estate, request, cmdlet, endpoint)


def _refused(estate: Estate, request: Request, tenant: str) -> HttpAnswer | None:
    """Why the request gets no further than the door: method, token, tenant, application."""
    if request.method != "POST":
        return HttpAnswer(status=405)
    authorization = request.headers.get("authorization", "")
    token = read_bearer(estate, authorization)
    if token is None or not may_use(estate, authorization, (f"https://{estate.cloud.admin_api}", EXCHANGE_ONLINE)):
        return HttpAnswer(status=401, headers=(("www-authenticate", 'Bearer error="invalid_token"'),))
    if tenant.lower() not in (TENANT_ID, *domains_in(estate.cloud)) or token.issuer != ENTRA_ISSUER:
        return write_refusal(401, "Unauthorized", f"The token is not for the tenant '{tenant[:80]}'.")
    if token.app_id not in estate.entra_clients:
        return write_refusal(403, "Forbidden", "The application is not known to Exchange Online.")
    return None


def _denied(estate: Estate, permission: str, cmdlet: CmdletAsk) -> HttpAnswer | None:
    """Why the application may not run ``cmdlet``."""
    rights = kept(estate)
    if permission not in rights.exchange_permissions:
        says = "The role assigned to the application isn't supported in this scenario."
        return write_refusal(403, "Forbidden", says)
    if not rights.exchange_role:
        return write_refusal(401, "Unauthorized", f"User is not allowed to call {cmdlet.name}")
    return None


def _run(estate: Estate, request: Request, cmdlet: CmdletAsk, endpoint: str) -> HttpAnswer:
    if endpoint and admin_api.endpoint_of(cmdlet).lower() != endpoint.lower():
        return write_refusal(400, "BadRequest", f"The endpoint {endpoint[:80]} does not take {cmdlet.name} like this.")
    quiet = endpoint and cmdlet.name.lower().startswith("remove-")
    asked = CmdletAsk(
        premises=cmdlet.premises,
        name=cmdlet.name,
        parameters=(*cmdlet.parameters, *((("Confirm", False),) if quiet else ())),
    )
    outcome = execute(estate, asked, Caller("application"), ONLINE_CATALOGUE)
    if outcome.errors:
        return _error(outcome.errors[0])
    shown = [_plain(estate.organization, one.properties) for one in outcome.objects]
    return _page(request, shown, outcome.warnings)


def _error(error: ErrorSeen) -> HttpAnswer:
    status, code = (404, "NotFound") if error.exception == NOT_FOUND else (400, "BadRequest")
    return write_refusal(status, code, error.message, error.exception)


def _page(request: Request, shown: list[dict[str, Any]], warnings: tuple[str, ...]) -> HttpAnswer:
    """The page a request asks for, with the properties it selects."""
    start = _number(request.query.get(_SKIP, ""), 0)
    size = _page_size(request.headers.get("prefer", ""))
    selected = {name.lower() for name in request.query.get("$select", "").split(",") if name}
    here = [
        {name: value for name, value in one.items() if not selected or name.lower() in selected}
        for one in shown[start : start + size]
    ]
    link = ""
    if start + size < len(shown):
        query = urlencode({**request.query, _SKIP: start + size}, safe="$,")
        link = f"https://{request.host}{request.path}?{query}"
    return write_page(here, f"https://{request.host}{PREFIX}$metadata", warnings, link)


def _page_size(prefer: str) -> int:
    name, _, number = prefer.partition("=")
    return max(1, _number(number, invoke_command.PAGE)) if name.strip().lower() == "odata.maxpagesize" else 1000


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def _plain(organization: Organization, properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object as JSON: what has a text is that text, and people go by their names."""
    return {
        name: _people(organization, value) if name in _PEOPLE else _text(value)
        for name, value in properties.items()
        if name != "ToString"
    }


def _text(value: Any) -> Any:
    if isinstance(value, dict):
        return clixml.text(value)
    return [_text(entry) for entry in value] if isinstance(value, list | tuple) else value


def _people(organization: Organization, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_people(organization, entry) for entry in value]
    address = clixml.text(value).rpartition("/")[2]
    found = next(filter(None, (organization.one(Mailbox, side, address) for side in Premises)), None)
    return found.display_name if found and found.display_name else address
