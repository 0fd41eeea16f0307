"""What Outlook is told: virtual directories of Autodiscover and MAPI, Outlook Anywhere, providers, the SCP."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from hybridge.lab.cmdlets.base import IDENTITY, REQUIRED_IDENTITY, Call, Result, changed, cmdlet
from hybridge.lab.cmdlets.identities import search, single
from hybridge.lab.cmdlets.parameters import ListEdit, boolean, choice, count, switch, text, texts
from hybridge.org import records as r
from hybridge.org.records.virtual_directories import SignedVirtualDirectory

D = TypeVar("D", r.AutodiscoverVirtualDirectory, r.MapiVirtualDirectory, r.OutlookAnywhere)

_PROTECTION = choice(
    "ExtendedProtectionTokenChecking",
    ("None", "Allow", "Require"),
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ExtendedProtectionTokenCheckingMode",
)
_METHODS = ("Basic", "Ntlm", "Negotiate")
_METHOD_TYPE = "Microsoft.Exchange.Data.Directory.SystemConfiguration.AuthenticationMethod"


def _of_server(call: Call, kind: type[D]) -> tuple[D, ...]:
    """Virtual directories of one server or all."""
    found = search(call, kind, call.text("Identity"))
    if call.text("Server"):
        server = single(call, r.ExchangeServer, "Server").identity.casefold()
        found = tuple(one for one in found if one.server.casefold() == server)
    return found


def _with_urls(call: Call, before: SignedVirtualDirectory) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for parameter, field in (("ExternalUrl", "external_url"), ("InternalUrl", "internal_url")):
        if call.given(parameter):
            changes[field] = call.text(parameter)
    if call.given("ExtendedProtectionTokenChecking"):
        changes["extended_protection_token_checking"] = call.get("ExtendedProtectionTokenChecking")
    return changes


@cmdlet("Get-AutodiscoverVirtualDirectory", IDENTITY, text("Server"), switch("ADPropertiesOnly"))
def get_autodiscover(call: Call) -> Result:
    """Autodiscover virtual directories."""
    return Result(_of_server(call, r.AutodiscoverVirtualDirectory))


@cmdlet(
    "Set-AutodiscoverVirtualDirectory",
    REQUIRED_IDENTITY,
    text("ExternalUrl"),
    text("InternalUrl"),
    _PROTECTION,
    boolean("WSSecurityAuthentication"),
    boolean("OAuthAuthentication"),
)
def set_autodiscover(call: Call) -> Result:
    """Change an Autodiscover virtual directory; a sign-in is offered outside and inside alike."""
    before = single(call, r.AutodiscoverVirtualDirectory)
    changes = _with_urls(call, before)
    for parameter, method in (("WSSecurityAuthentication", "WSSecurity"), ("OAuthAuthentication", "OAuth")):
        if call.given(parameter):
            for field in ("external_authentication_methods", "internal_authentication_methods"):
                held = changes.get(field, getattr(before, field))
                kept = tuple(one for one in held if one.casefold() != method.casefold())
                changes[field] = (*kept, method) if call.get(parameter) else kept
                if call.get(parameter) and len(kept) < len(held):
                    changes[field] = held
    return changed(call, before, msgspec.structs.replace(before, **changes))


@cmdlet("Get-MapiVirtualDirectory", IDENTITY, text("Server"), switch("ADPropertiesOnly"))
def get_mapi(call: Call) -> Result:
    """MAPI virtual directories."""
    return Result(_of_server(call, r.MapiVirtualDirectory))


@cmdlet(
    "Set-MapiVirtualDirectory",
    REQUIRED_IDENTITY,
    text("ExternalUrl"),
    text("InternalUrl"),
    texts("IISAuthenticationMethods"),
    _PROTECTION,
)
def set_mapi(call: Call) -> Result:
    """Change a MAPI virtual directory."""
    before = single(call, r.MapiVirtualDirectory)
    changes = _with_urls(call, before)
    edit = call.get("IISAuthenticationMethods")
    if isinstance(edit, ListEdit):
        held = edit.applied(before.external_authentication_methods) or ()
        changes["external_authentication_methods"] = changes["internal_authentication_methods"] = held
    return changed(call, before, msgspec.structs.replace(before, **changes))


@cmdlet("Get-OutlookAnywhere", IDENTITY, text("Server"), switch("ADPropertiesOnly"))
def get_anywhere(call: Call) -> Result:
    """Outlook Anywhere of one server or all."""
    return Result(_of_server(call, r.OutlookAnywhere))


@cmdlet(
    "Set-OutlookAnywhere",
    REQUIRED_IDENTITY,
    text("ExternalHostname"),
    text("InternalHostname"),
    choice("ExternalClientAuthenticationMethod", _METHODS, _METHOD_TYPE),
    choice("InternalClientAuthenticationMethod", _METHODS, _METHOD_TYPE),
    boolean("ExternalClientsRequireSsl"),
    boolean("SSLOffloading"),
)
def set_anywhere(call: Call) -> Result:
    """Change Outlook Anywhere."""
    before = single(call, r.OutlookAnywhere)
    fields = {
        "ExternalHostname": "external_hostname",
        "InternalHostname": "internal_hostname",
        "ExternalClientAuthenticationMethod": "external_client_authentication_method",
        "InternalClientAuthenticationMethod": "internal_client_authentication_method",
        "ExternalClientsRequireSsl": "external_clients_require_ssl",
        "SSLOffloading": "ssl_offloading",
    }
    changes = {field: call.get(name) or "" for name, field in fields.items() if call.given(name)}
    for name in ("ExternalClientsRequireSsl", "SSLOffloading"):
        if call.given(name):
            changes[fields[name]] = call.get(name)
    return changed(call, before, msgspec.structs.replace(before, **changes))


@cmdlet("Get-OutlookProvider", IDENTITY)
def get_provider(call: Call) -> Result:
    """Providers of Autodiscover's answer for Outlook."""
    return Result(search(call, r.OutlookProvider, call.text("Identity")))


