"""Classic Autodiscover: what Exchange says to Outlook about a mailbox, made of the same settings as really.

EXCH needs a mailbox that may be opened by MAPI and the provider EXCH; EXPR the provider EXPR and Outlook Anywhere with
an external host name; mapiHttp a client that knows it and a mailbox for which it is not switched off. A mailbox online
stands on-premises as a remote mailbox, and the answer is its remote routing address. An address nobody has is error
500; without the provider EXCH nothing can be made (603).

Sources: MS-OXDSCLI, the articles of Microsoft's analyzer on missing EXCH, EXPR and AuthPackage, and public answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar
from uuid import NAMESPACE_DNS, uuid5

from hybridge.lab.behaviour.routing import ews_directory
from hybridge.lab.behaviour.servers import back_end, version_of
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.org.records import ExchangeServer
from hybridge.terms.clouds import Cloud
from hybridge.terms.premises import Premises
from hybridge.wire import autodiscover_pox as pox
from hybridge.wire.ews.envelope import ServerVersion

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE
D = TypeVar("D", r.MapiVirtualDirectory, r.OutlookAnywhere)

Said = pox.Settings | pox.AddressRedirect | pox.Refused


@dataclass(frozen=True)
class Client:
    """What the client said it can do."""

    mapi_http: bool = False
    """X-MapiHttpCapability."""
    ex_http: bool = False
    """X-ClientCanHandle with ExHttpInfo."""


def say_on_premises(organization: Organization, server: ExchangeServer, mailbox: str, client: Client) -> Said:
    """The answer of ``server`` about ``mailbox``."""
    found = organization.one(r.Mailbox, ON, mailbox)
    if found is None:
        remote = organization.one(r.RemoteMailbox, ON, mailbox)
        if remote is not None and remote.remote_routing_address:
            return pox.AddressRedirect(remote.remote_routing_address)
        return pox.Refused(pox.ADDRESS_NOT_FOUND, "The email address can't be found.")
    if organization.one(r.OutlookProvider, ON, "EXCH") is None:
        return pox.Refused(pox.PROVIDER_FAILED, "The Autodiscover provider failed.")
    holder = back_end(organization, mailbox) or server
    return pox.Settings(
        display_name=found.display_name,
        legacy_dn=f"/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn={_id_of(mailbox)}",
        deployment_id=_id_of("deployment"),
        protocols=tuple(_protocols(organization, holder, mailbox, client)),
    )


def _protocols(
    organization: Organization, server: ExchangeServer, mailbox: str, client: Client
) -> Iterator[pox.Protocol]:
    access = organization.one(r.CasMailbox, ON, mailbox)
    mapi = access is None or access.mapi_enabled is not False
    anywhere = _of(organization, r.OutlookAnywhere, server)
    if mapi:
        yield _exch(organization, server, mailbox, anywhere)
    expr = organization.one(r.OutlookProvider, ON, "EXPR")
    if expr is not None and anywhere is not None and anywhere.external_hostname:
        yield _expr(organization, server, anywhere, expr)
    if client.ex_http and anywhere is not None:
        for host, method in (
            (anywhere.internal_hostname, anywhere.internal_client_authentication_method),
            (anywhere.external_hostname, anywhere.external_client_authentication_method),
        ):
            if host:
                yield pox.Protocol(type="EXHTTP", server=host, ssl="On", auth_package=method)
    yield pox.Protocol(type="WEB")
    directory = _of(organization, r.MapiVirtualDirectory, server)
    allowed = mapi and (access is None or access.mapi_http_enabled is not False)
    if client.mapi_http and allowed and directory is not None:
        yield _mapi_http(directory, mailbox)


def _exch(
    organization: Organization, server: ExchangeServer, mailbox: str, anywhere: r.OutlookAnywhere | None
) -> pox.Protocol:
    directory = ews_directory(organization, server)
    url = directory.internal_url if directory else ""
    return pox.Protocol(
        type="EXCH",
        server=f"{_id_of(mailbox)}@{mailbox.rpartition('@')[2]}",
        server_version=_packed(version_of(server)),
        auth_package=anywhere.internal_client_authentication_method if anywhere else "",
        ews_url=url,
        as_url=url,
        oof_url=url,
        grouping_information=grouping(server),
    )


def _expr(
    organization: Organization, server: ExchangeServer, anywhere: r.OutlookAnywhere, provider: r.OutlookProvider
) -> pox.Protocol:
    directory = ews_directory(organization, server)
    url = directory.external_url if directory else ""
    return pox.Protocol(
        type="EXPR",
        server=anywhere.external_hostname,
        ssl="On" if anywhere.external_clients_require_ssl else "Off",
        auth_package=anywhere.external_client_authentication_method,
        cert_principal_name=provider.cert_principal_name,
        ews_url=url,
        as_url=url,
        oof_url=url,
        ews_partner_url=url,
        grouping_information=grouping(server),
    )


def grouping(server: ExchangeServer) -> str:
    """GroupingInformation of the mailboxes on ``server``."""
    return f"CONTOSO-{server.identity}"


def _mapi_http(directory: r.MapiVirtualDirectory, mailbox: str) -> pox.Protocol:
    query = f"?MailboxId={_id_of(mailbox)}@{mailbox.rpartition('@')[2]}"

    def at(url: str, name: str) -> str:
        return f"{url.rstrip('/')}/{name}/{query}" if url else ""

    return pox.Protocol(
        type="mapiHttp",
        mail_store_internal=at(directory.internal_url, "emsmdb"),
        mail_store_external=at(directory.external_url, "emsmdb"),
        address_book_internal=at(directory.internal_url, "nspi"),
        address_book_external=at(directory.external_url, "nspi"),
    )


def say_online(organization: Organization, mailbox: str, cloud: Cloud) -> Said:
    """Exchange Online's answer to somebody signed in; a mailbox there is also known by its routing address."""
    alias = mailbox.partition("@")[0].lower()
    for one in organization.all(r.Mailbox, ONLINE):
        if mailbox.lower() == one.identity.lower() or alias == one.identity.partition("@")[0].lower():
            url = f"https://{cloud.exchange}/EWS/Exchange.asmx"
            store = f"https://{cloud.exchange}/mapi/emsmdb/?MailboxId={_id_of(one.identity)}"
            return pox.Settings(
                display_name=one.display_name,
                protocols=(
                    pox.Protocol(type="EXCH", server=cloud.exchange, ews_url=url),
                    pox.Protocol(type="EXPR", server=cloud.exchange, ssl="On", auth_package="Basic", ews_url=url),
                    pox.Protocol(type="mapiHttp", mail_store_external=store),
                ),
            )
    mail_user = organization.one(r.MailUser, ONLINE, mailbox)
    if mail_user is not None and mail_user.external_email_address:
        return pox.AddressRedirect(mail_user.external_email_address)
    return pox.Refused(pox.ADDRESS_NOT_FOUND, "The email address can't be found.")


def _of(organization: Organization, kind: type[D], server: ExchangeServer) -> D | None:
    mine = (one for one in organization.all(kind, ON) if one.server.lower() == server.identity.lower())
    return next(mine, None)


def _id_of(name: str) -> str:
    return str(uuid5(NAMESPACE_DNS, name.lower()))


def _packed(version: ServerVersion) -> str:
    """ServerVersion of the EXCH element: 32 bits in hexadecimal digits."""
    return f"{0x70008000 | version.major << 22 | version.minor << 16 | version.build:08X}"
