"""How Contoso's two Exchange organizations share calendars: the cloud's half, the federation, the wizard's record.

Connectors are enabled on both sides, so OAuth is used; the relationships and the federation trust stand behind them
for what no connector covers.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from hybridge.org import records as r
from hybridge.terms.clouds import CHINA, Cloud
from hybridge.terms.premises import Premises
from hybridge.terms.sharing import EXCHANGE_ONLINE_ROLES

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE
EXCHANGE_ONLINE_ACCOUNT = "Exchange Online-ApplicationAccount"
_ORGANIZATION = "6f9b1c52-8a3d-4e0f-9c27-15ab3d7e8f40"


def sharing_records(
    cloud: Cloud, domain: str, routing_domain: str, autodiscover_host: str, now: datetime
) -> Iterator[r.Record]:
    """What joins ``domain`` on-premises and its tenant in ``cloud``, besides what ``contoso_hybrid`` makes."""
    yield r.IntraOrganizationConnector(
        premises=ONLINE,
        identity=f"HybridIOC - {_ORGANIZATION}",
        target_address_domains=(domain,),
        discovery_endpoint=f"https://{autodiscover_host}/autodiscover/autodiscover.svc",
    )
    yield r.OrganizationRelationship(
        premises=ONLINE,
        identity=f"O365 to On-premises - {_ORGANIZATION}",
        domain_names=(domain,),
        target_autodiscover_epr=f"https://{autodiscover_host}/autodiscover/autodiscover.svc/WSSecurity",
        target_application_uri=f"FYDIBOHF25SPDLT.{domain}",
        free_busy_access_enabled=True,
        free_busy_access_level="LimitedDetails",
    )
    yield r.FederationTrust(
        premises=ON,
        identity="Microsoft Federation Gateway",
        application_identifier="00000000480a1b2c",
        application_uri=f"FYDIBOHF25SPDLT.{domain}",
        token_issuer_uri="urn:federation:MicrosoftOnline",
        token_issuer_metadata_epr="https://nexus.microsoftonline-p.com/federationmetadata/2006-12/federationmetadata.xml",
        org_certificate_not_after=_day(now) + timedelta(days=1500),
        token_issuer_certificate_not_after=_day(now) + timedelta(days=900),
    )
    yield r.HybridConfiguration(
        premises=ON,
        identity="Hybrid Configuration",
        domains=(domain,),
        features=("FreeBusy", "MoveMailbox", "Mailtips", "MessageTracking", "OwaRedirection", "SecureMail", "Photos"),
        tls_certificate_name=f"<I>CN=Contoso CA<S>CN=mail.{domain}",
        service_instance=1 if cloud.name == CHINA.name else 0,
    )
    for role in EXCHANGE_ONLINE_ROLES:
        yield r.ManagementRoleAssignment(
            premises=ON,
            identity=f"{role}-{EXCHANGE_ONLINE_ACCOUNT}",
            role=role,
            role_assignee=EXCHANGE_ONLINE_ACCOUNT,
        )


def _day(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
