"""Which Exchange server answers: the front end a request reaches, and the back end that holds the mailbox.

A server's own name reaches that server. The public names are balanced: to keep the lab repeatable, the balancer sends
a request about a mailbox to the server that holds it and everything else to the first server.
"""

from __future__ import annotations

from hybridge.lab.behaviour.versions import server_version
from hybridge.org.organization import Organization
from hybridge.org.records import ExchangeServer, Mailbox
from hybridge.terms.premises import Premises
from hybridge.wire.ews.envelope import ServerVersion


def front_end(organization: Organization, host: str, mailbox: str = "") -> ExchangeServer | None:
    """The server that takes a request to ``host`` about ``mailbox`` ("" for none); None without servers."""
    servers = organization.all(ExchangeServer, Premises.ON_PREMISES)
    named = next((server for server in servers if server.fqdn.lower() == host.lower()), None)
    return named or back_end(organization, mailbox) or next(iter(servers), None)


def back_end(organization: Organization, mailbox: str) -> ExchangeServer | None:
    """The server that holds ``mailbox``; None when no server here does."""
    found = organization.one(Mailbox, Premises.ON_PREMISES, mailbox)
    return organization.one(ExchangeServer, Premises.ON_PREMISES, found.server_name) if found else None


def version_of(server: ExchangeServer) -> ServerVersion:
    """The version the server prints."""
    return server_version(server.admin_display_version)
