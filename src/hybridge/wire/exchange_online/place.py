"""Where the cmdlets of a tenant are run, and the routing hint of a request."""

from __future__ import annotations

from dataclasses import dataclass

from hybridge.wire.ask import CmdletAsk, HttpAsk, Sign

SYSTEM_MAILBOX = "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"
"""A mailbox every tenant has; requests of an application are routed by it."""
_INSIDE_A_MAILBOX = "mailboxfolderpermission"


@dataclass(frozen=True)
class Place:
    """The cloud's Exchange ``host``, and the ``tenant`` by its id or by a domain of it."""

    host: str
    tenant: str

    def ask(self, path: str, headers: tuple[tuple[str, str], ...], body: bytes) -> HttpAsk:
        """A POST of JSON to ``path``, signed with a token for the host."""
        return HttpAsk(
            method="POST",
            url=f"https://{self.host}{path}",
            headers=(("Accept", "application/json"), ("Content-Type", "application/json; charset=utf-8"), *headers),
            body=body,
            sign=Sign.ENTRA,
            scope=f"https://{self.host}/.default",
        )


def anchor(place: Place, cmdlet: CmdletAsk) -> str:
    """X-AnchorMailbox: the mailbox whose folder is meant, else the tenant's system mailbox for an application."""
    identity = next((str(value) for name, value in cmdlet.parameters if name.lower() == "identity"), "")
    mailbox = identity.partition(":")[0]
    inside = cmdlet.name.lower().endswith(_INSIDE_A_MAILBOX)
    if inside and "@" in mailbox and mailbox.isascii() and mailbox.isprintable():
        return f"UPN:{mailbox}"
    return f"APP:{SYSTEM_MAILBOX}@{place.tenant}"
