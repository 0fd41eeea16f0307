"""How Contoso's own names are published: every path passed through to Exchange, good certificates, nothing in the way.

``mail`` and ``autodiscover`` are reached through the edge, path by path; the servers' own names have no edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hybridge.org import records as r
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
PATHS = ("/autodiscover", "/ews", "/api")
"""What the edge publishes of Exchange."""


def published(public: Iterable[str], inside: Iterable[str] = ()) -> Iterator[r.Record]:
    """The records of the hosts ``public`` (with an edge) and ``inside`` (without one)."""
    outside = tuple(public)
    for host in outside:
        for path in PATHS:
            yield r.PublishedPath(premises=ON, identity=f"{host}{path}", host=host, path=path)
    for host in (*outside, *inside):
        yield r.PublishedHost(premises=ON, identity=host)
