"""Graph: a domain of the tenant, and how it is federated, both halves.

``GET /domains/{domain}`` says whether the domain is federated, ``.../federationConfiguration`` how: it holds at most
one object, with the certificates in base64. The permission Domain.Read.All is enough for both. Source: Microsoft Graph,
Get domain, List internalDomainFederations.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from hybridge.org.records import EntraDomain
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.cmdlets.federation import federated, written_federation
from hybridge.wire.graph.errors import ask, read_error
from hybridge.wire.json_body import JsonRefused, json_answer, objects, read_object, text
from hybridge.wire.xml import malformed

_PATH = re.compile(r"/v1\.0/domains/(?P<domain>[^/]+)(?P<rest>/federationConfiguration)?/?", re.I)
_WHAT = "the domain"


def ask_one(graph_host: str, domain: str) -> HttpAsk:
    """Ask for ``domain``."""
    return ask("GET", graph_host, f"/v1.0/domains/{quote(domain, safe='')}")


def ask_federation(graph_host: str, domain: str) -> HttpAsk:
    """Ask how ``domain`` is federated."""
    return ask("GET", graph_host, f"/v1.0/domains/{quote(domain, safe='')}/federationConfiguration")


def read_one(answer: HttpAnswer) -> EntraDomain | None | Failure:
    """The domain without its federation, None when the tenant has it not, or why it could not be read."""
    if not answer.failure and answer.status == 404:
        return None
    body = _body(answer)
    if isinstance(body, Failure):
        return body
    domain = text(body.get("id"))
    if not domain:
        return malformed("Graph gave a domain without a name.")
    kind = text(body.get("authenticationType")) or "Managed"
    return EntraDomain(premises=Premises.ONLINE, identity=domain, authentication_type=kind)


def read_federation(answer: HttpAnswer, domain: EntraDomain) -> EntraDomain | Failure:
    """``domain`` with its federation; as it is where it has none."""
    if not answer.failure and answer.status == 404:
        return domain
    body = _body(answer)
    if isinstance(body, Failure):
        return body
    found = objects(body.get("value"))
    return msgspec.structs.replace(domain, **federated(found[0])) if found else domain


def _body(answer: HttpAnswer) -> dict[str, Any] | Failure:
    if answer.failure or answer.status != 200:
        return read_error(answer, _WHAT)
    try:
        return read_object(answer.body)
    except JsonRefused as error:
        return malformed(f"The domain cannot be read: {error}")


def read_path(path: str) -> tuple[str, bool] | None:
    """The domain of a request's path and whether its federation is asked for, None for another path."""
    match = _PATH.fullmatch(path)
    return (unquote(match["domain"]), match["rest"] is not None) if match else None


def write_one(domain: EntraDomain) -> HttpAnswer:
    """The answer that shows ``domain``."""
    kind = domain.authentication_type
    return json_answer(200, {"id": domain.identity, "authenticationType": kind, "isVerified": True, "isDefault": True})


def write_federation(domain: EntraDomain) -> HttpAnswer:
    """The answer that shows how ``domain`` is federated."""
    configured = [written_federation(domain)] if domain.authentication_type == "Federated" else []
    return json_answer(200, {"value": configured})
