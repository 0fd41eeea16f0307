"""The lab's Exchange Online for administrators, asked directly: who may come in, what cmdlets do, how pages go."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from hybridge.lab.apps import router
from hybridge.lab.apps.base import Request
from hybridge.lab.apps.keepings import kept
from hybridge.lab.apps.teams_services import scheduler
from hybridge.lab.apps.tokens import TEAMS_MIDDLE_TIER, mint
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import TENANT_ID, AuthCertificate, contoso
from hybridge.lab.estate import ADMINISTRATOR, ENTRA_CLIENT, Estate
from hybridge.lab.in_process import InProcess
from hybridge.lab.powershell import run
from hybridge.org import records as r
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom
from hybridge.wire import cmdlets
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, HttpAnswer
from hybridge.wire.exchange_online.answers import Page, Refusal, read_answer
from hybridge.wire.exchange_online.cmdlet_input import write_input

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ONLINE = Premises.ONLINE
HOST = "outlook.office365.com"
AUDIENCE = f"https://{HOST}"
INVOKE = f"/adminapi/beta/{TENANT_ID}/InvokeCommand"
DOCUMENTED = f"/adminapi/v2.0/{TENANT_ID}"
LINUS, MARIE, ADA = "linus@contoso.com", "marie@contoso.com", "ada@contoso.com"
CALENDAR = f"{LINUS}:\\Calendar"


@cache
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certificate() -> AuthCertificate:
    return make_auth_certificate(NOW)


@pytest.fixture
def estate() -> Estate:
    lab = Estate(contoso(NOW, certificate()), clock=lambda: NOW, certificate=certificate(), randomness=random.Random(1))
    kept(lab).signing_key = signing_key()
    return lab


def ask(name: str, **parameters: Any) -> CmdletAsk:
    return CmdletAsk(premises=ONLINE, name=name, parameters=tuple(parameters.items()))


def post(
    estate: Estate,
    cmdlet: CmdletAsk,
    path: str = INVOKE,
    *,
    token: str | None = None,
    query: Mapping[str, str] | None = None,
    prefer: str = "",
) -> HttpAnswer:
    bearer = mint(estate, ENTRA_CLIENT, AUDIENCE) if token is None else token
    request = Request(
        method="POST",
        host=HOST,
        path=path,
        query=dict(query or {}),
        headers={"authorization": f"Bearer {bearer}", "prefer": prefer},
        body=write_input(cmdlet),
    )
    return router.answer(estate, request)


def page(answer: HttpAnswer) -> Page:
    read = read_answer(answer)
    assert isinstance(read, Page), read
    return read


def refusal(answer: HttpAnswer) -> Refusal:
    read = read_answer(answer)
    assert isinstance(read, Refusal), read
    return read


# Who may come in ------------------------------------------------------------------------------------------------------


def test_the_door_knows_its_own(estate: Estate) -> None:
    mailbox = ask("Get-Mailbox", Identity=LINUS)
    assert page(post(estate, mailbox)).objects[0]["PrimarySmtpAddress"] == LINUS
    assert page(post(estate, mailbox, f"{DOCUMENTED}/Mailbox")).objects
    assert page(post(estate, mailbox, "/adminapi/beta/contoso.onmicrosoft.com/InvokeCommand")).objects
    for token in ("", "x.y.z", mint(estate, ENTRA_CLIENT, "https://graph.microsoft.com")):
        assert post(estate, mailbox, token=token).status == 401
    estate.move_clock(timedelta(hours=-2))
    late = mint(estate, ENTRA_CLIENT, AUDIENCE)
    estate.move_clock(timedelta(hours=2))
    assert post(estate, mailbox, token=late).status == 401
    stranger = mint(estate, TEAMS_MIDDLE_TIER, AUDIENCE)
    assert refusal(post(estate, mailbox, token=stranger)).denied
    other = post(estate, mailbox, INVOKE.replace(TENANT_ID, "11111111-2222-4333-8444-555555555555"))
    assert other.status == 401 and "not for the tenant" in refusal(other).message


def test_other_paths_and_methods(estate: Estate) -> None:
    assert post(estate, ask("Get-Mailbox"), "/adminapi/beta/x").status == 404
    request = Request(method="GET", host=HOST, path=INVOKE)
    assert router.answer(estate, request).status == 405
    empty = Request(
        method="POST",
        host=HOST,
        path=INVOKE,
        headers={"authorization": f"Bearer {mint(estate, ENTRA_CLIENT, AUDIENCE)}"},
    )
    assert refusal(router.answer(estate, empty)).status == 400


def test_permissions_and_role(estate: Estate) -> None:
    mailbox = ask("Get-Mailbox", Identity=LINUS)
    rights = kept(estate)
    rights.exchange_permissions.discard("Exchange.ManageAsApp")
    assert post(estate, mailbox).status == 403
    assert page(post(estate, mailbox, f"{DOCUMENTED}/Mailbox")).objects
    rights.exchange_role = False
    answer = refusal(post(estate, mailbox, f"{DOCUMENTED}/Mailbox"))
    assert (answer.status, answer.message) == (401, "User is not allowed to call Get-Mailbox")
    estate.reset()
    assert page(post(estate, mailbox)).objects


def test_an_endpoint_takes_only_what_its_page_documents(estate: Estate) -> None:
    for path, cmdlet in (
        ("Mailbox", ask("Get-CASMailbox", Identity=LINUS)),
        ("Mailbox", ask("Set-Mailbox", Identity=LINUS, DisplayName="x")),
        ("MailboxFolderPermission", ask("Get-MailboxFolderPermission", Identity=CALENDAR, User=MARIE)),
        ("OrganizationConfig", ask("Get-OrganizationConfig")),
    ):
        assert refusal(post(estate, cmdlet, f"{DOCUMENTED}/{path}")).status == 400


# Shapes ---------------------------------------------------------------------------------------------------------------


def test_people_go_by_their_names(estate: Estate) -> None:
    (linus,) = page(post(estate, ask("Get-Mailbox", Identity=LINUS))).objects
    assert linus["GrantSendOnBehalfTo"] == ["Marie Curie"]
    shown = page(post(estate, ask("Get-MailboxFolderPermission", Identity=CALENDAR))).objects
    assert [(one["User"], one["AccessRights"], one["SharingPermissionFlags"]) for one in shown] == [
        ("Default", ["AvailabilityOnly"], None),
        ("Marie Curie", ["Editor"], "Delegate"),
    ]
    assert all("@" not in json.dumps(one) for one in shown)


def test_unknown_cmdlets_parameters_and_objects(estate: Estate) -> None:
    unknown = refusal(post(estate, ask("Get-Unicorn")))
    assert unknown.denied and unknown.type.endswith("CommandNotFoundException")
    parameter = refusal(post(estate, ask("Get-Mailbox", Horn=1)))
    assert parameter.denied and "parameter name 'Horn'" in parameter.message
    body = json.loads(post(estate, ask("Get-Mailbox", Identity="nobody")).body)["error"]
    assert body["details"][0]["message"].startswith("|Microsoft.Exchange.Configuration.Tasks.Management")
    assert {"message", "type", "internalexception"} <= body["innererror"].keys()
    nobody = refusal(post(estate, ask("Get-Mailbox", Identity="nobody")))
    assert nobody.status == 404 and nobody.not_found and not nobody.denied
    entry = refusal(post(estate, ask("Get-MailboxFolderPermission", Identity=CALENDAR, User=ADA)))
    assert entry.status == 400 and entry.not_found
    folder = refusal(post(estate, ask("Get-MailboxFolderPermission", Identity=f"{LINUS}:\\Kalender")))
    assert folder.not_found


def test_pages_follow_each_other_and_select(estate: Estate) -> None:
    more = (
        r.MailUser(premises=ONLINE, identity=f"user{number:03}@contoso.com", external_email_address="x@y.z")
        for number in range(25)
    )
    estate.organization = estate.organization.put(*more)
    query: dict[str, str] = {"$select": "PrimarySmtpAddress"}
    seen: list[str] = []
    for _ in range(9):
        read = page(
            post(estate, ask("Get-MailUser", ResultSize="Unlimited"), query=query, prefer="odata.maxpagesize=10")
        )
        assert all(one.keys() == {"PrimarySmtpAddress"} for one in read.objects)
        seen += [one["PrimarySmtpAddress"] for one in read.objects]
        if not read.next_link:
            break
        assert read.next_link.startswith(f"https://{HOST}{INVOKE}?") and "$select=PrimarySmtpAddress" in read.next_link
        query["$skiptoken"] = read.next_link.rpartition("skiptoken=")[2]
    assert len(seen) == len(set(seen)) == 29
    limited = page(post(estate, ask("Get-MailUser", ResultSize=3)))
    assert len(limited.objects) == 3 and not limited.next_link


# What the cmdlets do --------------------------------------------------------------------------------------------------


class Shell:
    """Runs online cmdlets in process, over the wire or without."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate

    async def __call__(self, name: str, **parameters: Any) -> CmdletAnswer:
        return await InProcess(self.estate).cmdlet(ask(name, **parameters))

    def entry(self) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        found = self.estate.organization.one(r.MailboxFolderPermission, ONLINE, f"{CALENDAR}/{MARIE}")
        return (found.access_rights, found.sharing_permission_flags) if found else None


