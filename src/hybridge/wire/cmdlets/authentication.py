"""Get-AuthConfig, Get-AuthServer and Get-PartnerApplication: server-to-server trust of Exchange Server.

A linked account comes as a directory name such as "contoso.lab/Users/TeamsIntegration-ApplicationAccount"; the record
keeps the last segment, which is the account's Name.
"""

from __future__ import annotations

from hybridge.org.records import AuthConfig, AuthServer, PartnerApplication
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.noun import Noun, ask, defaulted, each, needed
from hybridge.wire.cmdlets.properties import (
    Object,
    directory_object,
    find,
    instant,
    name_of,
    smtp_domain,
    texts,
    words,
)

ON = Premises.ON_PREMISES


def ask_auth_config() -> CmdletAsk:
    """Get-AuthConfig."""
    return ask(ON, "Get-AuthConfig")


def ask_auth_server() -> CmdletAsk:
    """Get-AuthServer: every one."""
    return ask(ON, "Get-AuthServer")


def ask_partner_application(identity: str = "") -> CmdletAsk:
    """Get-PartnerApplication named ``identity``, or every one."""
    return ask(ON, "Get-PartnerApplication", Identity=identity)


def _read_config(one: Object, premises: Premises, _: str) -> AuthConfig:
    return AuthConfig(
        premises=premises,
        identity=words(one, "Name", "Identity", "ToString") or "Auth Configuration",
        current_certificate_thumbprint=words(one, "CurrentCertificateThumbprint").upper(),
        next_certificate_thumbprint=words(one, "NextCertificateThumbprint").upper(),
        next_certificate_effective_date=instant(one, "NextCertificateEffectiveDate"),
        service_name=words(one, "ServiceName"),
        realm=words(one, "Realm"),
    )


def _write_config(record: AuthConfig) -> Object:
    return {
        "ToString": record.identity,
        "CurrentCertificateThumbprint": record.current_certificate_thumbprint,
        "PreviousCertificateThumbprint": "",
        "NextCertificateThumbprint": record.next_certificate_thumbprint,
        "NextCertificateEffectiveDate": record.next_certificate_effective_date,
        "ServiceName": record.service_name,
        "Realm": record.realm,
        "Name": record.identity,
        "Identity": directory_object(record.identity, ""),
    }


def _read_server(one: Object, premises: Premises, _: str) -> AuthServer:
    return AuthServer(
        premises=premises,
        identity=needed(one, "Get-AuthServer", "Name", "Identity", "ToString"),
        type=words(one, "Type") or "MicrosoftACS",
        issuer_identifier=words(one, "IssuerIdentifier"),
        realm=words(one, "Realm"),
        enabled=defaulted(one, "Enabled", True),
        is_default_authorization_endpoint=defaulted(one, "IsDefaultAuthorizationEndpoint", False),
        application_identifier=words(one, "ApplicationIdentifier"),
        domain_name=texts(one, "DomainName") or (),
        auth_metadata_url=words(one, "AuthMetadataUrl"),
    )


def _write_server(record: AuthServer) -> Object:
    return {
        "ToString": record.identity,
        "Name": record.identity,
        "Type": record.type,
        "IssuerIdentifier": record.issuer_identifier,
        "Realm": record.realm,
        "AuthMetadataUrl": record.auth_metadata_url,
        "Enabled": record.enabled,
        "IsDefaultAuthorizationEndpoint": record.is_default_authorization_endpoint,
        "ApplicationIdentifier": record.application_identifier or None,
        "DomainName": [smtp_domain(name) for name in record.domain_name],
        "Identity": directory_object(record.identity, ""),
    }


def _read_application(one: Object, premises: Premises, _: str) -> PartnerApplication:
    return PartnerApplication(
        premises=premises,
        identity=needed(one, "Get-PartnerApplication", "Name", "Identity", "ToString"),
        application_identifier=words(one, "ApplicationIdentifier"),
        enabled=defaulted(one, "Enabled", True),
        linked_account=name_of(find(one, "LinkedAccount")),
        use_auth_server=defaulted(one, "UseAuthServer", True),
        realm=words(one, "Realm"),
        auth_metadata_url=words(one, "AuthMetadataUrl"),
    )


def _write_application(record: PartnerApplication) -> Object:
    return {
        "ToString": record.identity,
        "Enabled": record.enabled,
        "ApplicationIdentifier": record.application_identifier,
        "LinkedAccount": directory_object(record.linked_account),
        "UseAuthServer": record.use_auth_server,
        "AcceptSecurityIdentifierInformation": False,
        "AuthMetadataUrl": record.auth_metadata_url,
        "Realm": record.realm,
        "Name": record.identity,
        "Identity": directory_object(record.identity, ""),
    }


AUTH_CONFIG = Noun(
    cmdlet="Get-AuthConfig",
    record=AuthConfig,
    type_name="Microsoft.Exchange.Data.Directory.SystemConfiguration.AuthConfig",
    marks=("CurrentCertificateThumbprint", "ServiceName"),
    read_all=each(_read_config),
    write_one=_write_config,
)
AUTH_SERVER = Noun(
    cmdlet="Get-AuthServer",
    record=AuthServer,
    type_name="Microsoft.Exchange.Data.Directory.SystemConfiguration.AuthServer",
    marks=("Type", "TokenIssuingEndpoint", "IsDefaultAuthorizationEndpoint"),
    foreign=("UseAuthServer", "CurrentCertificateThumbprint", "PSSnapinName"),
    read_all=each(_read_server),
    write_one=_write_server,
)
PARTNER_APPLICATION = Noun(
    cmdlet="Get-PartnerApplication",
    record=PartnerApplication,
    type_name="Microsoft.Exchange.Data.Directory.SystemConfiguration.PartnerApplication",
    marks=("UseAuthServer", "LinkedAccount", "ApplicationIdentifier"),
    foreign=("TokenIssuingEndpoint", "IsDefaultAuthorizationEndpoint"),
    read_all=each(_read_application),
    write_one=_write_application,
)
NOUNS = (AUTH_CONFIG, AUTH_SERVER, PARTNER_APPLICATION)
