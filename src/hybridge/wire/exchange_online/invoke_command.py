"""InvokeCommand: runs any cmdlet of Exchange Online. Undocumented; it is the way Microsoft's own module takes.

Of objects with many properties only those our readers know are selected, so that a page stays small. Source: public
clients of the same door.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from hybridge.wire.ask import CmdletAsk, HttpAsk
from hybridge.wire.exchange_online.cmdlet_input import write_input
from hybridge.wire.exchange_online.place import Place, anchor

PAGE = 1000
"""Objects of a page at most."""
_PREFIX, _DOOR = "/adminapi/beta/", "InvokeCommand"
SELECTED = {
    "get-mailbox": (
        "Name",
        "Identity",
        "PrimarySmtpAddress",
        "UserPrincipalName",
        "DisplayName",
        "ServerName",
        "GrantSendOnBehalfTo",
        "HiddenFromAddressListsEnabled",
        "RecipientTypeDetails",
        "AccountDisabled",
        "ExchangeGuid",
    ),
    "get-casmailbox": (
        "Name",
        "Identity",
        "PrimarySmtpAddress",
        "EwsEnabled",
        "EwsApplicationAccessPolicy",
        "EwsAllowList",
        "EwsBlockList",
    ),
    "get-mailuser": (
        "Name",
        "Identity",
        "PrimarySmtpAddress",
        "UserPrincipalName",
        "ExternalEmailAddress",
        "HiddenFromAddressListsEnabled",
        "ExchangeGuid",
    ),
}
"""Cmdlet in lower case -> the properties asked for."""


def ask(place: Place, cmdlet: CmdletAsk) -> HttpAsk:
    """The request for the first page of what ``cmdlet`` gives."""
    selected = ",".join(SELECTED.get(cmdlet.name.lower(), ()))
    query = f"?$select={selected}" if selected else ""
    headers = (
        ("X-AnchorMailbox", anchor(place, cmdlet)),
        ("Prefer", f"odata.maxpagesize={PAGE}"),
        ("X-CmdletName", cmdlet.name),
        ("X-ResponseFormat", "json"),
        ("X-SerializationLevel", "Partial"),
    )
    return place.ask(f"{_PREFIX}{quote(place.tenant, safe='')}/{_DOOR}{query}", headers, write_input(cmdlet))


def read_path(path: str) -> str:
    """The tenant a path is for, "" when it is not this door's."""
    tenant, slash, door = path.removeprefix(_PREFIX).partition("/")
    here = path.startswith(_PREFIX) and slash and door.lower() == _DOOR.lower()
    return unquote(tenant) if here else ""
