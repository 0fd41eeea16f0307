"""Snapshots of the tenant's configuration in the lab's Graph: jobs that take three looks, and what they took.

A job is notStarted when it is made, running at the first look, and done at the second. It is done in part where a
resource was asked for that the lab does not show. Jobs are kept beside the organization, twelve at most.
"""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from hybridge.lab.apps.base import Request
from hybridge.lab.estate import Estate
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.cmdlets import write
from hybridge.wire.graph import configuration_snapshots as snapshots
from hybridge.wire.graph.configuration_snapshots import Job, Resource, Wish
from hybridge.wire.graph.errors import write_error
from hybridge.wire.json_body import JsonRefused

ONLINE = Premises.ONLINE
_KINDS: dict[str, type[r.Record]] = {
    "microsoft.exchange.organizationconfig": r.OrganizationConfig,
    "microsoft.exchange.casmailboxsettings": r.CasMailbox,
    "microsoft.exchange.partnerapplication": r.PartnerApplication,
    "microsoft.exchange.intraorganizationconnector": r.IntraOrganizationConnector,
    "microsoft.exchange.organizationrelationship": r.OrganizationRelationship,
    "microsoft.teams.appsetuppolicy": r.TeamsAppSetupPolicy,
    "microsoft.teams.upgradepolicy": r.TeamsUpgradePolicy,
    "microsoft.teams.userpolicyassignment": r.CsOnlineUser,
}
_HIDDEN = ("ToString", "EwsAllowedAppIDs", "Guid")
"""Properties the service does not show."""


class Kept(msgspec.Struct):
    """A job and what it took."""

    job: Job
    name: str
    resources: tuple[Resource, ...]


class _Jobs(dict[str, Kept]):
    """The jobs of one estate, by id."""


def _jobs(estate: Estate) -> _Jobs:
    return estate.own(_Jobs, _Jobs, _Jobs.clear)


def belongs(request: Request) -> bool:
    """Whether a request is about snapshots of the configuration."""
    path = request.path
    made = request.method == "POST" and path.lower() == snapshots.CREATE_PATH.lower()
    read = snapshots.read_job_path(path) or snapshots.read_snapshot_path(path)
    return made or (request.method == "GET" and bool(read))


def answer_configuration(estate: Estate, request: Request) -> HttpAnswer:
    """What Graph answers about snapshots of the configuration."""
    if request.method == "POST":
        return _create(estate, request)
    if job := snapshots.read_job_path(request.path):
        return _look(estate, job)
    kept = _jobs(estate).get(snapshots.read_snapshot_path(request.path))
    if kept is None or not kept.job.done:
        return write_error(404, "NotFound", "There is no such snapshot.", estate.now())
    return snapshots.write_resources(kept.job.id, kept.name, kept.resources)


def _create(estate: Estate, request: Request) -> HttpAnswer:
    if estate.organization.one(r.ServicePrincipal, ONLINE, snapshots.SERVICE) is None:
        says = "The service principal of Unified Tenant Configuration Management is not in the tenant."
        return write_error(403, "Forbidden", says, estate.now())
    jobs = _jobs(estate)
    try:
        wish = snapshots.read_wish(request.body)
    except JsonRefused as refused:
        return write_error(400, "BadRequest", str(refused), estate.now())
    if len(jobs) >= snapshots.JOBS:
        says = f"There are {snapshots.JOBS} snapshot jobs already; delete one first."
        return write_error(400, "BadRequest", says, estate.now())
    kept = _taken(estate, wish, len(jobs))
    jobs[kept.job.id] = kept
    return snapshots.write_job(msgspec.structs.replace(kept.job, error_details=(), resource_location=""), 201)


def _taken(estate: Estate, wish: Wish, number: int) -> Kept:
    unknown = tuple(f"{name}: not supported" for name in wish.resources if name.lower() not in _KINDS)
    resources = tuple(one for name in wish.resources for one in _resources(estate.organization, name.lower()))
    identity = str(uuid5(NAMESPACE_URL, f"snapshot:{number}:{estate.now().isoformat()}"))
    return Kept(Job(id=identity, status="notStarted", error_details=unknown), wish.display_name, resources)


def _look(estate: Estate, identity: str) -> HttpAnswer:
    kept = _jobs(estate).get(identity)
    if kept is None:
        return write_error(404, "NotFound", "There is no such job.", estate.now())
    done = "partiallySuccessful" if kept.job.error_details else "succeeded"
    status = {"notStarted": "running", "running": done}.get(kept.job.status, kept.job.status)
    place = f"https://{estate.cloud.graph}{snapshots.SNAPSHOTS_PATH}('{identity}')"
    finished = status == done
    kept.job = msgspec.structs.replace(kept.job, status=status, resource_location=place if finished else "")
    return snapshots.write_job(kept.job)


def _resources(organization: Organization, name: str) -> tuple[Resource, ...]:
    kind = _KINDS.get(name)
    if kind is None:
        return ()
    return tuple(
        Resource(
            resource_type=name,
            display_name=f"{kind.__name__}-{one.identity}",
            properties=_properties(one, write(one)),
        )
        for one in organization.all(kind, ONLINE)
    )


def _properties(record: r.Record, shown: dict[str, Any]) -> dict[str, Any]:
    """Properties as parameters: identities are texts, apps are their ids, a person is ``User``."""
    plain = {name: _plain(value) for name, value in shown.items() if name not in _HIDDEN}
    if isinstance(record, r.OrganizationConfig):
        plain.pop("Name", None)
        plain.pop("Identity", None)
        return {"IsSingleInstance": "Yes", **plain, "Ensure": "Present"}
    if isinstance(record, r.TeamsAppSetupPolicy):
        plain["PinnedAppBarApps"] = list(record.pinned_app_bar_apps)
    if isinstance(record, r.CsOnlineUser):
        plain = {"User": record.identity, **{name: plain[name] for name in plain if name.startswith("Teams")}}
    if isinstance(record, r.CasMailbox):
        plain["Identity"] = record.identity
    return {**plain, "Ensure": "Present"}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return value.get("Domain") or value.get("Name") or value.get("ToString")
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value