@cmdlet("Set-OutlookProvider", REQUIRED_IDENTITY, text("CertPrincipalName"), text("Server"), text("TTL"))
def set_provider(call: Call) -> Result:
    """Change whose certificate Outlook expects."""
    before = single(call, r.OutlookProvider)
    changes: dict[str, Any] = {}
    if call.given("CertPrincipalName"):
        changes["cert_principal_name"] = call.text("CertPrincipalName")
    if call.given("Server"):
        changes["server"] = call.text("Server")
    return changed(call, before, msgspec.structs.replace(before, **changes))


@cmdlet("Get-ClientAccessService", IDENTITY, switch("IncludeAlternateServiceAccountCredentialStatus"))
def get_client_access(call: Call) -> Result:
    """Client access settings of servers."""
    return Result(search(call, r.ClientAccessService, call.text("Identity")))


@cmdlet(
    "Set-ClientAccessService", REQUIRED_IDENTITY, text("AutoDiscoverServiceInternalUri"), texts("AutoDiscoverSiteScope")
)
def set_client_access(call: Call) -> Result:
    """Change the service connection point of a server."""
    before = single(call, r.ClientAccessService)
    changes: dict[str, Any] = {}
    if call.given("AutoDiscoverServiceInternalUri"):
        changes["auto_discover_service_internal_uri"] = call.text("AutoDiscoverServiceInternalUri")
    edit = call.get("AutoDiscoverSiteScope")
    if isinstance(edit, ListEdit):
        changes["auto_discover_site_scope"] = edit.applied(before.auto_discover_site_scope) or ()
    return changed(call, before, msgspec.structs.replace(before, **changes))


@cmdlet("Get-RemoteMailbox", IDENTITY, count("ResultSize"), tasks="RecipientTasks")
def get_remote_mailbox(call: Call) -> Result:
    """What stands on-premises for mailboxes online."""
    return Result(search(call, r.RemoteMailbox, call.text("Identity"))[: call.get("ResultSize")])


@cmdlet("Set-RemoteMailbox", REQUIRED_IDENTITY, text("RemoteRoutingAddress"), tasks="RecipientTasks")
def set_remote_mailbox(call: Call) -> Result:
    """Change where a remote mailbox is sent on to."""
    before = single(call, r.RemoteMailbox)
    changes: dict[str, Any] = {}
    if call.given("RemoteRoutingAddress"):
        changes["remote_routing_address"] = call.text("RemoteRoutingAddress").removeprefix("SMTP:")
    return changed(call, before, msgspec.structs.replace(before, **changes))


CMDLETS = (
    get_autodiscover,
    set_autodiscover,
    get_mapi,
    set_mapi,
    get_anywhere,
    set_anywhere,
    get_provider,
    set_provider,
    get_client_access,
    set_client_access,
    get_remote_mailbox,
    set_remote_mailbox,
)
