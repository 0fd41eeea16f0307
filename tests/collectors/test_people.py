"""People as Exchange prints them (directory names), calendars in the owner's language, and both sides of a mailbox."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from tests.loop.walk import NOW, Walk, names, new_estate

from hybridge.checks.registry import check_named
from hybridge.collectors.collect import Target, collect
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Outcome, Scope, Subject
from hybridge.lab.contoso import DOMAIN, TENANT_ID
from hybridge.lab.contoso_people import GROUP
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.lab.powershell import run
from hybridge.lab.verbs import Verbs
from hybridge.net.answerers.once import AskedOnce
from hybridge.net.clock import SetClock
from hybridge.org import probes as p
from hybridge.org import records as r
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ADA, GRACE, LINUS, MARIE = "ada@contoso.com", "grace@contoso.com", "linus@contoso.com", "marie@contoso.com"


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    clock = SetClock(NOW)
    estate = new_estate(clock)
    answerer = InProcess(estate)
    return Walk(estate, Verbs(estate, answerer), clock, tmp_path, answerer)


async def about(walk: Walk, *boxes: str) -> Evidence:
    target = Target(DOMAIN, TENANT_ID, WORLDWIDE, boxes, "hybridge/test")
    return await collect(AskedOnce(walk.answerer), target, NOW)


def granting(estate: Estate, *addresses: str) -> None:
    estate.organization = estate.organization.edit(
        r.Mailbox, lambda one: one.identity == ADA, grant_send_on_behalf_to=addresses
    )


def granted(evidence: Evidence) -> tuple[str, ...]:
    reading = evidence.one(r.Mailbox, ON, ADA, ADA)
    assert isinstance(reading, Seen)
    assert reading.first is not None
    return reading.first.grant_send_on_behalf_to


def shown(estate: Estate, identity: str) -> list[str]:
    """GrantSendOnBehalfTo as Get-Mailbox prints it."""
    ask = CmdletAsk(premises=ON, name="Get-Mailbox", parameters=(("Identity", identity),))
    [mailbox] = run(estate, ask, "administrator").objects
    return [one["ToString"] for one in mailbox["GrantSendOnBehalfTo"]]


async def test_the_lab_prints_directory_names_and_they_are_resolved(walk: Walk) -> None:
    granting(walk.estate, GRACE, MARIE, GROUP)
    assert shown(walk.estate, ADA) == [f"contoso.com/Users/{name}" for name in ("Grace Hopper", "Marie Curie", "Board")]
    evidence = await about(walk, ADA)
    assert granted(evidence) == (GRACE, MARIE, GROUP), "nobody but Ada was read"
    recipients = evidence.all(r.Recipient, ON, ADA)
    assert isinstance(recipients, Seen)
    assert [one.recipient_type_details for one in recipients.records] == [
        "UserMailbox",
        "RemoteUserMailbox",
        "MailUniversalSecurityGroup",
    ]


async def test_who_is_gone_keeps_the_name(walk: Walk) -> None:
    granting(walk.estate, GRACE, "Somebody Else")
    assert granted(await about(walk, ADA)) == (GRACE, "Somebody Else")


async def test_sending_on_behalf_never_fails_falsely(walk: Walk) -> None:
    pair = Subject(Scope.DELEGATION, f"{ADA}:{GRACE}")
    check = check_named("delegation/send-on-behalf")
    assert list(check.find(await about(walk, ADA, GRACE), pair)) == []
    granting(walk.estate, MARIE)
    assert [getattr(one, "cause", one) for one in check.find(await about(walk, ADA, GRACE), pair)] == ["missing"]


async def test_a_delegate_online_is_healed_into_the_list_and_read_back(walk: Walk) -> None:
    """The repair compares what Exchange prints with the addresses of the plan."""
    granting(walk.estate, MARIE)
    diagnosis = await walk.look()
    assert names(diagnosis) == {"delegation/send-on-behalf:missing"}
    applied = await walk.apply(diagnosis)
    assert applied.complete, applied.says
    assert shown(walk.estate, ADA) == ["contoso.com/Users/Marie Curie", "contoso.com/Users/Grace Hopper"]


def localized(estate: Estate, name: str) -> None:
    """Ada's and Linus' calendars in another language."""
    for one in estate.organization.all(r.MailboxFolderPermission):
        if one.mailbox in (ADA, LINUS):
            moved = msgspec.structs.replace(one, folder=name, identity=f"{one.mailbox}:\\{name}/{one.user}")
            estate.organization = estate.organization.drop(one.address).put(moved)


@pytest.mark.parametrize("name", ["Kalender", "Calendrier", "\u4e88\u5b9a\u8868"])
async def test_a_calendar_in_the_owners_language(walk: Walk, name: str) -> None:
    localized(walk.estate, name)
    diagnosis = await walk.look()
    assert names(diagnosis) == set()
    judged = {
        str(one.subject): one.outcome for one in diagnosis.results if one.check == "delegation/calendar-permission"
    }
    assert judged[f"{ADA}:{GRACE}"] is judged[f"{LINUS}:{MARIE}"] is Outcome.PASSED
    for premises, box in ((ON, ADA), (ONLINE, LINUS)):
        reading = diagnosis.evidence.all(r.MailboxFolderPermission, premises, box)
        assert isinstance(reading, Seen)
        assert {one.folder for one in reading.records} == {name}


async def test_a_right_on_such_a_calendar_is_healed_there(walk: Walk) -> None:
    localized(walk.estate, "Kalender")
    walk.estate.organization = walk.estate.organization.edit(
        r.MailboxFolderPermission, lambda one: one.mailbox == ADA and one.user == GRACE, access_rights=("Reviewer",)
    )
    diagnosis = await walk.look()
    assert names(diagnosis) == {"delegation/calendar-permission:too-low"}
    applied = await walk.apply(diagnosis)
    assert applied.complete, applied.says
    entries = walk.estate.organization.all(r.MailboxFolderPermission, ON, ADA)
    assert {(one.folder, one.user, *one.access_rights) for one in entries} == {
        ("Kalender", "Default", "AvailabilityOnly"),
        ("Kalender", GRACE, "Editor"),
    }


async def test_teams_is_asked_by_the_user_principal_name_too(walk: Walk) -> None:
    name = "ada.lovelace@contoso.com"
    organization = walk.estate.organization.edit(r.Mailbox, lambda one: one.identity == ADA, user_principal_name=name)
    for kind in (r.CsOnlineUser, r.UserLicense):
        [one] = organization.all(kind, ONLINE, ADA)
        organization = organization.drop(one.address).put(msgspec.structs.replace(one, identity=name))
    walk.estate.organization = organization
    diagnosis = await replace(walk, mailboxes=(ADA,)).look()
    teams = [one for one in diagnosis.results if one.check.startswith("teams/") and str(one.subject) == ADA]
    assert {one.outcome for one in teams} == {Outcome.PASSED}, [one for one in teams if one.unseen]


async def test_what_the_cloud_keeps_of_a_mailbox(walk: Walk) -> None:
    evidence = await about(walk, ADA, LINUS)
    stands = evidence.one(r.MailUser, ONLINE, ADA, ADA)
    mailbox = evidence.one(r.Mailbox, ON, ADA, ADA)
    assert isinstance(stands, Seen)
    assert isinstance(mailbox, Seen)
    assert stands.first is not None
    assert mailbox.first is not None
    assert stands.first.exchange_guid == mailbox.first.exchange_guid != ""
    assert isinstance(evidence.all(r.SoftDeletedMailbox, ONLINE, ADA), Unseen), "asked only of who has no mailbox"


async def test_how_get_delegate_ended(walk: Walk) -> None:
    await walk.verbs.break_(("delegation/strange-delegates:group",))
    reading = (await about(walk, ADA)).one(p.GetDelegateProbe, ON, ADA, ADA)
    assert isinstance(reading, Seen)
    assert reading.first is not None
    assert reading.first.code == "ErrorDelegateValidationFailed"