@pytest.fixture
def shell(estate: Estate) -> Shell:
    return Shell(estate)


WHO = {"Identity": CALENDAR, "User": MARIE}
SET, ADD, REMOVE = (f"{verb}-MailboxFolderPermission" for verb in ("Set", "Add", "Remove"))


async def test_flags_stay_unless_they_are_named(shell: Shell) -> None:
    assert not (await shell(SET, **WHO, AccessRights="Reviewer")).errors
    assert shell.entry() == (("Reviewer",), ("Delegate",))
    assert not (
        await shell(SET, **WHO, AccessRights="Editor", SharingPermissionFlags="Delegate,CanViewPrivateItems")
    ).errors
    assert shell.entry() == (("Editor",), ("Delegate", "CanViewPrivateItems"))
    assert not (await shell(SET, **WHO, AccessRights="Editor", SharingPermissionFlags="None")).errors
    assert shell.entry() == (("Editor",), ())


async def test_flags_are_taken_beside_editor_and_together_with_delegate_only(shell: Shell) -> None:
    before = shell.entry()
    for parameters in (
        {"AccessRights": "Author", "SharingPermissionFlags": "Delegate"},
        {"AccessRights": "Author", "SharingPermissionFlags": "None"},
        {"AccessRights": "Editor", "SharingPermissionFlags": "CanViewPrivateItems"},
    ):
        assert (await shell(SET, **WHO, **parameters)).errors
    refused = await shell(SET, **WHO, AccessRights="Editor", SharingPermissionFlags="Owner")
    assert refused.failure is not None or refused.errors
    assert shell.entry() == before


