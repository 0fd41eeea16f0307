"""The dedicated Exchange hybrid application: names, identifiers and hosts.

Since November 2025 Exchange Server may no longer ask the cloud for anything as the shared application "Office 365
Exchange Online". Each organization has an application of its own in its tenant instead.

Sources: Microsoft's page "Deploy dedicated Exchange hybrid app" and CSS-Exchange's ConfigureExchangeHybridApplication.
"""

from hybridge.terms.clouds import INITIAL_DOMAINS

NAME_PREFIX = "ExchangeServerApp-"
"""The application is called ``ExchangeServerApp-<guid of the Exchange organization>``; tools find it by this name."""

FULL_ACCESS_AS_APP = "dc890d15-9560-4a4c-9b7f-a736ec74ec40"
"""Id of the application permission ``full_access_as_app`` of Office 365 Exchange Online (EWS)."""

RESOURCE_NAME = "Office 365 Exchange Online"
"""Display name of the application that has the permission."""

OVERRIDE_NAME = "EnableExchangeHybrid3PAppFeature"
"""Name Microsoft's script gives the setting override that makes servers use the application."""

OVERRIDE_COMPONENT = "Global"
OVERRIDE_SECTION = "ExchangeOnpremAsThirdPartyAppId"
OVERRIDE_ON = "Enabled=true"

ROUTING_MAILBOX = "Migration.8f3e7716-2011-43e4-96b1-aba62d229136"
"""Local part of an arbitration mailbox every tenant has: a route can be asked for without knowing anybody."""

EXCHANGE_ONLINE_NAME = "Exchange Online"
"""What Autodiscover V2 gives as ServerLocation when Exchange Online answers for a mailbox."""

_EWS_HOSTS = (
    ("outlook.com", "outlook.office365.com"),
    ("office365.com", "outlook.office365.com"),
    ("office.com", "outlook.office365.com"),
    ("autodiscover-s-dod.office365.us", "outlook-dod.office365.us"),
    ("outlook-dod.office365.us", "outlook-dod.office365.us"),
    ("office365.us", "outlook.office365.us"),
    ("partner.outlook.cn", "partner.outlook.cn"),
    ("outlook.office365.cn", "partner.outlook.cn"),
    ("outlook.sovcloud.fr", "outlook.sovcloud.fr"),
    ("outlook.sovcloud.de", "outlook.sovcloud.de"),
)
"""Domain of a cloud's Autodiscover -> host of its EWS; a longer domain stands before the one it ends with."""

_ROUTING = ".mail."


def ews_host_of(host: str) -> str:
    """Host of Exchange Online's EWS in the cloud whose Autodiscover ``host`` is; "" for one that is not Microsoft's."""
    name = host.lower()
    return next((ews for domain, ews in _EWS_HOSTS if name == domain or name.endswith(f".{domain}")), "")


def is_tenant_domain(domain: str) -> bool:
    """Whether ``domain`` is one every tenant has: ``<tenant>.onmicrosoft.com`` or ``<tenant>.mail.onmicrosoft.com``."""
    return domain.lower().endswith(INITIAL_DOMAINS)


def is_routing_domain(domain: str) -> bool:
    """Whether ``domain`` is a tenant's mail routing domain, ``<tenant>.mail.onmicrosoft.com``."""
    return is_tenant_domain(domain) and _ROUTING in domain.lower()


def initial_domain(domain: str) -> str:
    """The tenant's initial domain for one of its own two; Autodiscover V2 does not answer for the routing domain."""
    return domain.lower().replace(_ROUTING, ".", 1)
