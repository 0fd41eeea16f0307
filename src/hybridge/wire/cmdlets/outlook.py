"""Get-ClientAccessService and Get-OutlookProvider."""

from __future__ import annotations

from hybridge.org.records import ClientAccessService, OutlookProvider
from hybridge.terms.premises import Premises
from hybridge.wire.cmdlets.noun import Noun, each, needed
from hybridge.wire.cmdlets.properties import Object, directory_object, texts, words

ON = Premises.ON_PREMISES


def _read_service(one: Object, premises: Premises, _: str) -> ClientAccessService:
    return ClientAccessService(
        premises=premises,
        identity=needed(one, "Get-ClientAccessService", "Name", "Identity", "ToString"),
        auto_discover_service_internal_uri=words(one, "AutoDiscoverServiceInternalUri"),
        auto_discover_site_scope=texts(one, "AutoDiscoverSiteScope") or (),
    )


def _write_service(record: ClientAccessService) -> Object:
    return {
        "ToString": record.identity,
        "Name": record.identity,
        "AutoDiscoverServiceInternalUri": record.auto_discover_service_internal_uri or None,
        "AutoDiscoverServiceCN": record.identity,
        "AutoDiscoverSiteScope": list(record.auto_discover_site_scope),
        "Identity": directory_object(record.identity, ""),
    }


def _read_provider(one: Object, premises: Premises, _: str) -> OutlookProvider:
    ttl = words(one, "TTL")
    return OutlookProvider(
        premises=premises,
        identity=needed(one, "Get-OutlookProvider", "Name", "Identity", "ToString"),
        cert_principal_name=words(one, "CertPrincipalName"),
        server=words(one, "Server"),
        ttl=int(ttl) if ttl.isascii() and ttl.isdigit() and len(ttl) < 6 else 1,
    )


def _write_provider(record: OutlookProvider) -> Object:
    return {
        "ToString": record.identity,
        "Name": record.identity,
        "CertPrincipalName": record.cert_principal_name or None,
        "Server": record.server or None,
        "TTL": record.ttl,
        "Identity": directory_object(record.identity, ""),
    }


NOUNS = (
    Noun(
        cmdlet="Get-ClientAccessService",
        record=ClientAccessService,
        type_name="Microsoft.Exchange.Data.Directory.Management.ClientAccessServer",
        marks=("AutoDiscoverServiceInternalUri", "AutoDiscoverSiteScope"),
        foreign=("EwsEnabled",),
        read_all=each(_read_service),
        write_one=_write_service,
    ),
    Noun(
        cmdlet="Get-OutlookProvider",
        record=OutlookProvider,
        type_name="Microsoft.Exchange.Data.Directory.SystemConfiguration.OutlookProvider",
        marks=("CertPrincipalName", "TTL"),
        foreign=("EwsEnabled",),
        read_all=each(_read_provider),
        write_one=_write_provider,
    ),
)
