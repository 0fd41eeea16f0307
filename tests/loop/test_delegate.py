"""The closed loop for a delegate who has nothing yet, or only a part, in process and over TLS.

The cure of the list must leave the right on the calendar and the permission to send on behalf to their own checks:
with all three checks all three are cured, with one alone the list is, and undo ends where it began.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.loop.walk import NOW, Walk, new_estate

from hybridge.checks.base import Check
from hybridge.checks.registry import all_checks, check_named
from hybridge.collectors.collect import Target
from hybridge.config import load
from hybridge.doctor.diagnose import Diagnosis, diagnose
from hybridge.lab.contoso import DOMAIN, TENANT_ID
from hybridge.lab.serve.calls import open_calls
from hybridge.lab.serve.running import running_lab
from hybridge.lab.site import contoso_site
from hybridge.lab.verbs import Verbs
from hybridge.net.answerers.live import open_live
from hybridge.net.answerers.once import AskedOnce
from hybridge.net.clock import SetClock
from hybridge.org.organization import Organization
from hybridge.org.records import DelegateUser, Mailbox, MailboxFolderPermission
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
ADA, GRACE = "ada@contoso.com", "grace@contoso.com"
LISTED = check_named("delegation/delegate-listed")
DELEGATION = tuple(check for check in all_checks() if check.name.startswith("delegation/"))


def unlisted(organization: Organization) -> Organization:
    return organization.drop(DelegateUser(premises=ON, identity=f"{ADA}/{GRACE}", delegator="", delegate="").address)


def without_right(organization: Organization) -> Organization:
    entry = MailboxFolderPermission(premises=ON, identity=f"{ADA}:\\Calendar/{GRACE}", mailbox=ADA, user=GRACE)
    return unlisted(organization).drop(entry.address)


def without_anything(organization: Organization) -> Organization:
    box = organization.one(Mailbox, ON, ADA)
    assert box
    return without_right(organization).put(msgspec.structs.replace(box, grant_send_on_behalf_to=()))


STATES = pytest.mark.parametrize("state", [unlisted, without_right, without_anything])
CHECKS = pytest.mark.parametrize("checks", [DELEGATION, (LISTED,)], ids=["all three", "the list alone"])
State = Callable[[Organization], Organization]


async def look(walk: Walk, checks: tuple[Check, ...]) -> Diagnosis:
    target = Target(DOMAIN, TENANT_ID, WORLDWIDE, (ADA, GRACE), "hybridge/test")
    return await diagnose(AskedOnce(walk.answerer), target, NOW, delegations=((ADA, GRACE),), checks=checks)


async def through(walk: Walk, state: State, checks: tuple[Check, ...]) -> None:
    healthy = walk.estate.organization
    broken = walk.estate.organization = state(healthy)
    diagnosis = await look(walk, checks)
    assert diagnosis.plan is not None and not diagnosis.plan.manual
    applied = await walk.apply(diagnosis)
    assert applied.complete, applied.says
    if len(checks) > 1:
        assert walk.estate.organization.difference(healthy) == ()
    else:
        assert [one.kind for one in walk.estate.organization.difference(broken)] == ["DelegateUser"]
    again = await look(walk, checks)
    assert again.plan is not None and again.plan.empty
    undone = await walk.undo(diagnosis.plan.id)
    assert undone.complete, undone.says
    assert walk.estate.organization.difference(broken) == ()


@STATES
@CHECKS
async def test_in_process(walk_in_process: Walk, state: State, checks: tuple[Check, ...]) -> None:
    await through(walk_in_process, state, checks)


@STATES
async def test_over_tls(state: State, tmp_path: Path) -> None:
    clock = SetClock(NOW)
    estate = new_estate(clock)
    async with running_lab(estate, tmp_path / "state", contoso_site(estate)) as running, open_calls(running) as calls:
        file = tmp_path / "hybridge.toml"
        file.write_text(running.toml, encoding="utf-8")
        config = load(file)
        async with open_live(config.net, config.exchange, config.entra, clock) as live:
            walk = Walk(estate, Verbs(estate, calls), clock, tmp_path / "journals", live)
            await through(walk, state, DELEGATION)
            estate.organization = estate.healthy
            await through(walk, state, (LISTED,))
