"""Contoso as Outlook meets it: Autodiscover and MAPI directories, Outlook Anywhere, providers, the SCP, port 80."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hybridge.org import records as r
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def outlook_records(servers: Mapping[str, str], mail_host: str, autodiscover_host: str) -> Iterator[r.Record]:
    """What every server of ``servers`` (Name -> host name) tells Outlook."""
    for name, fqdn in servers.items():
        yield r.AutodiscoverVirtualDirectory(
            premises=ON,
            identity=f"{name}\\Autodiscover (Default Web Site)",
            server=name,
            external_authentication_methods=("Basic", "Ntlm", "WindowsIntegrated", "WSSecurity", "OAuth"),
            internal_authentication_methods=("Basic", "Ntlm", "WindowsIntegrated", "WSSecurity", "OAuth"),
        )
        yield r.MapiVirtualDirectory(
            premises=ON,
            identity=f"{name}\\mapi (Default Web Site)",
            server=name,
            external_url=f"https://{mail_host}/mapi",
            internal_url=f"https://{fqdn}/mapi",
            external_authentication_methods=("Ntlm", "OAuth", "Negotiate"),
            internal_authentication_methods=("Ntlm", "OAuth", "Negotiate"),
            extended_protection_token_checking="Require",
        )
        yield r.OutlookAnywhere(
            premises=ON,
            identity=f"{name}\\Rpc (Default Web Site)",
            server=name,
            external_hostname=mail_host,
            internal_hostname=fqdn,
            external_client_authentication_method="Negotiate",
            internal_client_authentication_method="Ntlm",
        )
        yield r.ClientAccessService(
            premises=ON,
            identity=name,
            auto_discover_service_internal_uri=f"https://{autodiscover_host}/Autodiscover/Autodiscover.xml",
            auto_discover_site_scope=("Default-First-Site-Name",),
        )
    for provider in ("EXCH", "EXPR", "WEB"):
        yield r.OutlookProvider(
            premises=ON,
            identity=provider,
            cert_principal_name=f"msstd:{mail_host}" if provider == "EXPR" else "",
        )
    yield r.PublishedPath(premises=ON, identity=f"{mail_host}/mapi", host=mail_host, path="/mapi")


def remote_mailboxes(addresses: Iterable[str], routing_domain: str) -> Iterator[r.Record]:
    """What stands on-premises for the mailboxes online at ``addresses``."""
    for address in addresses:
        alias = address.partition("@")[0]
        yield r.RemoteMailbox(
            premises=ON,
            identity=address,
            user_principal_name=address,
            remote_routing_address=f"{alias}@{routing_domain}",
        )
