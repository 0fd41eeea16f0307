"""The Exchange Online Admin API: six endpoints, of which two matter here. Documented, in preview.

An ask goes this way only when its cmdlet and every one of its parameters stand on the endpoint's page. So a cmdlet
with ``-User`` where the page shows none, or with ``-Confirm``, goes to InvokeCommand. The OrganizationConfig endpoint
shows settings of MailTips only and is not used. The tenant must be given as its id. Source: Microsoft's pages
"Exchange Online Admin API", get started, Mailbox endpoint and MailboxFolderPermission endpoint.
"""

from __future__ import annotations

import re

from hybridge.wire.ask import CmdletAsk, HttpAsk
from hybridge.wire.exchange_online.cmdlet_input import write_input
from hybridge.wire.exchange_online.place import Place, anchor

_PREFIX = "/adminapi/v2.0/"
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ENTRY = frozenset({"identity", "user", "accessrights", "sharingpermissionflags"})
_MAILBOX, _PERMISSION = "Mailbox", "MailboxFolderPermission"
COVERED: dict[str, tuple[str, frozenset[str]]] = {
    "get-mailbox": (_MAILBOX, frozenset({"identity", "resultsize"})),
    "set-mailbox": (_MAILBOX, frozenset({"identity", "grantsendonbehalfto"})),
    "get-mailboxfolderpermission": (_PERMISSION, frozenset({"identity", "resultsize"})),
    "add-mailboxfolderpermission": (_PERMISSION, _ENTRY),
    "set-mailboxfolderpermission": (_PERMISSION, _ENTRY),
    "remove-mailboxfolderpermission": (_PERMISSION, frozenset({"identity", "user"})),
}
"""Cmdlet -> its endpoint and the parameters documented there, in lower case."""


def endpoint_of(cmdlet: CmdletAsk) -> str:
    """The endpoint that covers ``cmdlet`` with all its parameters, "" when none does."""
    endpoint, documented = COVERED.get(cmdlet.name.lower(), ("", frozenset[str]()))
    return endpoint if {name.lower() for name, _ in cmdlet.parameters} <= documented else ""


def ask(place: Place, cmdlet: CmdletAsk) -> HttpAsk | None:
    """The request for the first page, or None when this door does not serve ``cmdlet``."""
    endpoint = endpoint_of(cmdlet)
    if not endpoint or not is_tenant_id(place.tenant):
        return None
    headers = (("X-AnchorMailbox", anchor(place, cmdlet)),)
    return place.ask(f"{_PREFIX}{place.tenant}/{endpoint}", headers, write_input(cmdlet))


def is_tenant_id(tenant: str) -> bool:
    """Whether a tenant is given as its id, not as a domain."""
    return _GUID.fullmatch(tenant) is not None


def read_path(path: str) -> tuple[str, str]:
    """The tenant and the endpoint a path is for, two empty texts when it is not this door's."""
    tenant, _, endpoint = path.removeprefix(_PREFIX).partition("/")
    return (tenant, endpoint) if path.startswith(_PREFIX) and tenant and endpoint else ("", "")
