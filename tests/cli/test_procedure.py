"""The procedure through the front door: a lab left by each edition over TLS, and the command line in front of it."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.repair.generations import GENERATIONS, first_edition, nothing, oldest

from hybridge.cli.exits import Exit
from hybridge.cli.main import run
from hybridge.lab.apps.teams_services import symptoms
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import contoso
from hybridge.lab.estate import ADMINISTRATOR_LOGON, ENTRA_CLIENT, Estate
from hybridge.lab.in_process import InProcess
from hybridge.lab.rights import rights_of
from hybridge.lab.serve.running import running_lab
from hybridge.lab.site import contoso_site
from hybridge.net.clock import SystemClock
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises

pytestmark = pytest.mark.wire
PROCEDURE = ("repair", "plan", "--procedure", "teams-partner-apps")
CONTROLLER = "dc1.contoso.com"


@dataclass(frozen=True)
class Ran:
    """What one command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Front:
    """A lab served by this process, and the command line in front of it."""

    estate: Estate
    config: Path

    async def run(self, *arguments: str) -> Ran:
        """One command, in a thread: it has a loop of its own, and the lab goes on serving in this one."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = await asyncio.to_thread(run, [*arguments, "--config", str(self.config)])
        assert code != Exit.DEFECT, err.getvalue()
        return Ran(code, out.getvalue(), err.getvalue())

    async def planned(self, *more: str) -> tuple[Ran, Path]:
        file = self.config.parent / "plan.json"
        return await self.run(*PROCEDURE, "--format", "json", "--out", str(file), *more), file

    async def noticed(self) -> set[str]:
        return {str(seen.symptom) for seen in await symptoms(self.estate, InProcess(self.estate))}


@asynccontextmanager
async def front(tmp_path: Path, break_: Callable[[Organization], Organization]) -> AsyncIterator[Front]:
    now = SystemClock().now()
    certificate = make_auth_certificate(now)
    estate = Estate(contoso(now, certificate), clock=SystemClock().now, certificate=certificate)
    estate.organization = break_(estate.organization)
    async with running_lab(estate, tmp_path / "state", contoso_site(estate)) as running:
        config = tmp_path / "hybridge.toml"
        config.write_text(running.toml, encoding="utf-8")
        yield Front(estate, config)


@pytest.mark.parametrize("name", ["none", "A or B", "C"])
async def test_from_each_edition_to_todays_and_back(name: str, tmp_path: Path) -> None:
    async with front(tmp_path, GENERATIONS[name]) as lab:
        broken = lab.estate.organization
        planned, file = await lab.planned()
        assert planned.code == 0, planned.err
        assert planned.json["generation"] == name
        assert planned.json["changes"] and planned.json["facts"] and planned.json["refused"] == []
        assert planned.json["procedure"] == "teams-partner-apps"
        assert lab.estate.organization == broken

        applied = await lab.run("repair", "apply", str(file), "--yes")
        assert applied.code == 0, applied.out + applied.err
        assert "Verified" in applied.out
        assert await lab.noticed() == set()
        done = await lab.run(*PROCEDURE)
        assert done.code == 0
        assert done.out.startswith("Generation D: two dedicated applications with one account")
        assert "Nothing to do" in done.out

        undone = await lab.run("repair", "undo", planned.json["id"])
        assert undone.code == 0, undone.out + undone.err
        assert lab.estate.organization.difference(broken) == ()


async def test_the_text_tells_the_edition_the_plan_and_the_rights(tmp_path: Path) -> None:
    async with front(tmp_path, first_edition) as lab:
        ran = await lab.run(*PROCEDURE)
    assert ran.code == 0, ran.err
    edition, plan, rights = (ran.out.find(part) for part in ("Generation C:", "\nPlan 20", "\nRights:"))
    assert 0 == edition < plan < rights
    assert "  - The role TeamsSchedulerRole keeps GetDelegate." in ran.out
    assert "must be a member of Organization Management" in ran.out


@pytest.mark.thorough
async def test_options_reach_the_plan_the_cmdlets_and_the_script(tmp_path: Path) -> None:
    options = ("--legacy-sfb", "--with-archive-role", "--domain-controller", CONTROLLER)
    async with front(tmp_path, nothing) as lab:
        broken = lab.estate.organization
        script = await lab.run(*PROCEDURE, *options, "--format", "powershell")
        assert script.code == 0, script.err
        lines = [line for line in script.out.splitlines() if line.startswith(("New-", "Set-", "(Get-"))]
        assert len(lines) > 8
        assert all(f"-DomainController '{CONTROLLER}'" in line for line in lines)
        planned, file = await lab.planned(*options)
        assert planned.json["domain_controller"] == CONTROLLER
        applied = await lab.run("repair", "apply", str(file), "--yes")
        assert applied.code == 0, applied.out + applied.err
        roles = {
            (one.role, one.role_assignee)
            for one in lab.estate.organization.all(r.ManagementRoleAssignment, Premises.ON_PREMISES)
        }
        assert {(apps.ARCHIVE_ROLE, apps.LEGACY_ACCOUNT), (apps.ARCHIVE_ROLE, apps.INTEGRATION_ACCOUNT)} <= roles
        undone = await lab.run("repair", "undo", planned.json["id"])
        assert undone.code == 0, undone.out + undone.err
        assert lab.estate.organization.difference(broken) == ()


def without_trust(organization: Organization) -> Organization:
    return oldest(organization).edit(r.AuthServer, enabled=False).edit(r.AuthConfig, realm="contoso.com")


async def test_preconditions_refuse_with_their_reasons(tmp_path: Path) -> None:
    async with front(tmp_path, without_trust) as lab:
        before = lab.estate.organization
        text = await lab.run(*PROCEDURE)
        planned, file = await lab.planned()
        assert lab.estate.organization == before
    assert text.code == planned.code == 3
    assert "Generation A or B:" in text.out and "No plan was made, because:" in text.out
    assert text.out.count("    next: ") == 2
    assert [one["says"].partition(":")[0] for one in planned.json["refused"]] == [
        "AuthConfig has the realm 'contoso.com', and Teams' tokens are accepted only where it is empty.",
        "The organization is not hybrid",
    ]
    assert planned.json["changes"] == [] and not file.exists()


@pytest.mark.parametrize(
    ("without", "who", "what"),
    [
        ("Role Management", ADMINISTRATOR_LOGON, "New-ManagementRole"),
        ("Application.ReadWrite.All", ENTRA_CLIENT, "Application.ReadWrite.All"),
    ],
)
async def test_a_missing_right_is_told_before_anything_begins(
    without: str, who: str, what: str, tmp_path: Path
) -> None:
    async with front(tmp_path, nothing) as lab:
        before = lab.estate.organization
        planned, file = await lab.planned()
        assert planned.code == 0
        rights_of(lab.estate).withhold([without])
        again = await lab.run(*PROCEDURE)
        applied = await lab.run("repair", "apply", str(file), "--yes")
        assert lab.estate.organization == before
        assert not (tmp_path / ".hybridge" / "journals" / planned.json["id"]).exists()
    assert again.code == applied.code == 4, applied.out + applied.err
    for told in (again.out, applied.err):
        assert what in told and who.rpartition("\\")[2] in told
    assert "The plan was not started." in applied.err


async def test_a_cure_that_lacks_a_right_is_not_begun_either(tmp_path: Path) -> None:
    def hidden(organization: Organization) -> Organization:
        return organization.edit(r.MailUser, lambda one: one.premises is Premises.ON_PREMISES,
                                 hidden_from_address_lists_enabled=False)  # fmt: skip

    async with front(tmp_path, hidden) as lab:
        before = lab.estate.organization
        file = tmp_path / "plan.json"
        planned = await lab.run("repair", "plan", "--only", "partner_apps", "--out", str(file))
        assert planned.code == 0, planned.err
        rights_of(lab.estate).withhold(["Set-MailUser:HiddenFromAddressListsEnabled"])
        applied = await lab.run("repair", "apply", str(file), "--yes")
        assert lab.estate.organization == before
    assert applied.code == 4
    assert "may not run Set-MailUser with -HiddenFromAddressListsEnabled in Exchange." in applied.err


async def test_the_switch_of_the_lab(tmp_path: Path) -> None:
    async with front(tmp_path, nothing) as lab:
        known = await lab.run("lab", "rights", "--format", "json")
        assert known.json["without"] == [] and "Role Management" in known.json["known"]
        assert "without: Role Management" in (await lab.run("lab", "rights", "role management")).out
        assert rights_of(lab.estate).withheld == ("Role Management",)
        assert (await lab.run("lab", "rights", "all")).code == 0
        assert rights_of(lab.estate).withheld == ()
        wrong = await lab.run("lab", "rights", "Nonsense")
        assert wrong.code == 2 and "There is no right 'Nonsense'" in wrong.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("repair", "plan", "--procedure", "teams"), "The procedure 'teams' is not known."),
        (("repair", "plan", "--legacy-sfb"), "go with --procedure"),
        ((*PROCEDURE, "ada@contoso.com"), "A procedure is for the whole organization."),
        ((*PROCEDURE, "--domain-controller", "dc1"), "'dc1' is not the full name of a host."),
        ((*PROCEDURE, "--domain-controller", "dc1.contoso.com; Remove-MailUser"), "is not the full name of a host."),
    ],
)
async def test_mistakes_are_told_in_a_sentence(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    file = tmp_path / "hybridge.toml"
    file.write_text('[organization]\ndomain = "contoso.com"\n', encoding="utf-8")
    estate = Estate(Organization(), clock=SystemClock().now, certificate=make_auth_certificate(SystemClock().now()))
    ran = await Front(estate, file).run(*arguments)
    assert ran.code == 2 and says in ran.err, ran.err


async def test_from_an_export(tmp_path: Path) -> None:
    """The exchanges of a live look are enough to plan again offline; rights are asked when it is applied."""
    async with front(tmp_path, first_edition) as lab:
        saved = await lab.run("snapshot", "save", str(tmp_path / "export"))
        assert saved.code == 0, saved.err
        live = (await lab.planned())[0]
        offline = await lab.run(*PROCEDURE, "--format", "json", "--snapshot", str(tmp_path / "export"))
    assert offline.code == 0, offline.err
    assert offline.json["generation"] == "C"
    says = [[change["says"] for change in ran.json["changes"]] for ran in (live, offline)]
    assert says[0] == says[1]
