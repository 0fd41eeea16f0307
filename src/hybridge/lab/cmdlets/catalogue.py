"""Every cmdlet of the lab by its name in lower case."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hybridge.lab.cmdlets import (
    ews_access,
    folder_permissions,
    hybrid,
    mail_users,
    mailboxes,
    outlook,
    people,
    roles,
    server_settings,
    servers,
    sharing,
    trust,
)
from hybridge.lab.cmdlets.base import Cmdlet

_MODULES = (
    ews_access,
    folder_permissions,
    hybrid,
    mail_users,
    mailboxes,
    outlook,
    people,
    roles,
    server_settings,
    servers,
    sharing,
    trust,
)

CATALOGUE: Mapping[str, Cmdlet] = MappingProxyType(
    {one.name.lower(): one for module in _MODULES for one in module.CMDLETS}
)
