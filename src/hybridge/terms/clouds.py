"""Host names of the Microsoft clouds, and what each of them does not offer.

Exchange and Teams exist in seven clouds with hosts of their own. What no public source names is "" here: whoever needs
such a host says that it is not known, and never tries a likely name.

Sources: Microsoft's CSS-Exchange scripts (Get-CloudServiceEndpoint, ConfigureExchangeHybridApplication), the pages of
the Exchange Online Admin API and of OAuth between Exchange and Exchange Online, Microsoft Graph's page on national
clouds; the configuration service of Teams in GCC High from the endpoint lists of several public tools.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """One cloud. ``name`` is the word used in hybridge.toml; every other field is a host or a domain, "" if unknown."""

    name: str
    title: str
    """How its administrators call it."""
    login: str
    graph: str
    exchange: str
    """EWS and Autodiscover of Exchange Online."""
    admin_api: str
    """Cmdlets of Exchange Online over HTTP."""
    autodiscover: str
    """Host of ``TargetAutodiscoverEpr`` and ``DiscoveryEndpoint``."""
    acs_metadata: str = ""
    """Host of the AuthMetadataUrl of an AuthServer of type MicrosoftACS."""
    evosts_metadata: str = ""
    """Host of the AuthMetadataUrl of an AuthServer of type AzureAD."""
    teams_config: str = ""
    initial_domain: str = ""
    """What follows a tenant's name: ``contoso.<this>`` is its initial domain, ``contoso.mail.<this>`` for routing."""
    assigns_teams_policies: bool = False
    """Whether Graph can assign a Teams policy to a user; elsewhere only Teams PowerShell does."""
    delegates_on_premises: bool = True
    """Whether Teams lets a delegate schedule for a mailbox on-premises."""

    def initial_domain_of(self, tenant: str) -> str:
        """The initial domain of the tenant called ``tenant``, "" where the cloud's is not known."""
        return f"{tenant}.{self.initial_domain}" if self.initial_domain else ""

    def routing_domain_of(self, tenant: str) -> str:
        """The mail routing domain of the tenant called ``tenant``, "" where the cloud's is not known."""
        return f"{tenant}.mail.{self.initial_domain}" if self.initial_domain else ""

    def acs_metadata_url(self, tenant_id: str) -> str:
        """AuthMetadataUrl of the access control service for a tenant, "" where the host is not known."""
        return f"https://{self.acs_metadata}/{tenant_id}/metadata/json/1" if self.acs_metadata else ""

    def evosts_metadata_url(self, tenant_id: str) -> str:
        """AuthMetadataUrl of Entra for a tenant, "" where the host is not known."""
        path = "federationmetadata/2007-06/federationmetadata.xml"
        return f"https://{self.evosts_metadata}/{tenant_id}/{path}" if self.evosts_metadata else ""


WORLDWIDE = Cloud(
    name="worldwide",
    title="Microsoft 365 worldwide",
    login="login.microsoftonline.com",
    graph="graph.microsoft.com",
    exchange="outlook.office365.com",
    admin_api="outlook.office365.com",
    autodiscover="autodiscover-s.outlook.com",
    acs_metadata="accounts.accesscontrol.windows.net",
    evosts_metadata="login.windows.net",
    teams_config="api.interfaces.records.teams.microsoft.com",
    initial_domain="onmicrosoft.com",
    assigns_teams_policies=True,
)

GCC = Cloud(
    name="gcc",
    title="Office 365 GCC",
    login=WORLDWIDE.login,
    graph=WORLDWIDE.graph,
    exchange=WORLDWIDE.exchange,
    admin_api=WORLDWIDE.admin_api,
    autodiscover=WORLDWIDE.autodiscover,
    acs_metadata=WORLDWIDE.acs_metadata,
    evosts_metadata=WORLDWIDE.evosts_metadata,
    teams_config=WORLDWIDE.teams_config,
    initial_domain=WORLDWIDE.initial_domain,
    assigns_teams_policies=True,
)

GCC_HIGH = Cloud(
    name="gcc-high",
    title="Office 365 GCC High",
    login="login.microsoftonline.us",
    graph="graph.microsoft.us",
    exchange="outlook.office365.us",
    admin_api="outlook.office365.us",
    autodiscover="autodiscover-s.office365.us",
    acs_metadata="login.microsoftonline.us",
    evosts_metadata="login.microsoftonline.us",
    teams_config="api.interfaces.records.gov.teams.microsoft.us",
    initial_domain="onmicrosoft.us",
    delegates_on_premises=False,
)

DOD = Cloud(
    name="dod",
    title="Office 365 DoD",
    login="login.microsoftonline.us",
    graph="dod-graph.microsoft.us",
    exchange="outlook-dod.office365.us",
    admin_api="outlook-dod.office365.us",
    autodiscover="autodiscover-s-dod.office365.us",
    acs_metadata="login.microsoftonline.us",
    evosts_metadata="login.microsoftonline.us",
    initial_domain="onmicrosoft.us",
)

CHINA = Cloud(
    name="china",
    title="Office 365 operated by 21Vianet",
    login="login.partner.microsoftonline.cn",
    graph="microsoftgraph.chinacloudapi.cn",
    exchange="partner.outlook.cn",
    admin_api="outlook.office365.cn",
    autodiscover="autodiscover-s.partner.outlook.cn",
    acs_metadata="accounts.accesscontrol.chinacloudapi.cn",
    initial_domain="partner.onmschina.cn",
)

BLEU = Cloud(
    name="bleu",
    title="Bleu (France)",
    login="login.sovcloud-identity.fr",
    graph="graph.svc.sovcloud.fr",
    exchange="outlook.sovcloud.fr",
    admin_api="",
    autodiscover="autodiscover-s.outlook.sovcloud.fr",
)

DELOS = Cloud(
    name="delos",
    title="Delos (Germany)",
    login="login.sovcloud-identity.de",
    graph="graph.svc.sovcloud.de",
    exchange="outlook.sovcloud.de",
    admin_api="",
    autodiscover="autodiscover-s.outlook.sovcloud.de",
)

CLOUDS = {cloud.name: cloud for cloud in (WORLDWIDE, GCC, GCC_HIGH, DOD, CHINA, BLEU, DELOS)}

INITIAL_DOMAINS = tuple(dict.fromkeys(f".{cloud.initial_domain}" for cloud in CLOUDS.values() if cloud.initial_domain))
"""Endings of the domains every tenant has, each with its leading dot."""

TEAMS_CONFIG_RESOURCE = "48ac35b8-9aa8-4d74-927d-1f4a14a0b239"
"""Application id of the Teams configuration service: token scope is ``<this>/.default``."""
