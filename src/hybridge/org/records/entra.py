"""What Microsoft Entra keeps: service principals, applications and consents."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from hybridge.org.records.base import Record


class KeyCredential(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a service principal. ``key`` is the DER, or None where Graph did not return it."""

    key_id: str = ""
    custom_key_identifier: str = ""
    display_name: str = ""
    key: bytes | None = None
    end_at: datetime | None = None
    type: str = "AsymmetricX509Cert"
    usage: str = "Verify"


class ServicePrincipal(Record, frozen=True, kw_only=True):
    """A service principal of Entra. ``identity`` is the application id."""

    cmdlet: ClassVar[str] = "GET /servicePrincipals(appId='...')"
    object_id: str = ""
    display_name: str = ""
    key_credentials: tuple[KeyCredential, ...] = ()


class EntraApplication(Record, frozen=True, kw_only=True):
    """An application registered in the tenant. ``identity`` is its display name: Entra makes the ids at its creation.

    Where several bear one name, ``identity`` is the name followed by the application id in parentheses.
    """

    cmdlet: ClassVar[str] = "Get-MgApplication"
    application_id: str = ""
    object_id: str = ""
    display_name: str = ""
    required_resource_access: tuple[str, ...] = ()
    """Permissions it asks for, each "<application id of the resource>/<permission id>/<Role or Scope>"."""
    key_credentials: tuple[KeyCredential, ...] = ()
    password_credentials: tuple[str, ...] = ()
    """Ids of its client secrets."""


class AppRoleAssignment(Record, frozen=True, kw_only=True):
    """An application permission an administrator consented to. ``identity`` is ``<display name>/<permission id>``."""

    cmdlet: ClassVar[str] = "Get-MgServicePrincipalAppRoleAssignment"
    principal: str
    """Display name of the application that has the permission."""
    app_role_id: str
    resource_display_name: str = ""
    """Display name of the application the permission is for."""
    assignment_id: str = ""