async def test_a_notification_without_flags_ends_the_delegation(shell: Shell) -> None:
    answer = run(shell.estate, ask(SET, **WHO, AccessRights=("Editor",), SendNotificationToUser=True), ADMINISTRATOR)
    assert not answer.errors and shell.entry() == (("Editor",), ())


async def test_set_needs_an_entry_add_none(shell: Shell) -> None:
    ada = {"Identity": CALENDAR, "User": ADA}
    assert (await shell(SET, **ada, AccessRights="Editor")).not_found
    assert "existing permission entry was found" in (await shell(ADD, **WHO, AccessRights="Editor")).errors[0]
    assert not (await shell(REMOVE, **WHO)).errors and shell.entry() is None
    assert (await shell(REMOVE, **WHO, Confirm=False)).not_found
    added = await shell(ADD, **WHO, AccessRights="Editor", SharingPermissionFlags="Delegate")
    assert added.objects and shell.entry() == (("Editor",), ("Delegate",))
    default = {"Identity": CALENDAR, "User": "Default"}
    assert "can't remove" in (await shell(REMOVE, **default)).errors[0]
    assert (await shell(ADD, Identity=CALENDAR, User="nobody", AccessRights="Editor")).errors


async def test_mailboxes_and_their_access(shell: Shell) -> None:
    assert (await shell("Get-Mailbox", Identity=ADA)).not_found, "ada is a mail user online"
    asked = ask("Get-MailUser", Identity=ADA)
    (user,) = cmdlets.read_answer(asked, await InProcess(shell.estate).cmdlet(asked))  # type: ignore[misc]
    assert user == shell.estate.organization.one(r.MailUser, ONLINE, ADA)
    assert len((await shell("Get-Mailbox", ResultSize="Unlimited")).objects) == 2
    grant = {"Add": (ADA, "Marie Curie"), "Remove": ("x@y.z",)}
    assert "Couldn't find" in (await shell("Set-Mailbox", Identity=LINUS, GrantSendOnBehalfTo=grant)).errors[0]
    grant = {"Add": (ADA,), "Remove": (MARIE,)}
    assert not (await shell("Set-Mailbox", Identity="Linus Pauling", GrantSendOnBehalfTo=grant)).errors
    linus = shell.estate.organization.one(r.Mailbox, ONLINE, LINUS)
    assert linus and linus.grant_send_on_behalf_to == (ADA,)
    assert not (await shell("Set-CASMailbox", Identity=LINUS, EwsEnabled=False)).errors
    asked = ask("Get-CASMailbox", Identity=LINUS)
    (cas,) = cmdlets.read_answer(asked, await InProcess(shell.estate).cmdlet(asked))  # type: ignore[misc]
    assert isinstance(cas, r.CasMailbox) and cas.ews_enabled is False
    again = await shell("Set-CASMailbox", Identity=LINUS, EwsEnabled=False)
    assert "no settings" in again.warnings[0]


