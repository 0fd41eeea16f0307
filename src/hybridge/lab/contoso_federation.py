"""Contoso's federation with Entra: the domain is federated with AD FS at ``sts.contoso.com``, everybody is synced.

The certificates are public ones made for this file; nobody has their keys, because nothing is ever signed with them.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator

from hybridge.org import records as r
from hybridge.terms.clouds import Cloud
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
FEDERATION_HOST = "sts.contoso.com"

SIGNING = b64decode(
    "MIIBUTCB+KADAgECAhR+2rxdtMVX6G2QzENkJ7FsPR5eXjAKBggqhkjOPQQDAjApMScwJQYDVQQDDB5BREZTIFNpZ25pbmcgLSBz"
    "dHMuY29udG9zby5jb20wHhcNMjUwMTAxMDAwMDAwWhcNNDYwMTAxMDAwMDAwWjApMScwJQYDVQQDDB5BREZTIFNpZ25pbmcgLSBz"
    "dHMuY29udG9zby5jb20wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQLU6UcMHtEzhS/8YtKhnd7JNsj9wNEmeUfx2eRtHk9UZST"
    "TztmyuE92Va39EKma+/2z6VIyJNsZSRYSSeRSuqFMAoGCCqGSM49BAMCA0gAMEUCIFHeHCxB/73F/bAX6AZzIqDV+DMccns5uNA7"
    "Cy/AUFGxAiEArRKEg7/U7wJGZsfxGOpvu4g8sylHq6kYat7batM/Eq8="
)
"""The certificate AD FS signs tokens with, from 2025 to 2046."""


def federation_records(
    domain: str, tenant_id: str, cloud: Cloud, people: Iterable[tuple[str, str]]
) -> Iterator[r.Record]:
    """The federated ``domain``, its service, what strangers are told of it, and the users (address, object id)."""
    yield r.EntraDomain(
        premises=ONLINE,
        identity=domain,
        authentication_type="Federated",
        issuer_uri=f"http://{FEDERATION_HOST}/adfs/services/trust",
        passive_sign_in_uri=f"https://{FEDERATION_HOST}/adfs/ls/",
        signing_certificate=SIGNING,
    )
    yield r.PublishedRealm(
        premises=ONLINE,
        identity=domain,
        name_space_type="Federated",
        tenant_id=tenant_id,
        cloud_instance=cloud.login.partition(".")[2],
        sub_scope={"gcc": "GCC", "gcc-high": "DODCON", "dod": "DOD"}.get(cloud.name, ""),
    )
    yield r.FederationService(premises=ON, identity=FEDERATION_HOST, signing_certificates=(SIGNING,))
    for address, object_id in people:
        yield r.EntraUser(premises=ONLINE, identity=address, object_id=object_id, mail=address)
