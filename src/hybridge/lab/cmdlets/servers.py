"""Exchange servers, their EWS virtual directories, and the domains mail is accepted for."""

from __future__ import annotations

from typing import Any

import msgspec

from hybridge.lab.cmdlets.base import IDENTITY, REQUIRED_IDENTITY, Call, Result, changed, cmdlet
from hybridge.lab.cmdlets.identities import search, single
from hybridge.lab.cmdlets.outcome import Written
from hybridge.lab.cmdlets.parameters import boolean, switch, text
from hybridge.lab.contoso import DOMAIN, domains_in
from hybridge.org import records as r

ACCEPTED_DOMAIN_TYPE = "Microsoft.Exchange.Data.Directory.SystemConfiguration.AcceptedDomain"


@cmdlet("Get-ExchangeServer", IDENTITY, switch("Status"), text("Domain"))
def get_server(call: Call) -> Result:
    """Exchange servers."""
    return Result(search(call, r.ExchangeServer, call.text("Identity")))


@cmdlet("Get-WebServicesVirtualDirectory", IDENTITY, text("Server"), switch("ADPropertiesOnly"))
def get_virtual_directory(call: Call) -> Result:
    """EWS virtual directories of one server or all."""
    found = search(call, r.WebServicesVirtualDirectory, call.text("Identity"))
    if call.text("Server"):
        server = single(call, r.ExchangeServer, "Server").identity.casefold()
        found = tuple(one for one in found if one.server.casefold() == server)
    return Result(found)


@cmdlet(
    "Set-WebServicesVirtualDirectory",
    REQUIRED_IDENTITY,
    text("ExternalUrl"),
    text("InternalUrl"),
    boolean("OAuthAuthentication"),
    boolean("WSSecurityAuthentication"),
    boolean("WindowsAuthentication"),
    switch("Force"),
)
def set_virtual_directory(call: Call) -> Result:
    """Change addresses and sign-in of an EWS virtual directory."""
    before = single(call, r.WebServicesVirtualDirectory)
    changes: dict[str, Any] = {}
    if call.given("ExternalUrl"):
        changes["external_url"] = call.text("ExternalUrl")
    if call.given("InternalUrl"):
        changes["internal_url"] = call.text("InternalUrl")
    for parameter, field in _SIGN_INS.items():
        if call.given(parameter):
            changes[field] = call.get(parameter)
    return changed(call, before, msgspec.structs.replace(before, **changes))


_SIGN_INS = {
    "OAuthAuthentication": "oauth_authentication",
    "WSSecurityAuthentication": "ws_security_authentication",
    "WindowsAuthentication": "windows_authentication",
}


@cmdlet("Get-AcceptedDomain", IDENTITY)
def get_accepted_domain(call: Call) -> Result:
    """Domains mail is accepted for. No record describes them: they are those of the lab's organization."""
    wanted = call.text("Identity").casefold()
    found = tuple(_domain(name) for name in domains_in(call.cloud) if wanted in ("", name))
    if wanted and not found:
        raise call.absent(call.text("Identity"))
    return Result(found)


def _domain(name: str) -> Written:
    return Written(
        ACCEPTED_DOMAIN_TYPE,
        {
            "DomainName": {"Domain": name, "ToString": name},
            "DomainType": "Authoritative",
            "Default": name == DOMAIN,
            "Name": name,
            "Identity": name,
            "IsValid": True,
            "ToString": name,
        },
    )


CMDLETS = (get_server, get_virtual_directory, set_virtual_directory, get_accepted_domain)
