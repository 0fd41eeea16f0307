"""Every cmdlet of the lab's Exchange Online by its name in lower case."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hybridge.lab.cmdlets import online_mailboxes, online_permissions
from hybridge.lab.cmdlets.base import Cmdlet

ONLINE_CATALOGUE: Mapping[str, Cmdlet] = MappingProxyType(
    {one.name.lower(): one for module in (online_mailboxes, online_permissions) for one in module.CMDLETS}
)
