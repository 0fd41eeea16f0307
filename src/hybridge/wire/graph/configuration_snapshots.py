"""Graph: a snapshot of the configuration of a whole tenant (UTCM), both halves: make a job, look at it, read it.

``createSnapshot`` begins a job, which goes on by itself; once it has succeeded (or succeeded in part), its
``resourceLocation`` holds the resources, each with its type and its properties named as the parameters of the cmdlet
that sets them. Names of snapshots are letters, digits and blanks; twelve jobs are kept, each for seven days. It needs
the permission ConfigurationMonitoring.ReadWrite.All, and in the tenant the service principal ``SERVICE`` with rights of
its own to read Exchange and Teams.

``exported`` makes of the resources what the cmdlets of an offline export give, so that one reader serves both.
Sources: Microsoft Graph, configurationSnapshotJob and createSnapshot; a published answer of the service.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.graph.errors import ask, read_error
from hybridge.wire.json_body import JsonRefused, json_answer, objects, read_object, text, texts
from hybridge.wire.xml import malformed

SERVICE = "03b07b79-c5bc-4b5e-9bfa-13acf4a99998"
"""Application id of Unified Tenant Configuration Management, which takes the snapshots."""
PERMISSION = "ConfigurationMonitoring.ReadWrite.All"
JOBS = 12
"""Jobs a tenant may keep."""
CREATE_PATH = "/beta/admin/configurationManagement/configurationSnapshots/createSnapshot"
JOBS_PATH = "/beta/admin/configurationManagement/configurationSnapshotJobs"
SNAPSHOTS_PATH = "/beta/admin/configurationManagement/configurationSnapshots"
LIMIT = 64 * 1024 * 1024
RESOURCES = {
    "microsoft.exchange.organizationconfig": "Get-OrganizationConfig",
    "microsoft.exchange.casmailboxsettings": "Get-CASMailbox",
    "microsoft.exchange.partnerapplication": "Get-PartnerApplication",
    "microsoft.exchange.intraorganizationconnector": "Get-IntraOrganizationConnector",
    "microsoft.exchange.organizationrelationship": "Get-OrganizationRelationship",
    "microsoft.exchange.accepteddomain": "Get-AcceptedDomain",
    "microsoft.teams.appsetuppolicy": "Get-CsTeamsAppSetupPolicy",
    "microsoft.teams.upgradepolicy": "Get-CsTeamsUpgradePolicy",
    "microsoft.teams.userpolicyassignment": "Get-CsOnlineUser",
}
"""Type of resource -> the cmdlet that shows the same."""
_WORKING = ("notstarted", "running")
_DONE = ("succeeded", "partiallysuccessful")
_ID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_JOB = re.compile(rf"{re.escape(JOBS_PATH)}(?:\('(?P<quoted>{_ID})'\)|/(?P<plain>{_ID}))/?", re.I)
_SNAPSHOT = re.compile(rf"{re.escape(SNAPSHOTS_PATH)}(?:\('(?P<quoted>{_ID})'\)|/(?P<plain>{_ID}))/?", re.I)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job. ``status`` is notStarted, running, succeeded, partiallySuccessful or failed."""

    id: str
    status: str
    resource_location: str = ""
    error_details: tuple[str, ...] = ()

    @property
    def working(self) -> bool:
        """Whether it is worth asking again."""
        return self.status.lower() in _WORKING

    @property
    def done(self) -> bool:
        """Whether there is something to read, if perhaps not all of it."""
        return self.status.lower() in _DONE and bool(self.resource_location)


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """One object of a snapshot."""

    resource_type: str
    display_name: str = ""
    properties: dict[str, Any] = {}


def ask_create(graph_host: str, name: str, resource_types: tuple[str, ...] = tuple(RESOURCES)) -> HttpAsk:
    """Ask for a snapshot; ``name`` is made of letters, digits and blanks."""
    body = {"displayName": name, "description": "Taken by hybridge", "resources": list(resource_types)}
    return ask("POST", graph_host, CREATE_PATH, msgspec.json.encode(body))


def ask_job(graph_host: str, job: Job) -> HttpAsk:
    """Ask how far ``job`` is."""
    return ask("GET", graph_host, f"{JOBS_PATH}/{job.id}")


def ask_resources(graph_host: str, job: Job) -> HttpAsk | Failure:
    """Ask for what ``job`` took, at the place it names, which must be Graph's own."""
    place = urlsplit(job.resource_location)
    if (place.scheme, (place.hostname or "").lower()) != ("https", graph_host.lower()) or not _SNAPSHOT.fullmatch(
        place.path.replace("/v1.0/", "/beta/", 1)
    ):
        says = "The snapshot of the configuration lies at another place than Graph, which is not asked."
        return Failure(reason=FailureReason.REFUSED, says=says)
    asked = ask("GET", graph_host, place.path)
    return msgspec.structs.replace(asked, limit=LIMIT)


