"""Microsoft 365's endpoint service: which addresses belong to its services, per instance (cloud). Both halves.

``GET /version/{instance}`` gives the present version (``YYYYMMDDNN``), ``GET /endpoints/{instance}`` the sets. Each
request carries ``ClientRequestId``, a GUID the client makes up. Clients ask for the version at most hourly; who asks
too often gets 429. Source: Microsoft's page on the Microsoft 365 IP address and URL web service.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from hybridge.rules.endpoints import KEPT, EndpointSet, Instance
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.json_body import json_answer

HOST = "endpoints.office.com"
SERVICE_INSTANCES = ("Worldwide", "China", "USGovDoD", "USGovGCCHigh")


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """What ``/version/{instance}`` says."""

    instance: str
    latest: str


def ask_version(instance: str, request_id: UUID) -> HttpAsk:
    """Ask for the present version of ``instance``."""
    return _ask(f"version/{instance}", request_id)


def ask_endpoints(instance: str, request_id: UUID) -> HttpAsk:
    """Ask for every set of ``instance``."""
    return _ask(f"endpoints/{instance}", request_id)


def _ask(path: str, request_id: UUID) -> HttpAsk:
    url = f"https://{HOST}/{path}?ClientRequestId={request_id}"
    return HttpAsk(method="GET", url=url, headers=(("Accept", "application/json"),))


def read_version(answer: HttpAnswer) -> Version | Failure:
    """The version, or why there is none."""
    if failure := _refused(answer):
        return failure
    try:
        return msgspec.json.decode(answer.body, type=Version)
    except msgspec.MsgspecError as error:
        return _malformed(f"The endpoint service's version cannot be read: {error}.")


def read_endpoints(answer: HttpAnswer, version: str) -> Instance | Failure:
    """The sets of an instance at ``version``; of Common, Exchange and Skype those that name addresses or are kept."""
    if failure := _refused(answer):
        return failure
    try:
        sets = msgspec.json.decode(answer.body, type=tuple[EndpointSet, ...])
        kept = tuple(one for one in sets if one.id in KEPT or (one.service_area == "Skype" and one.networks))
        if not any(one.networks for one in kept):
            return _malformed("The endpoint service named no address range.")
    except (msgspec.MsgspecError, ValueError) as error:
        return _malformed(f"The endpoint service's answer cannot be read: {error}.")
    return Instance(version=version, sets=kept)


def _refused(answer: HttpAnswer) -> Failure | None:
    if answer.failure is not None:
        return answer.failure
    if answer.status == 429:
        wait = answer.header("retry-after")
        return Failure(
            reason=FailureReason.REFUSED,
            says="The endpoint service was asked too often (HTTP 429).",
            next_step=f"ask again in {wait} seconds" if wait.isdigit() else "ask again in an hour",
        )
    if answer.status != 200:
        return _malformed(f"The endpoint service answered HTTP {answer.status}.")
    return None


def _malformed(says: str) -> Failure:
    return Failure(
        reason=FailureReason.MALFORMED, says=says, next_step="or read a file: hybridge rules refresh --from FILE"
    )


def read_ask(path: str, query: dict[str, str]) -> tuple[str, str] | str:
    """("version" or "endpoints", instance) of a request, or the sentence a server refuses it with."""
    parts = [part for part in path.split("/") if part]
    given = {name.lower(): value for name, value in query.items()}
    try:
        UUID(given.get("clientrequestid", ""))
    except ValueError:
        return "ClientRequestId is not a valid GUID."
    if len(parts) != 2 or parts[0].lower() not in ("version", "endpoints"):
        return "There is no such method."
    instance = next((name for name in SERVICE_INSTANCES if name.lower() == parts[1].lower()), "")
    return (parts[0].lower(), instance) if instance else f"There is no instance {parts[1]}."


def write_version(version: Version) -> HttpAnswer:
    """The answer with ``version``."""
    return json_answer(200, msgspec.to_builtins(version))


def write_endpoints(instance: Instance) -> HttpAnswer:
    """The answer with the sets of ``instance``; what is empty is left out, as the service does."""
    sets = [
        {name: value for name, value in msgspec.to_builtins(one).items() if value or name in ("id", "required")}
        for one in instance.sets
    ]
    return json_answer(200, sets)
