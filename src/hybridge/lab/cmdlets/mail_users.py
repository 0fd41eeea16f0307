"""Mail users. The hidden one that partner applications are linked to is one of them."""

from __future__ import annotations

from typing import Any

import msgspec

from hybridge.lab.cmdlets.base import (
    DOMAIN_CONTROLLER,
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
from hybridge.lab.cmdlets.identities import recipient, search, single
from hybridge.lab.cmdlets.outcome import CmdletRefused
from hybridge.lab.cmdlets.parameters import boolean, count, text
from hybridge.org import records as r

_DOMAIN = DOMAIN_CONTROLLER.partition(".")[2]
_DIRECTORY = "Microsoft.Exchange.Data.Directory."


@cmdlet("Get-MailUser", IDENTITY, count("ResultSize"), tasks="RecipientTasks")
def get_mail_user(call: Call) -> Result:
    """Mail users on-premises."""
    return Result(search(call, r.MailUser, call.text("Identity"))[: call.get("ResultSize")])


@cmdlet(
    "New-MailUser",
    text("Name", 0, mandatory=True),
    text("ExternalEmailAddress", mandatory=True),
    text("UserPrincipalName"),
    *(text(name) for name in ("Alias", "DisplayName", "FirstName", "LastName", "OrganizationalUnit")),
    tasks="RecipientTasks",
)
def new_mail_user(call: Call) -> Result:
    """Make a mail user; its user principal name is <name>@<domain> unless another is given."""
    name = call.text("Name")
    if recipient(call, name) is not None:
        raise already_exists(name)
    record = r.MailUser(
        premises=ON,
        identity=name,
        user_principal_name=call.text("UserPrincipalName") or f"{name.replace(' ', '')}@{_DOMAIN}",
        external_email_address=_address(call),
    )
    return created(call, record)


@cmdlet(
    "Set-MailUser",
    REQUIRED_IDENTITY,
    boolean("HiddenFromAddressListsEnabled"),
    text("ExternalEmailAddress"),
    text("UserPrincipalName"),
    tasks="RecipientTasks",
)
def set_mail_user(call: Call) -> Result:
    """Change a mail user."""
    before = single(call, r.MailUser)
    changes: dict[str, Any] = {}
    if call.given("HiddenFromAddressListsEnabled"):
        changes["hidden_from_address_lists_enabled"] = call.get("HiddenFromAddressListsEnabled")
    if call.given("ExternalEmailAddress"):
        changes["external_email_address"] = _address(call)
    if call.given("UserPrincipalName"):
        changes["user_principal_name"] = call.text("UserPrincipalName")
    return changed(call, before, msgspec.structs.replace(before, **changes))


@cmdlet("Remove-MailUser", REQUIRED_IDENTITY, tasks="RecipientTasks")
def remove_mail_user(call: Call) -> Result:
    """Remove a mail user and its account. What is linked or assigned to it stays."""
    return removed(call, single(call, r.MailUser))


def already_exists(name: str) -> CmdletRefused:
    """The directory has an object of that name."""
    return CmdletRefused(
        f"Active Directory operation failed on {DOMAIN_CONTROLLER}. The object '{name}' already exists.",
        _DIRECTORY + "ADObjectAlreadyExistsException",
        "NotSpecified",
    )


def _address(call: Call) -> str:
    address = call.text("ExternalEmailAddress")
    address = address[5:] if address.upper().startswith("SMTP:") else address
    if address.count("@") != 1 or address.startswith("@") or address.endswith("@"):
        raise CmdletRefused(
            f"The address '{address}' is invalid: \"{address}\" isn't a valid SMTP address. The domain name can't "
            "contain spaces and it has to have a prefix and a suffix, such as example.com.",
            "Microsoft.Exchange.Data.DataValidationException",
            "NotSpecified",
        )
    return address


CMDLETS = (get_mail_user, new_mail_user, set_mail_user, remove_mail_user)
