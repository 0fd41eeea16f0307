"""Every cmdlet of the lab's Exchange Online by its name in lower case."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hybridge.lab.cmdlets import online_mailboxes, online_organization, online_permissions, people, sharing_online
from hybridge.lab.cmdlets.base import Cmdlet

ONLINE_CATALOGUE: Mapping[str, Cmdlet] = MappingProxyType(
    {
        one.name.lower(): one
        for one in (
            *online_mailboxes.CMDLETS,
            *online_organization.CMDLETS,
            *online_permissions.CMDLETS,
            *people.ONLINE_CMDLETS,
            *sharing_online.CMDLETS,
        )
    }
)
