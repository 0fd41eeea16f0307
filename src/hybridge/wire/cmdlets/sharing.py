"""Get-FederationTrust and Get-HybridConfiguration.

Certificates of a trust come as X509Certificate2 objects: a remote session prints their properties, Export-Clixml may
leave the bytes alone; both are read. Source: Microsoft's pages of the two cmdlets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from hybridge.org.records import FederationTrust, HybridConfiguration
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.noun import Noun, ask, each, needed
from hybridge.wire.cmdlets.properties import Object, directory_object, find, instant, octets, smtp_domain, texts, words

ON = Premises.ON_PREMISES
_NOT_AFTER = re.compile(r"\[Not After\]\s+(\S+)")


def ask_federation_trust() -> CmdletAsk:
    """Get-FederationTrust: every one."""
    return ask(ON, "Get-FederationTrust")


def ask_hybrid_configuration() -> CmdletAsk:
    """Get-HybridConfiguration: the one there may be."""
    return ask(ON, "Get-HybridConfiguration")


def _end(certificate: object) -> datetime | None:
    """When a certificate ends: as its object says, else as its bytes do, else as its text does.

    The date in the text is in the words of a culture; only one that cannot be misread counts.
    """
    if isinstance(certificate, Mapping):
        if told := instant(certificate, "NotAfter"):
            return told
        certificate = find(certificate, "RawData", "ToString")
    if isinstance(certificate, str) and (shown := _NOT_AFTER.search(certificate)):
        return instant({"NotAfter": shown[1]}, "NotAfter")
    raw = octets(certificate)
    if not raw:
        return None
    from cryptography import x509

    try:
        return x509.load_der_x509_certificate(raw).not_valid_after_utc.astimezone(UTC)
    except ValueError:
        return None


def _certificate(subject: str, end: datetime | None) -> Object | None:
    if end is None:
        return None
    text = f"[Subject]\r\n  {subject}\r\n\r\n[Not After]\r\n  {end.isoformat()}\r\n"
    return {"ToString": text, "NotAfter": end, "Subject": subject}


def _read_trust(one: Object, premises: Premises, _: str) -> FederationTrust:
    return FederationTrust(
        premises=premises,
        identity=needed(one, "Get-FederationTrust", "Name", "Identity", "ToString"),
        application_identifier=words(one, "ApplicationIdentifier"),
        application_uri=words(one, "ApplicationUri"),
        token_issuer_uri=words(one, "TokenIssuerUri"),
        token_issuer_metadata_epr=words(one, "TokenIssuerMetadataEpr"),
        org_certificate_not_after=_end(find(one, "OrgCertificate")),
        token_issuer_certificate_not_after=_end(find(one, "TokenIssuerCertificate")),
    )


def _write_trust(record: FederationTrust) -> Object:
    return {
        "ToString": record.identity,
        "Name": record.identity,
        "ApplicationIdentifier": record.application_identifier,
        "ApplicationUri": record.application_uri or None,
        "TokenIssuerUri": record.token_issuer_uri or None,
        "TokenIssuerMetadataEpr": record.token_issuer_metadata_epr or None,
        "OrgCertificate": _certificate("CN=Federation", record.org_certificate_not_after),
        "TokenIssuerCertificate": _certificate("CN=Token issuer", record.token_issuer_certificate_not_after),
        "Identity": directory_object(record.identity, ""),
    }


def _read_configuration(one: Object, premises: Premises, _: str) -> HybridConfiguration:
    instance = words(one, "ServiceInstance")
    return HybridConfiguration(
        premises=premises,
        identity=words(one, "Name", "Identity", "ToString") or "Hybrid Configuration",
        domains=texts(one, "Domains") or (),
        features=texts(one, "Features") or (),
        tls_certificate_name=words(one, "TlsCertificateName"),
        service_instance=int(instance) if instance.isascii() and instance.lstrip("-").isdigit() else None,
    )


def _write_configuration(record: HybridConfiguration) -> Object:
    return {
        "ToString": record.identity,
        "Name": record.identity,
        "Domains": [smtp_domain(name) for name in record.domains],
        "Features": list(record.features),
        "TlsCertificateName": record.tls_certificate_name or None,
        "ServiceInstance": record.service_instance,
        "Identity": directory_object(record.identity, ""),
    }


_CONFIGURATION = "Microsoft.Exchange.Data.Directory.SystemConfiguration"
FEDERATION_TRUST = Noun(
    cmdlet="Get-FederationTrust",
    record=FederationTrust,
    type_name=f"{_CONFIGURATION}.FederationTrust",
    marks=("TokenIssuerUri", "ApplicationUri", "OrgCertificate"),
    foreign=("DomainNames",),
    read_all=each(_read_trust),
    write_one=_write_trust,
)
HYBRID_CONFIGURATION = Noun(
    cmdlet="Get-HybridConfiguration",
    record=HybridConfiguration,
    type_name=f"{_CONFIGURATION}.HybridConfiguration",
    marks=("ServiceInstance", "TlsCertificateName", "OnPremisesSmartHost"),
    foreign=("EwsEnabled",),
    read_all=each(_read_configuration),
    write_one=_write_configuration,
)
NOUNS = (FEDERATION_TRUST, HYBRID_CONFIGURATION)
