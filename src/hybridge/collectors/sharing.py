"""How the two sides find and trust each other: connectors, relationships, the federation, the wizard's record.

One cmdlet gives all records of a kind. What Exchange keeps on both sides is read on both.
"""

from __future__ import annotations

import asyncio

from hybridge.collectors.reading import Readings, key, read_cmdlet
from hybridge.org import records as r
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer, CmdletAsk

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE

KINDS: tuple[tuple[type[r.Record], Premises], ...] = (
    (r.FederationTrust, ON),
    (r.HybridConfiguration, ON),
    (r.OrganizationRelationship, ONLINE),
    (r.IntraOrganizationConnector, ONLINE),
)
"""What is read here; the on-premises connectors and relationships are part of the configuration."""


async def collect_sharing(answerer: Answerer) -> Readings:
    """What joins the two sides, besides what the on-premises configuration holds already."""
    each = await asyncio.gather(
        *(read_cmdlet(answerer, kind, CmdletAsk(premises=premises, name=kind.cmdlet)) for kind, premises in KINDS)
    )
    return {key(kind, premises): reading for (kind, premises), reading in zip(KINDS, each, strict=True)}
