"""OAuth trust: partner applications, authorization servers, the authentication configuration and its certificates."""

from __future__ import annotations

from typing import Any

import msgspec

from hybridge.lab.cmdlets.base import (
    IDENTITY,
    ON,
    REQUIRED_IDENTITY,
    Call,
    Result,
    changed,
    cmdlet,
    created,
    removed,
)
from hybridge.lab.cmdlets.identities import account, search, single
from hybridge.lab.cmdlets.mail_users import already_exists
from hybridge.lab.cmdlets.outcome import CmdletRefused, refused_argument
from hybridge.lab.cmdlets.parameters import boolean, switch, text, texts
from hybridge.org import records as r

_APPLICATION = (
    text("ApplicationIdentifier"),
    text("AuthMetadataUrl"),
    text("Realm"),
    text("IssuerIdentifier"),
    text("LinkedAccount"),
    text("AccountType"),
    boolean("Enabled"),
    boolean("AcceptSecurityIdentifierInformation"),
    switch("TrustAnySSLCertificate"),
)


@cmdlet("Get-PartnerApplication", IDENTITY)
def get_application(call: Call) -> Result:
    """Partner applications by name or application id."""
    return Result(search(call, r.PartnerApplication, call.text("Identity")))


@cmdlet("New-PartnerApplication", text("Name", 0, mandatory=True), *_APPLICATION)
def new_application(call: Call) -> Result:
    """Trust an application: by id through the authorization server, or by a metadata document of its own."""
    name = call.text("Name")
    app_id = call.text("ApplicationIdentifier")
    if bool(app_id) == bool(call.text("AuthMetadataUrl")):
        raise refused_argument("Specify either ApplicationIdentifier or AuthMetadataUrl.")
    everything = call.organization.all(r.PartnerApplication, ON)
    if call.organization.one(r.PartnerApplication, ON, name):
        raise already_exists(name)
    for other in everything:
        if app_id and other.application_identifier.casefold() == app_id.casefold():
            raise CmdletRefused(
                f"A partner application with the application identifier '{app_id}' already exists: '{other.identity}'."
            )
    empty = r.PartnerApplication(premises=ON, identity=name, application_identifier="")
    return created(call, _with_arguments(call, empty))


@cmdlet("Set-PartnerApplication", REQUIRED_IDENTITY, text("Name"), *_APPLICATION, switch("RefreshAuthMetadata"))
def set_application(call: Call) -> Result:
    """Change a partner application."""
    before = single(call, r.PartnerApplication)
    after = _with_arguments(call, before)
    if call.text("Name"):
        after = msgspec.structs.replace(after, identity=call.text("Name"))
    return changed(call, before, after)


@cmdlet("Remove-PartnerApplication", REQUIRED_IDENTITY)
def remove_application(call: Call) -> Result:
    """Trust an application no longer."""
    return removed(call, single(call, r.PartnerApplication))


def _with_arguments(call: Call, before: r.PartnerApplication) -> r.PartnerApplication:
    """``before`` with the arguments. An id means the authorization server decides, a metadata URL that it does not."""
    changes: dict[str, Any] = {}
    if call.given("ApplicationIdentifier"):
        changes |= {"application_identifier": call.text("ApplicationIdentifier"), "use_auth_server": True}
        changes["auth_metadata_url"] = ""
    if call.text("AuthMetadataUrl"):
        changes |= {"auth_metadata_url": call.text("AuthMetadataUrl"), "use_auth_server": False}
    if call.given("Realm"):
        changes["realm"] = call.text("Realm")
    if call.given("Enabled"):
        changes["enabled"] = call.get("Enabled")
    if call.given("LinkedAccount"):
        linked = call.text("LinkedAccount")
        same = linked.casefold() == before.linked_account.casefold()
        changes["linked_account"] = before.linked_account if same else linked and account(call, linked)
    return msgspec.structs.replace(before, **changes)


@cmdlet("Get-AuthConfig")
def get_auth_config(call: Call) -> Result:
    """The one authentication configuration."""
    return Result(call.organization.all(r.AuthConfig, ON))


@cmdlet("Get-AuthServer", IDENTITY)
def get_auth_server(call: Call) -> Result:
    """Authorization servers."""
    return Result(search(call, r.AuthServer, call.text("Identity")))


@cmdlet(
    "Set-AuthServer",
    REQUIRED_IDENTITY,
    boolean("Enabled"),
    boolean("IsDefaultAuthorizationEndpoint"),
    text("Realm"),
    text("IssuerIdentifier"),
    text("AuthMetadataUrl"),
    text("ApplicationIdentifier"),
    texts("DomainName"),
)
def set_auth_server(call: Call) -> Result:
    """Switch an authorization server on or off, make it the default, or name the application it is asked as."""
    if call.given("ApplicationIdentifier") and call.given("IsDefaultAuthorizationEndpoint"):
        raise refused_argument("Parameter set cannot be resolved using the specified named parameters.")
    before = single(call, r.AuthServer)
    fields = {
        "Enabled": "enabled",
        "IsDefaultAuthorizationEndpoint": "is_default_authorization_endpoint",
        "Realm": "realm",
        "IssuerIdentifier": "issuer_identifier",
        "AuthMetadataUrl": "auth_metadata_url",
    }
    changes = {field: call.get(parameter) for parameter, field in fields.items() if call.given(parameter)}
    if call.given("ApplicationIdentifier"):
        changes["application_identifier"] = call.text("ApplicationIdentifier")
    if call.given("DomainName"):
        changes["domain_name"] = call.get("DomainName").applied(before.domain_name) or ()
    return changed(call, before, msgspec.structs.replace(before, **changes))


@cmdlet("Get-ExchangeCertificate", IDENTITY, text("Thumbprint"), text("Server"))
def get_certificate(call: Call) -> Result:
    """Certificates of one server: the one named, else the one that runs the cmdlet."""
    server = single(call, r.ExchangeServer, "Server").identity if call.text("Server") else call.server
    wanted = call.text("Thumbprint") or call.text("Identity")
    prefix, _, thumbprint = wanted.rpartition("\\")
    server = prefix or server
    found = tuple(
        one
        for one in call.organization.all(r.ExchangeCertificate, ON)
        if one.server.casefold() in ("", server.casefold()) and thumbprint.casefold() in ("", one.thumbprint.casefold())
    )
    if thumbprint and not found:
        raise CmdletRefused(
            f"The certificate with thumbprint {thumbprint} was not found.",
            "System.InvalidOperationException",
            "ObjectNotFound",
        )
    return Result(found)


CMDLETS = (
    get_application,
    new_application,
    set_application,
    remove_application,
    get_auth_config,
    get_auth_server,
    set_auth_server,
    get_certificate,
)
