"""Exchange Online from an offline export made by hand: flags and names in every dress feed the same judgement."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hybridge.checks.registry import all_checks
from hybridge.collectors.collect import Target, collect
from hybridge.doctor.diagnose import judge
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import CheckResult, Outcome
from hybridge.net.answerers.snapshot import SnapshotAnswerer
from hybridge.org import records as r
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire import clixml

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ONLINE = Premises.ONLINE
LINUS, MARIE = "linus@contoso.com", "marie@contoso.com"
TARGET = Target("contoso.com", "", WORLDWIDE, (LINUS, MARIE), "hybridge/test")

BOXES = (
    {
        "Name": "linus",
        "PrimarySmtpAddress": LINUS,
        "UserPrincipalName": LINUS,
        "DisplayName": "Linus Pauling",
        "GrantSendOnBehalfTo": ["marie"],
    },
    {
        "Name": "marie",
        "PrimarySmtpAddress": MARIE,
        "UserPrincipalName": MARIE,
        "DisplayName": "Marie Curie",
        "GrantSendOnBehalfTo": [],
    },
)
DEFAULT = {"Mailbox": LINUS, "FolderName": "Calendar", "User": "Default", "AccessRights": ["AvailabilityOnly"]}


def marie(flags: Any, **more: Any) -> dict[str, Any]:
    entry = {"Mailbox": LINUS, "FolderName": "Calendar", "User": "Marie Curie", "AccessRights": ["Editor"]}
    return {**entry, "SharingPermissionFlags": flags, **more}


def export(folder: Path, **cmdlets: tuple[dict[str, Any], ...]) -> None:
    """Files of the online side; on-premises there are no mailboxes."""
    (folder / "online").mkdir(parents=True)
    (folder / "GetMailbox.xml").write_bytes(clixml.write((), "Any"))
    for name, objects in cmdlets.items():
        (folder / "online" / f"{name}.xml").write_bytes(clixml.write(objects, "Any", encoding="utf-16"))


async def collected(folder: Path) -> Evidence:
    return await collect(SnapshotAnswerer(folder), TARGET, NOW)


def results(evidence: Evidence) -> dict[str, CheckResult]:
    said = judge(evidence, (), [(LINUS, MARIE)], tuple(c for c in all_checks() if c.name.startswith("delegation/")))
    return {result.check.partition("/")[2]: result for result in said.results}


@pytest.mark.parametrize(
    "flags", ["Delegate", "Delegate, CanViewPrivateItems", ["Delegate"], {"ToString": "Delegate", "Value": "Delegate"}]
)
async def test_a_delegate_is_read_in_every_dress(tmp_path: Path, flags: Any) -> None:
    export(tmp_path, GetMailbox=BOXES, GetCASMailbox=(), GetMailboxFolderPermission=(DEFAULT, marie(flags)))
    evidence = await collected(tmp_path)
    reading = evidence.all(r.MailboxFolderPermission, ONLINE, LINUS)
    assert isinstance(reading, Seen)
    assert [one.user for one in reading.records] == ["Default", MARIE]
    judged = {result.outcome for result in results(evidence).values()} - {Outcome.NOT_APPLICABLE}
    assert judged == {Outcome.PASSED}, "some are about mailboxes on-premises alone"


@pytest.mark.parametrize("flags", ["None", "", None, []])
async def test_no_flag_is_no_delegate(tmp_path: Path, flags: Any) -> None:
    address = {"User": "M. Curie", "UserPrimarySmtpAddress": MARIE}
    export(tmp_path, GetMailbox=BOXES, GetMailboxFolderPermission=(DEFAULT, marie(flags, **address)))
    found = results(await collected(tmp_path))
    assert [finding.cause for finding in found["delegate-listed"].findings] == ["not-delegate-online"]
    assert found["calendar-permission"].outcome is Outcome.PASSED


async def test_a_number_in_place_of_flags_decides_nothing(tmp_path: Path) -> None:
    export(tmp_path, GetMailbox=BOXES)
    content = json.dumps([DEFAULT, marie(1)])
    (tmp_path / "online" / "GetMailboxFolderPermission.json").write_text(content)
    reading = (await collected(tmp_path)).all(r.MailboxFolderPermission, ONLINE, LINUS)
    assert isinstance(reading, Unseen) and "Export-Clixml" in reading.says


async def test_what_is_missing_is_named_with_its_cmdlet(tmp_path: Path) -> None:
    export(tmp_path, GetMailbox=BOXES)
    found = results(await collected(tmp_path))
    for name in ("delegate-listed", "calendar-permission"):
        (gap,) = found[name].unseen
        assert "Get-MailboxFolderPermission" in gap.how and "online" in gap.how
    assert found["send-on-behalf"].outcome is Outcome.PASSED
    nothing = results(await collected(_empty(tmp_path / "nothing")))
    assert {result.outcome for result in nothing.values()} - {Outcome.NOT_APPLICABLE} == {Outcome.INCONCLUSIVE}


def _empty(folder: Path) -> Path:
    export(folder)
    return folder


async def test_a_calendar_of_another_name_decides_nothing(tmp_path: Path) -> None:
    kalender = {**marie("Delegate"), "FolderName": "Kalender"}
    export(tmp_path, GetMailbox=BOXES, GetMailboxFolderPermission=(kalender,))
    found = results(await collected(tmp_path))
    assert found["delegate-listed"].outcome is Outcome.PASSED, "an export tells the folder's name itself"


async def test_a_mailbox_nobody_has_is_not_there(tmp_path: Path) -> None:
    export(tmp_path, GetMailbox=BOXES[1:])
    found = results(await collected(tmp_path))
    (gap,) = found["send-on-behalf"].unseen
    assert gap.says == f"No mailbox {LINUS} was found, neither on-premises nor online."
