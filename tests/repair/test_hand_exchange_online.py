"""The hand that writes Exchange Online: which cmdlets a change becomes, and how they fare in the lab."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hybridge.lab.apps.keepings import kept
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.org.union import AnyRecord
from hybridge.plan import Change, Plan
from hybridge.repair import journal as j
from hybridge.repair.executor import Applied, End, Patience, Undone, apply, undo
from hybridge.repair.hands.base import Reply
from hybridge.repair.hands.exchange_cmdlets import Unwritable
from hybridge.repair.hands.exchange_cmdlets import commands as commands_on_premises
from hybridge.repair.hands.exchange_online import ExchangeOnlineHand
from hybridge.repair.hands.exchange_online_cmdlets import KINDS, commands, reading
from hybridge.repair.hands.script import script
from hybridge.repair.writable import WRITABLE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import (
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    Failure,
    FailureReason,
    HttpAnswer,
    HttpAsk,
    TlsAnswer,
    TlsAsk,
)

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ONLINE = Premises.ONLINE
LINUS, MARIE = "linus@contoso.com", "marie@contoso.com"
CALENDAR = f"{LINUS}:\\Calendar"
WHO = {"Identity": CALENDAR, "User": MARIE}


@cache
def certificate() -> AuthCertificate:
    return make_auth_certificate(NOW)


def entry(*rights: str, flags: tuple[str, ...] = ()) -> r.MailboxFolderPermission:
    return r.MailboxFolderPermission(
        premises=ONLINE,
        identity=f"{CALENDAR}/{MARIE}",
        mailbox=LINUS,
        user=MARIE,
        access_rights=rights,
        sharing_permission_flags=flags,
    )


EDITOR, DELEGATE = entry("Editor"), entry("Editor", flags=("Delegate",))
REVIEWER = entry("Reviewer")
BOX = r.Mailbox(premises=ONLINE, identity=LINUS, user_principal_name=LINUS)


def changed(before: AnyRecord | None, after: AnyRecord | None) -> Change:
    record = after or before
    assert record is not None
    return Change(address=record.address, before=before, after=after, says="Do it.")


# Commands -------------------------------------------------------------------------------------------------------------

ROWS: list[tuple[AnyRecord | None, AnyRecord | None, list[tuple[str, dict[str, Any]]]]] = [
    (REVIEWER, EDITOR, [("Set", {"AccessRights": ("Editor",)})]),
    (EDITOR, DELEGATE, [("Set", {"AccessRights": ("Editor",), "SharingPermissionFlags": "Delegate"})]),
    (REVIEWER, DELEGATE, [("Set", {"AccessRights": ("Editor",), "SharingPermissionFlags": "Delegate"})]),
    (entry("Owner", flags=("Delegate",)), DELEGATE, [("Set", {"AccessRights": ("Editor",)})]),
    (DELEGATE, entry("Owner", flags=("Delegate",)), [("Set", {"AccessRights": ("Owner",)})]),
    (DELEGATE, EDITOR, [("Set", {"AccessRights": ("Editor",), "SharingPermissionFlags": "None"})]),
    (
        DELEGATE,
        REVIEWER,
        [
            ("Set", {"AccessRights": ("Editor",), "SharingPermissionFlags": "None"}),
            ("Set", {"AccessRights": ("Reviewer",)}),
        ],
    ),
    (
        DELEGATE,
        entry("Editor", flags=("Delegate", "CanViewPrivateItems")),
        [("Set", {"AccessRights": ("Editor",), "SharingPermissionFlags": "Delegate,CanViewPrivateItems"})],
    ),
    (None, REVIEWER, [("Add", {"AccessRights": ("Reviewer",)})]),
    (None, DELEGATE, [("Add", {"AccessRights": ("Editor",), "SharingPermissionFlags": "Delegate"})]),
    (
        None,
        entry("Reviewer", flags=("Delegate",)),
        [
            ("Add", {"AccessRights": ("Editor",), "SharingPermissionFlags": "Delegate"}),
            ("Set", {"AccessRights": ("Reviewer",)}),
        ],
    ),
    (DELEGATE, None, [("Remove", {"Confirm": False})]),
]


@pytest.mark.parametrize(("before", "after", "expected"), ROWS)
def test_what_a_permission_becomes(
    before: AnyRecord | None, after: AnyRecord | None, expected: list[tuple[str, dict[str, Any]]]
) -> None:
    ran = commands(changed(before, after))
    assert [(ask.name, dict(ask.parameters)) for ask in ran] == [
        (f"{verb}-MailboxFolderPermission", {**WHO, **parameters}) for verb, parameters in expected
    ]
    for ask in ran:
        names = {name for name, _ in ask.parameters}
        assert ask.premises is ONLINE
        assert "SendNotificationToUser" not in names and "DomainController" not in names


def test_a_grant_is_a_difference() -> None:
    before = msgspec.structs.replace(BOX, grant_send_on_behalf_to=("a@b.c", "d@e.f"))
    after = msgspec.structs.replace(BOX, grant_send_on_behalf_to=("A@b.c", MARIE))
    (ask,) = commands(changed(before, after))
    assert (ask.name, dict(ask.parameters)) == (
        "Set-Mailbox",
        {"Identity": LINUS, "GrantSendOnBehalfTo": {"Add": (MARIE,), "Remove": ("d@e.f",)}},
    )
    assert commands(changed(before, before)) == ()


def test_the_sides_do_not_write_each_others_records() -> None:
    with pytest.raises(Unwritable):
        commands_on_premises(changed(REVIEWER, EDITOR))
    mine = msgspec.structs.replace(EDITOR, premises=Premises.ON_PREMISES)
    with pytest.raises(Unwritable):
        commands(changed(mine, msgspec.structs.replace(mine, access_rights=("Author",))))
    with pytest.raises(Unwritable, match="hidden_from"):
        commands(changed(BOX, msgspec.structs.replace(BOX, hidden_from_address_lists_enabled=True)))
    assert {(kind, ONLINE) for kind in KINDS} <= set(WRITABLE)
    assert dict(reading(EDITOR.address).parameters) == {"Identity": f"{LINUS}:\\calendar", "User": MARIE}


def test_the_script_prints_them_for_exchange_online() -> None:
    changes = (changed(DELEGATE, EDITOR), changed(BOX, msgspec.structs.replace(BOX, grant_send_on_behalf_to=(MARIE,))))
    text = script(Plan(id="p", organization="contoso.com", evidence_at=NOW, changes=changes))
    title, rest = text.partition("# ==== Exchange Online PowerShell: Connect-ExchangeOnline ====")[1:]
    assert title and "on-premises ====" not in text
    calendar, who = f"'{CALENDAR}'", f"'{MARIE}'"
    lines = rest.splitlines()
    assert (
        f"Set-MailboxFolderPermission -Identity {calendar} -User {who} -AccessRights 'Editor' "
        "-SharingPermissionFlags 'None'"
    ) in lines
    assert f"# Remove-MailboxFolderPermission -Identity {calendar} -User {who} -Confirm:$false" in lines
    assert f"# Add-MailboxFolderPermission -Identity {calendar} -User {who} -AccessRights 'Editor'" in lines
    assert f"Set-Mailbox -Identity '{LINUS}' -GrantSendOnBehalfTo @{{Add='{MARIE}'}}" in lines


# In the lab -----------------------------------------------------------------------------------------------------------


async def no_sleep(_: float) -> None:
    return


class Killed(BaseException):
    """The process ends here."""


class Lab:
    """The lab in process. With ``stubborn`` it ignores that a flag shall be taken away, as Exchange Online may."""

    dies_at = ""
    """The cmdlet before which the process ends."""

    def __init__(self, folder: Path, *records: r.Record, stubborn: bool = False) -> None:
        self.estate = Estate(contoso(NOW, certificate()), clock=lambda: NOW, certificate=certificate())
        self.estate.organization = self.estate.organization.drop(EDITOR.address).put(*records)
        self.folder = folder
        self.ran: list[str] = []
        self._stubborn = stubborn
        self._inner = InProcess(self.estate)
        self._clock = SetClock(NOW)

    @property
    def organization(self) -> Organization:
        return self.estate.organization

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        return await self._inner.http(ask)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        return await self._inner.dns(ask)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        return await self._inner.tls(ask)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        if ask.name == self.dies_at:
            raise Killed
        if not ask.name.startswith("Get-"):
            self.ran.append(ask.name)
        if self._stubborn and dict(ask.parameters).get("SharingPermissionFlags") == "None":
            return CmdletAnswer()
        return await self._inner.cmdlet(ask)

    async def read(self, record: r.Record) -> r.Record | Failure | None:
        return await ExchangeOnlineHand().read(self, record.address)

    async def write(self, before: AnyRecord | None, after: AnyRecord | None) -> Reply | Failure:
        return await ExchangeOnlineHand().write(self, changed(before, after))

    def _journal(self) -> j.OpenJournal:
        return j.open_journal(self.folder, "plan-1", "contoso.com")

    async def apply(self, *changes: Change) -> Applied:
        plan = Plan(id="plan-1", organization="contoso.com", evidence_at=NOW, changes=changes)
        patience = Patience(tries=2, sleep=no_sleep)
        with self._journal() as journal:
            return await apply(
                plan, self, journal, (ExchangeOnlineHand(),), who="ada", clock=self._clock, patience=patience
            )

    async def undo(self) -> Undone:
        patience = Patience(tries=2, sleep=no_sleep)
        with self._journal() as journal:
            return await undo(journal, self, (ExchangeOnlineHand(),), who="ada", clock=self._clock, patience=patience)


@pytest.mark.parametrize(("before", "after"), [(row[0], row[1]) for row in ROWS])
async def test_every_change_is_made_and_read_back(
    tmp_path: Path, before: AnyRecord | None, after: AnyRecord | None
) -> None:
    lab = Lab(tmp_path, *([before] if before else []))
    at = before or after
    assert at is not None
    assert await lab.read(at) == _asked(before)
    assert isinstance(await lab.write(before, after), Reply)
    assert await lab.read(at) == _asked(after)
    assert lab.organization.at(at.address) == after


def _asked(record: AnyRecord | None) -> AnyRecord | None:
    """A record as the hand reads it: an address is lower case."""
    if not isinstance(record, r.MailboxFolderPermission):
        return record
    return msgspec.structs.replace(record, identity=record.address.identity, folder="calendar")


async def test_names_in_grants_become_addresses(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    shown = await lab.cmdlet(CmdletAsk(premises=ONLINE, name="Get-Mailbox", parameters=(("Identity", LINUS),)))
    assert shown.objects[0]["GrantSendOnBehalfTo"] == ["Marie Curie"]
    found = await lab.read(BOX)
    assert isinstance(found, r.Mailbox) and found.grant_send_on_behalf_to == (MARIE,)


async def test_a_flag_that_stays_is_taken_away_with_its_entry(tmp_path: Path) -> None:
    lab = Lab(tmp_path, DELEGATE, stubborn=True)
    assert isinstance(await lab.write(DELEGATE, EDITOR), Reply)
    assert lab.organization.at(EDITOR.address) == EDITOR
    assert [name.partition("-")[0] for name in lab.ran] == ["Set", "Remove", "Add"]
    polite = Lab(tmp_path, DELEGATE)
    await polite.write(DELEGATE, EDITOR)
    assert [name.partition("-")[0] for name in polite.ran] == ["Set"]


async def test_killed_between_removing_and_adding_it_is_taken_up_again(tmp_path: Path) -> None:
    lab = Lab(tmp_path, EDITOR, stubborn=True)
    assert (await lab.apply(changed(EDITOR, DELEGATE))).complete
    lab.dies_at = "Add-MailboxFolderPermission"
    with pytest.raises(Killed):
        await lab.undo()
    assert lab.organization.at(EDITOR.address) is None
    lab.dies_at = ""
    undone = await lab.undo()
    assert undone.complete, undone.says
    assert lab.organization.at(EDITOR.address) == EDITOR


async def test_what_somebody_else_changed_is_left_alone(tmp_path: Path) -> None:
    lab = Lab(tmp_path, entry("Author"))
    ended = await lab.apply(changed(EDITOR, DELEGATE))
    assert not ended.complete and [step.end for step in ended.steps] == [End.DRIFTED]
    assert lab.organization.at(EDITOR.address) == entry("Author") and lab.ran == []


@pytest.mark.parametrize("missing", ["role", "permissions"])
async def test_without_the_right_nothing_is_written_and_the_right_is_named(tmp_path: Path, missing: str) -> None:
    lab = Lab(tmp_path, EDITOR)
    if missing == "role":
        kept(lab.estate).exchange_role = False
    else:
        kept(lab.estate).exchange_permissions.clear()
    found = await lab.read(EDITOR)
    assert isinstance(found, Failure) and found.reason is FailureReason.FORBIDDEN
    assert "Exchange.ManageAsApp" in found.next_step and "Entra role" in found.next_step
    ended = await lab.apply(changed(EDITOR, DELEGATE))
    assert not ended.complete and {step.end for step in ended.steps} == {End.FAILED}
    assert "Get-MailboxFolderPermission was refused" in ended.steps[0].says
    assert lab.organization.at(EDITOR.address) == EDITOR and lab.ran == []


async def test_with_the_old_permission_alone_everything_is_written(tmp_path: Path) -> None:
    lab = Lab(tmp_path, EDITOR)
    kept(lab.estate).exchange_permissions.discard("Exchange.ManageAsAppV2")
    assert (await lab.apply(changed(EDITOR, DELEGATE))).complete
    assert (await lab.undo()).complete
    assert lab.organization.at(EDITOR.address) == EDITOR


async def test_the_new_permission_alone_is_enough_for_grants(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    kept(lab.estate).exchange_permissions.discard("Exchange.ManageAsApp")
    box = await lab.read(BOX)
    assert isinstance(box, r.Mailbox)
    assert (await lab.apply(changed(box, msgspec.structs.replace(box, grant_send_on_behalf_to=())))).complete
    assert (await lab.undo()).complete
    assert await lab.read(BOX) == box
    hand = ExchangeOnlineHand()
    assert "Exchange.ManageAsAppV2" in hand.rights(changed(box, box)).permissions
    assert hand.rights(changed(EDITOR, DELEGATE)).permissions == ("Exchange.ManageAsApp",)


async def test_a_refusal_of_the_cmdlet_is_told(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    reply = await lab.write(EDITOR, DELEGATE)
    assert isinstance(reply, Failure) and reply.reason is FailureReason.REFUSED
    assert "no existing permission entry" in reply.says


async def test_several_mailboxes_of_one_name_are_nobodys(tmp_path: Path) -> None:
    twin = msgspec.structs.replace(BOX, identity="linus2@contoso.com", display_name="Linus*")
    lab = Lab(tmp_path, twin)
    found = await ExchangeOnlineHand().read(lab, r.Address("Mailbox", ONLINE, "linus*"))
    assert isinstance(found, Failure) and "several objects" in found.says
