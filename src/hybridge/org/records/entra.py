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
    service_principal_names: tuple[str, ...] | None = None
    """Names tokens may be asked for, such as "https://mail.contoso.com/"; None where they were not read."""


class ServicePlan(msgspec.Struct, frozen=True, gc=False):
    """One service of a person's licences."""

    name: str
    """Such as "TEAMS1" or "EXCHANGE_S_ENTERPRISE"."""
    provisioning_status: str = "Success"
    """Success, Disabled (taken out of the licence), PendingActivation, PendingInput or Error."""

    @property
    def on(self) -> bool:
        """Whether the person has the service, or is about to."""
        return self.provisioning_status.lower() not in ("disabled", "error")


class UserLicense(Record, frozen=True, kw_only=True):
    """The services a person is licensed for. ``identity`` is the user principal name."""

    cmdlet: ClassVar[str] = "Get-MgUserLicenseDetail"
    service_plans: tuple[ServicePlan, ...] = ()

    @property
    def scope(self) -> str:
        return self.identity.lower()

    def has(self, prefix: str) -> bool:
        """Whether a service whose name begins with ``prefix`` is switched on."""
        return any(plan.on and plan.name.upper().startswith(prefix) for plan in self.service_plans)


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