async def test_the_two_sides_are_apart(shell: Shell) -> None:
    organization = shell.estate.organization
    await shell("Set-Mailbox", Identity=LINUS, GrantSendOnBehalfTo={"Add": (ADA,)})
    assert {str(address) for address in shell.estate.organization.difference(organization)} == {
        f"Mailbox '{LINUS}' (online)"
    }
    twin = msgspec.structs.replace(organization.all(r.Mailbox, ONLINE)[0], identity=ADA, display_name="Ada online")
    shell.estate.organization = shell.estate.organization.put(twin)
    (shown,) = (await shell("Get-Mailbox", Identity=ADA)).objects
    assert shown["DisplayName"] == "Ada online"


# The witness ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rights", "flags", "because"),
    [
        (("Editor",), ("Delegate",), ""),
        (("Author",), ("Delegate",), ""),
        (("Editor",), (), "GetDelegate does not list marie@contoso.com."),
        (("Reviewer",), ("Delegate",), "GetDelegate gives marie@contoso.com the calendar level Reviewer."),
        (("Owner",), ("Delegate",), "GetDelegate gives marie@contoso.com the calendar level Custom."),
    ],
)
async def test_the_scheduler_judges_an_online_delegator_by_the_same_rule(
    estate: Estate, rights: tuple[str, ...], flags: tuple[str, ...], because: str
) -> None:
    entry = estate.organization.one(r.MailboxFolderPermission, ONLINE, f"{CALENDAR}/{MARIE}")
    assert entry
    changed = msgspec.structs.replace(entry, access_rights=rights, sharing_permission_flags=flags)
    estate.organization = estate.organization.put(changed)
    seen = await scheduler(estate, InProcess(estate), LINUS, MARIE)
    assert (seen.because, seen.symptom) == (because, Symptom.DELEGATE_CANNOT_SCHEDULE if because else None)
