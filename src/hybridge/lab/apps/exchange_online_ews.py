"""EWS of Exchange Online, for applications: who may come in, and the calendar folder of a mailbox.

An application needs a token for this host and the permission full_access_as_app; then the EWS settings of the
organization and of the mailbox decide, and a refusal says so in ``X-EWS-Policy-Reason``. A token without the permission
gets a 403 that carries no such header; its diagnostics stand in for what the service really says. Only GetFolder is
answered, which is enough to tell whether the door is open.
"""

from __future__ import annotations

from hybridge.lab.apps.base import Request
from hybridge.lab.apps.keepings import EWS_PERMISSION, kept
from hybridge.lab.apps.tokens import may_use, read_bearer
from hybridge.lab.behaviour.ews_access import online_ews_access
from hybridge.lab.estate import ENTRA_CLIENT, Estate
from hybridge.org.records import AppRoleAssignment, Mailbox, ServicePrincipal
from hybridge.terms.applications import ACCESS_CONTROL_SERVICE, EXCHANGE_ONLINE
from hybridge.terms.hybrid_application import FULL_ACCESS_AS_APP
from hybridge.terms.premises import Premises
from hybridge.wire import oauth
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.ews import envelope, get_folder
from hybridge.wire.ews.distinguished_folders import folder_id
from hybridge.wire.ews.faults import EwsFault, RequestRefused
from hybridge.wire.oauth import Diagnostics

ONLINE = Premises.ONLINE
VERSION = envelope.ServerVersion(15, 20, 9999, 12)
"""What Exchange Online calls itself: major 15, minor 20."""
NO_SCOPE = Diagnostics(2000012, "The token contains not enough scope to make this call.", "invalid_grant")


def answer_ews(estate: Estate, request: Request) -> HttpAnswer:
    """What Exchange Online answers to a request for EWS."""
    authorization = request.headers.get("authorization", "")
    token = read_bearer(estate, authorization)
    if token is None or not may_use(estate, authorization, (f"https://{estate.cloud.exchange}", EXCHANGE_ONLINE)):
        uri = f"https://{estate.cloud.login}/common/oauth2/authorize"
        challenge = oauth.write_challenge((f"{ACCESS_CONTROL_SERVICE}@*",), authorization_uri=uri)
        return HttpAnswer(status=401, headers=(("www-authenticate", challenge),))
    if not may_use_ews(estate, token.app_id):
        return HttpAnswer(status=403, headers=(("x-ms-diagnostics", oauth.write_diagnostics(NO_SCOPE)),))
    if request.method != "POST":
        return HttpAnswer(status=405, headers=(("allow", "POST"),))
    try:
        incoming = envelope.read_request(request.body)
        mailbox = incoming.impersonated or request.headers.get("x-anchormailbox", "")
        agent = request.headers.get("user-agent", "")
        verdict = online_ews_access(estate.organization, mailbox, token.app_id, agent, estate.now())
        if not verdict.allowed:
            return HttpAnswer(status=403, headers=(("x-ews-policy-reason", verdict.policy_reason),))
        said = _run(estate, incoming.operation, mailbox)
    except RequestRefused as refused:
        said = refused.fault
    if isinstance(said, EwsFault):
        return envelope.write_fault(said, VERSION)
    return envelope.write_response(said, VERSION)


def may_use_ews(estate: Estate, app_id: str) -> bool:
    """Whether an administrator consented to full_access_as_app for the application."""
    if app_id == ENTRA_CLIENT:
        return EWS_PERMISSION in kept(estate).exchange_permissions
    principal = estate.organization.one(ServicePrincipal, ONLINE, app_id)
    consents = estate.organization.all(AppRoleAssignment, ONLINE)
    return principal is not None and any(
        one.principal == principal.display_name and one.app_role_id == FULL_ACCESS_AS_APP for one in consents
    )


def _run(estate: Estate, operation: str, mailbox: str) -> str | EwsFault:
    if operation != get_folder.OPERATION:
        return EwsFault("ErrorInvalidOperation", f"The lab's Exchange Online has no {operation[:80]}.")
    if estate.organization.one(Mailbox, ONLINE, mailbox) is None:
        return EwsFault("ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.")
    calendar = get_folder.Folder(folder_id=folder_id(mailbox, "calendar"), kind="CalendarFolder")
    return get_folder.write_response(get_folder.Response((calendar,)))
