"""Autodiscover V2: where an answer is found for a mailbox and a protocol, online and on-premises.

Exchange Online looks at the recipient: a mailbox there gets the cloud's URL; a mail user stands for a mailbox
elsewhere and is sent to ``autodiscover.<domain of its ExternalEmailAddress>``; an unknown address of one of the
tenant's domains gets the cloud's URL as well, so that nobody can list users by asking. Exchange Server answers with
the URLs of its virtual directories and sends those whose mailbox is online there. A server too old for Autodiscover
V2 has no such page.

Sources: the Teams troubleshooting article, a Teams documentation pull request on hybrid routing, and answers printed
in public issues. What Exchange Server says of an address nobody has is not published; ``UserNotFound`` stands in.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from hybridge.lab.behaviour.servers import version_of
from hybridge.lab.behaviour.versions import has_autodiscover_v2, has_rest
from hybridge.org.organization import Organization
from hybridge.org.records import (
    ExchangeServer,
    IntraOrganizationConnector,
    Mailbox,
    MailUser,
    PublishedHost,
    PublishedService,
    WebServicesVirtualDirectory,
)
from hybridge.terms.clouds import WORLDWIDE, Cloud
from hybridge.terms.hybrid_kinds import is_hybrid_agent
from hybridge.terms.premises import Premises


@dataclass(frozen=True)
class Here:
    """The answer is ``url``; ``protocol`` is echoed as it was asked."""

    protocol: str
    url: str


@dataclass(frozen=True)
class Elsewhere:
    """Ask the same of ``host``."""

    host: str


@dataclass(frozen=True)
class Refusal:
    """An error of the protocol."""

    code: str
    message: str


@dataclass(frozen=True)
class NoSuchPage:
    """The server is too old: there is no Autodiscover V2."""


Route = Here | Elsewhere | Refusal | NoSuchPage


def _cloud_urls(cloud: Cloud) -> dict[str, str]:
    """URLs of Exchange Online by protocol in lower case. Worldwide REST has a host of its own."""
    rest = "outlook.office.com" if cloud.exchange == WORLDWIDE.exchange else cloud.exchange
    return {
        "ews": f"https://{cloud.exchange}/EWS/Exchange.asmx",
        "rest": f"https://{rest}/api",
        "activesync": f"https://{cloud.exchange}/Microsoft-Server-ActiveSync",
        "autodiscoverv1": f"https://{cloud.exchange}/autodiscover/autodiscover.xml",
    }


def route_online(
    organization: Organization, mailbox: str, protocol: str, domains: Collection[str], cloud: Cloud = WORLDWIDE
) -> Route:
    """Exchange Online's answer in ``cloud``. ``domains`` are the tenant's verified domains in lower case."""
    if refusal := _bad_address(mailbox):
        return refusal
    url = _cloud_urls(cloud).get(protocol.lower())
    if url is None:
        return Refusal("ProtocolNotSupported", f"The protocol '{protocol}' is not supported.")
    if organization.one(Mailbox, Premises.ONLINE, mailbox):
        return Here(protocol, url)
    mail_user = organization.one(MailUser, Premises.ONLINE, mailbox)
    if mail_user and (agent := hybrid_agent(organization)):
        return Elsewhere(agent)
    if mail_user:
        return Elsewhere(_autodiscover_of(organization, _domain(mail_user.external_email_address)))
    if _domain(mailbox) in domains:
        return Here(protocol, url)
    return Refusal("UserNotFound", f"No user '{mailbox}' is known here.")


def hybrid_agent(organization: Organization) -> str:
    """Host of the Hybrid Agent by which Exchange Online reaches the servers; "" where it reaches them directly."""
    hosts = (
        urlsplit(one.discovery_endpoint).hostname or ""
        for one in organization.all(IntraOrganizationConnector, Premises.ONLINE)
        if one.enabled
    )
    return next((host for host in hosts if is_hybrid_agent(host)), "")


def route_on_premises(
    organization: Organization, server: ExchangeServer, host: str, mailbox: str, protocol: str, cloud: Cloud = WORLDWIDE
) -> Route:
    """``server``'s answer to a question it got under the name ``host``; its tenant is in ``cloud``."""
    version = version_of(server)
    if not has_autodiscover_v2(version):
        return NoSuchPage()
    if refusal := _bad_address(mailbox):
        return refusal
    urls = _urls(organization, server, host)
    if not has_rest(version):
        del urls["rest"]
    if protocol.lower() not in urls:
        supported = ", ".join(_NAMES[name] for name in urls)
        return Refusal("InvalidProtocol", f"The protocol '{protocol}' is not one of: {supported}.")
    if organization.one(Mailbox, Premises.ON_PREMISES, mailbox):
        return Here(protocol, urls[protocol.lower()])
    if organization.one(Mailbox, Premises.ONLINE, mailbox):
        return Elsewhere(cloud.exchange)
    return Refusal("UserNotFound", f"No user '{mailbox}' is known here.")


_NAMES = {"autodiscoverv1": "AutodiscoverV1", "ews": "EWS", "activesync": "ActiveSync", "rest": "REST"}


def ews_directory(organization: Organization, server: ExchangeServer) -> WebServicesVirtualDirectory | None:
    """The EWS virtual directory of ``server``."""
    directories = organization.all(WebServicesVirtualDirectory, Premises.ON_PREMISES)
    return next((one for one in directories if one.server.lower() == server.identity.lower()), None)


def _urls(organization: Organization, server: ExchangeServer, host: str) -> dict[str, str]:
    """URLs by protocol in lower case; "" where the virtual directory names no external URL."""
    directory = ews_directory(organization, server)
    ews = directory.external_url if directory else ""
    root = f"https://{urlsplit(ews).netloc}" if ews else ""
    return {
        "autodiscoverv1": f"https://{host}/autodiscover/autodiscover.xml",
        "ews": ews,
        "activesync": root and f"{root}/Microsoft-Server-ActiveSync",
        "rest": root and f"{root}/api",
    }


def _autodiscover_of(organization: Organization, domain: str) -> str:
    """Where Exchange Online finds Autodiscover of ``domain``: by its usual name, else by its SRV record."""
    host = f"autodiscover.{domain}"
    published = organization.one(PublishedHost, Premises.ON_PREMISES, host)
    service = organization.one(PublishedService, Premises.ON_PREMISES, f"_autodiscover._tcp.{domain}")
    return service.target if service is not None and published is not None and not published.resolves else host


def _bad_address(mailbox: str) -> Refusal | None:
    local, at, domain = mailbox.rpartition("@")
    if local and at and domain:
        return None
    return Refusal("InvalidUserId", f"'{mailbox}' is not an SMTP address.")


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()
