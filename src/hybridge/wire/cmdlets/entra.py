"""Service principals, applications and consented permissions as exported: Graph's JSON, or what Get-MgServicePrincipal,
Get-MgApplication and Get-MgServicePrincipalAppRoleAssignment give (the same names, capitalized).

The key of a credential is DER; uploads by some scripts left the base64 of a base64 text, and both are read.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping

from hybridge.org.records import AppRoleAssignment, EntraApplication, KeyCredential, ServicePrincipal
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.noun import Noun, ask, each, needed
from hybridge.wire.cmdlets.properties import Object, find, instant, items, octets, texts, words

_DER_SEQUENCE = b"\x30"


def ask_service_principal(application_id: str = "") -> CmdletAsk:
    """Get-MgServicePrincipal of ``application_id``, or every exported one. Only snapshots answer it: live, hybridge
    asks Graph by HTTP."""
    return ask(Premises.ONLINE, "Get-MgServicePrincipal", AppId=application_id)


def ask_application(name: str = "") -> CmdletAsk:
    """Get-MgApplication of ``name``, or every exported one. Only snapshots answer it."""
    return ask(Premises.ONLINE, "Get-MgApplication", Identity=name)


def ask_app_role_assignment() -> CmdletAsk:
    """Get-MgServicePrincipalAppRoleAssignment: every exported one. Only snapshots answer it."""
    return ask(Premises.ONLINE, "Get-MgServicePrincipalAppRoleAssignment")


def key_bytes(value: object) -> bytes | None:
    """DER of an exported key, also when it was encoded twice; None where there is no key."""
    raw = octets(value)
    if raw and not raw.startswith(_DER_SEQUENCE):
        try:
            twice = b64decode(raw, validate=True)
        except ValueError:
            return raw
        return twice if twice.startswith(_DER_SEQUENCE) else raw
    return raw or None


def _identifier(value: object) -> str:
    """Graph gives text; Get-MgServicePrincipal gives bytes, which are the SHA-1 thumbprint."""
    if isinstance(value, str):
        return value
    raw = octets(value)
    return raw.hex().upper() if raw else ""


def _read_key(one: Mapping[str, object]) -> KeyCredential:
    return KeyCredential(
        key_id=words(one, "KeyId"),
        custom_key_identifier=_identifier(find(one, "CustomKeyIdentifier")),
        display_name=words(one, "DisplayName"),
        key=key_bytes(find(one, "Key")),
        end_at=instant(one, "EndDateTime"),
        type=words(one, "Type") or "AsymmetricX509Cert",
        usage=words(one, "Usage") or "Verify",
    )


def _read_principal(one: Object, premises: Premises, _: str) -> ServicePrincipal:
    keys = items(find(one, "KeyCredentials")) or []
    return ServicePrincipal(
        premises=premises,
        identity=needed(one, "Get-MgServicePrincipal", "AppId"),
        object_id=words(one, "Id"),
        display_name=words(one, "DisplayName"),
        key_credentials=tuple(_read_key(key) for key in keys if isinstance(key, Mapping)),
        service_principal_names=texts(one, "ServicePrincipalNames"),
    )


def _write_key(key: KeyCredential) -> Object:
    return {
        "customKeyIdentifier": key.custom_key_identifier or None,
        "displayName": key.display_name or None,
        "endDateTime": key.end_at.isoformat().replace("+00:00", "Z") if key.end_at else None,
        "key": b64encode(key.key).decode() if key.key is not None else None,
        "keyId": key.key_id or None,
        "type": key.type,
        "usage": key.usage,
    }


def _write_principal(record: ServicePrincipal) -> Object:
    return {
        "id": record.object_id,
        "appId": record.identity,
        "displayName": record.display_name,
        "keyCredentials": [_write_key(key) for key in record.key_credentials],
        **(
            {}
            if record.service_principal_names is None
            else {"servicePrincipalNames": list(record.service_principal_names)}
        ),
    }


def _read_application(one: Object, premises: Premises, _: str) -> EntraApplication:
    keys = items(find(one, "KeyCredentials")) or []
    secrets = items(find(one, "PasswordCredentials")) or []
    name = needed(one, "Get-MgApplication", "DisplayName")
    return EntraApplication(
        premises=premises,
        identity=name,
        application_id=words(one, "AppId"),
        object_id=words(one, "Id"),
        display_name=name,
        required_resource_access=tuple(_read_access(items(find(one, "RequiredResourceAccess")) or [])),
        key_credentials=tuple(_read_key(key) for key in keys if isinstance(key, Mapping)),
        password_credentials=tuple(words(secret, "KeyId") for secret in secrets if isinstance(secret, Mapping)),
    )


def _read_access(resources: Iterable[object]) -> Iterator[str]:
    for resource in resources:
        if isinstance(resource, Mapping):
            for access in items(find(resource, "ResourceAccess")) or []:
                if isinstance(access, Mapping):
                    yield "/".join((words(resource, "ResourceAppId"), words(access, "Id"), words(access, "Type")))


def _write_application(record: EntraApplication) -> Object:
    return {
        "id": record.object_id,
        "appId": record.application_id,
        "displayName": record.display_name,
        "requiredResourceAccess": [
            {"resourceAppId": resource, "resourceAccess": [{"id": permission, "type": kind}]}
            for resource, permission, kind in (entry.split("/", 2) for entry in record.required_resource_access)
        ],
        "keyCredentials": [_write_key(key) for key in record.key_credentials],
        "passwordCredentials": [{"keyId": key_id} for key_id in record.password_credentials],
    }


def _read_assignment(one: Object, premises: Premises, _: str) -> AppRoleAssignment:
    principal = needed(one, "Get-MgServicePrincipalAppRoleAssignment", "PrincipalDisplayName")
    role = needed(one, "Get-MgServicePrincipalAppRoleAssignment", "AppRoleId")
    return AppRoleAssignment(
        premises=premises,
        identity=f"{principal}/{role}",
        principal=principal,
        app_role_id=role,
        resource_display_name=words(one, "ResourceDisplayName"),
        assignment_id=words(one, "Id"),
    )


def _write_assignment(record: AppRoleAssignment) -> Object:
    return {
        "id": record.assignment_id,
        "appRoleId": record.app_role_id,
        "principalDisplayName": record.principal,
        "principalType": "ServicePrincipal",
        "resourceDisplayName": record.resource_display_name,
    }


SERVICE_PRINCIPAL = Noun(
    cmdlet="Get-MgServicePrincipal",
    record=ServicePrincipal,
    type_name="Microsoft.Graph.PowerShell.Models.MicrosoftGraphServicePrincipal",
    marks=("AppId",),
    read_all=each(_read_principal),
    write_one=_write_principal,
)
APPLICATION = Noun(
    cmdlet="Get-MgApplication",
    record=EntraApplication,
    type_name="Microsoft.Graph.PowerShell.Models.MicrosoftGraphApplication",
    marks=("AppId",),
    foreign=("ServicePrincipalType",),
    read_all=each(_read_application),
    write_one=_write_application,
)
APP_ROLE_ASSIGNMENT = Noun(
    cmdlet="Get-MgServicePrincipalAppRoleAssignment",
    record=AppRoleAssignment,
    type_name="Microsoft.Graph.PowerShell.Models.MicrosoftGraphAppRoleAssignment",
    marks=("AppRoleId",),
    read_all=each(_read_assignment),
    write_one=_write_assignment,
)
NOUNS = (SERVICE_PRINCIPAL, APPLICATION, APP_ROLE_ASSIGNMENT)
