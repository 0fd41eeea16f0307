"""Whom the gateway watches, and by which names sources and sinks know them."""

from __future__ import annotations

import msgspec


class Person(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One watched person. ``address`` (primary SMTP, lower case) identifies; everything else is a name elsewhere.

    ``source`` names the configured source that reads the mailbox; ``group`` the mailbox group of the configuration.
    ``user`` is the Entra user (user principal name or object id); ``jid`` the bare XMPP address.
    """

    address: str
    source: str
    group: str = ""
    user: str = ""
    jid: str = ""
