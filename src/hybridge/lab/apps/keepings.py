"""What the apps keep for an estate beside its organization: the signing key, counters, and what services remember.

The organization is what an administrator configures; these are the memories of running services, which no cmdlet
shows: the presence Teams last worked out, and the identifiers Entra gave to keys.
"""

from __future__ import annotations

from functools import cached_property
from uuid import NAMESPACE_URL, uuid5

from cryptography.hazmat.primitives.asymmetric import rsa

from hybridge.lab.estate import Estate
from hybridge.org.probes import TeamsPresence
from hybridge.org.records import KeyCredential

EWS_PERMISSION = "full_access_as_app"
EXCHANGE_PERMISSIONS = ("Exchange.ManageAsApp", "Exchange.ManageAsAppV2", EWS_PERMISSION)
"""Permissions of Office 365 Exchange Online: for InvokeCommand, for the Admin API, for EWS."""


class Keepings:
    """Memories of one estate's services.

    ``presences`` maps a user (lower case) to the state last worked out; ``key_credentials`` maps (application id, DER)
    to the credential Entra made of it; ``meeting_requests`` maps a mailbox (lower case) to who gets its meeting
    requests, as EWS DeliverMeetingRequests names it. ``exchange_permissions`` are those the lab's application holds,
    ``exchange_role`` tells whether its principal has a role in Exchange Online; a test may take them away.
    """

    def __init__(self) -> None:
        self.exchange_permissions: set[str] = set(EXCHANGE_PERMISSIONS)
        self.exchange_role = True
        self.presences: dict[str, TeamsPresence] = {}
        self.key_credentials: dict[tuple[str, bytes], KeyCredential] = {}
        self.meeting_requests: dict[str, str] = {}
        self._answered = 0

    def grant_exchange(self) -> None:
        """Give the application every right in Exchange Online again."""
        self.exchange_permissions |= set(EXCHANGE_PERMISSIONS)
        self.exchange_role = True

    def forget(self) -> None:
        """What a reset forgets: the application has its rights again, and nobody a state or an address."""
        self.presences.clear()
        self.grant_exchange()
        self.meeting_requests.clear()

    @cached_property
    def signing_key(self) -> rsa.RSAPrivateKey:
        """Entra's signing key; made when first needed (some 70 ms). A test may set its own."""
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def next_request_id(self) -> str:
        """The next ``request-id``: the same sequence for every estate."""
        self._answered += 1
        return str(uuid5(NAMESPACE_URL, f"request:{self._answered}"))


def kept(estate: Estate) -> Keepings:
    """The keepings of ``estate``."""
    return estate.own(Keepings, Keepings, Keepings.forget)