def read_job(answer: HttpAnswer) -> Job | Failure:
    """The job, or why there is none."""
    if answer.failure or answer.status not in (200, 201, 202):
        return _refused(read_error(answer, "the snapshot of the configuration"))
    try:
        body = read_object(answer.body)
    except JsonRefused as error:
        return malformed(f"The job of the configuration snapshot cannot be read: {error}")
    identity, status = text(body.get("id")), text(body.get("status"))
    if not re.fullmatch(_ID, identity) or not status:
        return malformed("Graph gave a job of a configuration snapshot without id or status.")
    return Job(
        id=identity,
        status=status,
        resource_location=text(body.get("resourceLocation")),
        error_details=texts(body.get("errorDetails")),
    )


def _refused(failure: Failure) -> Failure:
    if failure.reason is not FailureReason.FORBIDDEN:
        return failure
    step = (
        f"Give the Entra application {PERMISSION} with admin consent, make the service principal {SERVICE} in the "
        "tenant, and give that one the rights to read Exchange and Teams (Global Reader)."
    )
    return msgspec.structs.replace(failure, next_step=step)


def read_resources(body: bytes) -> tuple[Resource, ...]:
    """The resources of a snapshot, from Graph or from a file. Raises ``JsonRefused``."""
    found = read_object(body, LIMIT)
    if not isinstance(found.get("resources"), list):
        raise JsonRefused("It holds no list of resources.")
    return tuple(
        Resource(
            resource_type=text(one.get("resourceType")).lower(),
            display_name=text(one.get("displayName")),
            properties=one["properties"],
        )
        for one in objects(found["resources"])
        if isinstance(one.get("properties"), dict)
    )


def exported(resources: tuple[Resource, ...]) -> dict[str, tuple[dict[str, Any], ...]]:
    """The objects of ``resources`` by the cmdlet that shows the same, as an export has them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in resources:
        cmdlet = RESOURCES.get(one.resource_type)
        if cmdlet:
            found.setdefault(cmdlet, []).append(_as_shown(cmdlet, one))
    return {cmdlet: tuple(shown) for cmdlet, shown in found.items()}


def _as_shown(cmdlet: str, one: Resource) -> dict[str, Any]:
    shown = {name: value for name, value in one.properties.items() if not name.endswith("@odata.type")}
    if cmdlet == "Get-OrganizationConfig":
        # The one organization has no name there.
        return {"Name": one.display_name or "Organization", **shown}
    if cmdlet == "Get-CsOnlineUser":
        return {
            "TeamsAppSetupPolicy": None,
            "TeamsUpgradePolicy": None,
            **shown,
            "UserPrincipalName": shown.get("User"),
        }
    if cmdlet == "Get-CsTeamsAppSetupPolicy":
        apps = texts(shown.get("PinnedAppBarApps"))
        pinned = [{"Id": app, "Order": order} for order, app in enumerate(apps, start=1)]
        return {**shown, "PinnedAppBarApps": pinned}
    if cmdlet == "Get-AcceptedDomain":
        return {"DomainName": shown.get("Identity"), **shown}
    return shown


# The service's half ---------------------------------------------------------------------------------------------------


class Wish(msgspec.Struct, frozen=True):
    """What a createSnapshot asks for."""

    display_name: str
    resources: tuple[str, ...]


def read_wish(body: bytes) -> Wish:
    """What a request asks for. Raises ``JsonRefused`` with the sentence of the refusal."""
    asked = read_object(body)
    wish = Wish(text(asked.get("displayName")), texts(asked.get("resources")))
    if not re.fullmatch(r"[A-Za-z0-9 ]{1,64}", wish.display_name):
        raise JsonRefused("DisplayName may hold letters, numbers and spaces only.")
    if not wish.resources:
        raise JsonRefused("At least one resource must be named.")
    return wish


def read_job_path(path: str) -> str:
    """The id of the job a path is for, "" for another path."""
    return _named(_JOB.fullmatch(path))


def read_snapshot_path(path: str) -> str:
    """The id of the snapshot a path is for, "" for another path."""
    return _named(_SNAPSHOT.fullmatch(path))


def _named(match: re.Match[str] | None) -> str:
    return (match["quoted"] or match["plain"]).lower() if match else ""


def write_job(job: Job, status: int = 200) -> HttpAnswer:
    """The answer that shows ``job``."""
    return json_answer(
        status,
        {
            "id": job.id,
            "status": job.status,
            "resourceLocation": job.resource_location,
            "errorDetails": list(job.error_details),
        },
    )


def write_resources(identity: str, name: str, resources: tuple[Resource, ...]) -> HttpAnswer:
    """The answer that holds a snapshot."""
    shown = [
        {"displayName": one.display_name, "resourceType": one.resource_type, "properties": one.properties}
        for one in resources
    ]
    return json_answer(200, {"id": identity, "displayName": name, "parameters": [], "resources": shown})
