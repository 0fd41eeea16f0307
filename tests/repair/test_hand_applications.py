"""The hand that writes applications and consent, against the lab's Graph: nothing of others is lost or given."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import msgspec
import pytest

from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.lab.contoso_hybrid import HYBRID_APPLICATION, HYBRID_APPLICATION_ID
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.org.records import Address
from hybridge.org.union import AnyRecord
from hybridge.plan import Change, Plan
from hybridge.repair.executor import Applied, Patience, Undone, apply, undo
from hybridge.repair.hands.base import Reply, hand_for
from hybridge.repair.hands.graph import GraphHand
from hybridge.repair.hybrid_rules import PERMISSION
from hybridge.repair.journal import open_journal
from hybridge.repair.rules import refusal
from hybridge.terms import applications as apps
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.hybrid_application import FULL_ACCESS_AS_APP
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
from hybridge.wire.graph.errors import write_error

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
APPLICATION = Address("EntraApplication", ONLINE, HYBRID_APPLICATION.lower())
CONSENT = Address("AppRoleAssignment", ONLINE, f"{HYBRID_APPLICATION}/{FULL_ACCESS_AS_APP}".lower())
OURS, THEIRS, LATER = 10, 20, 30
"""Ages of certificates in days: the one Exchange signs with, what somebody uploaded before, and afterwards."""
OTHER = "00000003-0000-0000-c000-000000000000/11111111-2222-4333-8444-555555555555/Role"


@cache
def certificate(age: int) -> AuthCertificate:
    return make_auth_certificate(NOW, timedelta(days=age))


def key(age: int, **changes: object) -> r.KeyCredential:
    made = r.KeyCredential(
        key_id=f"0c0ffee0-0000-4000-8000-{age:012d}",
        custom_key_identifier=certificate(age).thumbprint,
        key=certificate(age).der,
        end_at=certificate(age).not_after,
    )
    return msgspec.structs.replace(made, **changes)


class Tenant:
    """The lab's Graph with one application. ``before`` may answer in its place."""

    def __init__(self, *keys: r.KeyCredential, access: tuple[str, ...] = (PERMISSION,), there: bool = True) -> None:
        healthy = contoso(NOW, certificate(OURS))
        healthy = healthy.edit(r.EntraApplication, key_credentials=keys, required_resource_access=access)
        self.estate = Estate(healthy, clock=lambda: NOW, certificate=certificate(OURS))
        if not there:
            principal = Address("ServicePrincipal", ONLINE, HYBRID_APPLICATION_ID)
            self.estate.organization = healthy.drop(APPLICATION, principal, CONSENT)
            self.estate.healthy = self.estate.organization
        self._lab = InProcess(self.estate)
        self.asked: list[HttpAsk] = []
        self.before: Callable[[HttpAsk], HttpAnswer | None] = lambda _: None
        self.hand = GraphHand(WORLDWIDE.graph, SetClock(NOW), self.sleep)
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        self.asked.append(ask)
        return self.before(ask) or await self._lab.http(ask)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        raise AssertionError(ask.name)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        raise AssertionError(ask.name)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        raise AssertionError(ask.host)

    @property
    def application(self) -> r.EntraApplication:
        found = self.estate.organization.at(APPLICATION)
        assert isinstance(found, r.EntraApplication)
        return found

    def keys(self) -> list[bytes | None]:
        return [one.key for one in self.application.key_credentials]

    def access(self) -> list[str]:
        return list(self.application.required_resource_access)

    async def write(self, before: AnyRecord | None, after: AnyRecord | None) -> Reply | Failure:
        return await self.hand.write(self, changed(before, after))

    def writes(self) -> list[str]:
        return [ask.method for ask in self.asked if ask.method != "GET"]


def changed(before: AnyRecord | None, after: AnyRecord | None) -> Change:
    record = after or before
    assert record is not None
    return Change(address=record.address, before=before, after=after, says="Do it.")


def with_keys(application: r.EntraApplication, *keys: r.KeyCredential) -> r.EntraApplication:
    return msgspec.structs.replace(application, key_credentials=keys)


def wanted(*keys: r.KeyCredential, application_id: str = "") -> r.EntraApplication:
    return r.EntraApplication(
        premises=ONLINE, identity=HYBRID_APPLICATION, display_name=HYBRID_APPLICATION, application_id=application_id,
        required_resource_access=(PERMISSION,), key_credentials=keys,
    )  # fmt: skip


async def run(lab: Tenant, folder: Path, *changes: Change) -> Applied:
    plan = Plan(id="p", organization="contoso.com", evidence_at=NOW, changes=changes)
    with open_journal(folder, "p", "contoso.com") as journal:
        patience = Patience(tries=2, sleep=lab.sleep)
        return await apply(plan, lab, journal, (lab.hand,), who="ada", clock=SetClock(NOW), patience=patience)


async def back(lab: Tenant, folder: Path) -> Undone:
    with open_journal(folder, "p", "contoso.com") as journal:
        patience = Patience(tries=2, sleep=lab.sleep)
        return await undo(journal, lab, (lab.hand,), who="ada", clock=SetClock(NOW), patience=patience)


# Reading --------------------------------------------------------------------------------------------------------------


async def test_the_hand_reads_what_it_writes() -> None:
    lab = Tenant(key(OURS))
    for address in (APPLICATION, CONSENT):
        assert hand_for((lab.hand,), address) is lab.hand
        assert await lab.hand.read(lab, address) == lab.estate.organization.at(address)
    assert await Tenant(there=False).hand.read(lab := Tenant(there=False), APPLICATION) is None
    assert await lab.hand.read(lab, CONSENT) is None


async def test_two_of_one_name_are_left_alone() -> None:
    lab = Tenant(key(OURS))
    twin = msgspec.structs.replace(lab.application, identity=f"{HYBRID_APPLICATION} (2)", object_id="2")
    lab.estate.organization = lab.estate.organization.put(twin)
    read = await lab.hand.read(lab, APPLICATION)
    assert isinstance(read, Failure) and read.reason is FailureReason.REFUSED
    before = with_keys(lab.application)
    assert isinstance(await lab.write(before, with_keys(before, key(OURS))), Failure)
    assert lab.writes() == []


# Keys -----------------------------------------------------------------------------------------------------------------


async def test_a_key_is_merged_with_all_that_live(tmp_path: Path) -> None:
    """Also with one that came while the plan waited; an expired one is not sent again."""
    ended = key(40, end_at=NOW - timedelta(days=1))
    lab = Tenant(key(THEIRS), ended)
    before = lab.application
    lab.estate.organization = lab.estate.organization.put(with_keys(before, key(THEIRS), ended, key(LATER)))
    reply = await lab.write(before, with_keys(before, key(THEIRS), key(OURS)))
    assert isinstance(reply, Reply), reply
    assert lab.keys() == [key(THEIRS).key, key(LATER).key, key(OURS).key]
    kept = lab.application.key_credentials[:2]
    assert [one.key_id for one in kept] == [key(THEIRS).key_id, key(LATER).key_id]
    undone = await lab.write(with_keys(before, key(THEIRS), key(OURS)), before)
    assert isinstance(undone, Reply)
    assert lab.keys() == [key(THEIRS).key, key(LATER).key]


async def test_kept_keys_are_sent_back_whole() -> None:
    lab = Tenant(key(THEIRS))
    await lab.write(lab.application, with_keys(lab.application, key(THEIRS), key(OURS)))
    (patch,) = (json.loads(ask.body) for ask in lab.asked if ask.method == "PATCH")
    first, second = patch["keyCredentials"]
    assert first["keyId"] == key(THEIRS).key_id and "endDateTime" in first and "customKeyIdentifier" in first
    assert set(second) == {"displayName", "key", "keyId", "type", "usage"}


async def test_a_living_key_without_its_bytes_stops_everything() -> None:
    lab = Tenant(key(THEIRS, key=None))
    reply = await lab.write(lab.application, with_keys(lab.application, key(THEIRS, key=None), key(OURS)))
    assert isinstance(reply, Failure) and reply.reason is FailureReason.REFUSED
    assert lab.writes() == []


async def test_what_is_there_already_is_not_written(tmp_path: Path) -> None:
    lab = Tenant(key(OURS))
    without = with_keys(lab.application)
    reply = await lab.write(without, lab.application)
    assert isinstance(reply, Reply) and lab.writes() == []


async def test_a_refusal_of_graph_is_told() -> None:
    lab = Tenant(key(THEIRS))
    lab.before = lambda ask: (
        write_error(403, "Authorization_RequestDenied", "Insufficient privileges.", NOW)
        if ask.method == "PATCH"
        else None
    )
    reply = await lab.write(lab.application, with_keys(lab.application, key(THEIRS), key(OURS)))
    assert isinstance(reply, Failure) and reply.reason is FailureReason.FORBIDDEN
    assert "Insufficient privileges" in reply.says


# Permissions ----------------------------------------------------------------------------------------------------------


async def test_a_permission_is_added_to_what_is_asked_for() -> None:
    lab = Tenant(key(OURS), access=(OTHER,))
    before = lab.application
    after = msgspec.structs.replace(before, required_resource_access=(OTHER, PERMISSION))
    assert isinstance(await lab.write(before, after), Reply)
    assert lab.access() == [OTHER, PERMISSION]
    assert isinstance(await lab.write(after, before), Reply)
    assert lab.access() == [OTHER]


async def test_consent_makes_a_missing_principal() -> None:
    lab = Tenant(key(OURS))
    given = lab.estate.organization.at(CONSENT)
    assert isinstance(given, r.AppRoleAssignment)
    principal = Address("ServicePrincipal", ONLINE, HYBRID_APPLICATION_ID)
    lab.estate.organization = lab.estate.organization.drop(CONSENT, principal)
    assert isinstance(await lab.write(None, given), Reply)
    assert lab.estate.organization.at(principal) is not None
    made = lab.estate.organization.at(CONSENT)
    assert isinstance(made, r.AppRoleAssignment) and made.resource_display_name == given.resource_display_name
    assert isinstance(await lab.write(made, None), Reply)
    assert lab.estate.organization.at(CONSENT) is None
    again = await lab.write(made, None)
    assert isinstance(again, Reply) and "already" in again.says


async def test_no_other_permission_is_given() -> None:
    lab = Tenant(key(OURS))
    role = "11111111-2222-4333-8444-555555555555"
    wide = r.AppRoleAssignment(
        premises=ONLINE, identity=f"{HYBRID_APPLICATION}/{role}", principal=HYBRID_APPLICATION, app_role_id=role
    )
    reply = await lab.write(None, wide)
    assert isinstance(reply, Failure) and lab.writes() == []
    assert "full_access_as_app" in refusal(changed(None, wide), NOW)


# Making and removing --------------------------------------------------------------------------------------------------


async def test_an_application_is_made_used_and_taken_back(tmp_path: Path) -> None:
    lab = Tenant(there=False)
    broken = lab.estate.organization
    consent = r.AppRoleAssignment(
        premises=ONLINE, identity=f"{HYBRID_APPLICATION}/{FULL_ACCESS_AS_APP}", principal=HYBRID_APPLICATION,
        app_role_id=FULL_ACCESS_AS_APP, resource_display_name="Office 365 Exchange Online",
    )  # fmt: skip
    done = await run(lab, tmp_path, changed(None, wanted(key(OURS))), changed(None, consent))
    assert done.complete, done.says
    made = lab.application
    assert made.application_id not in ("", HYBRID_APPLICATION_ID) and lab.keys() == [certificate(OURS).der]
    assert lab.estate.organization.one(r.ServicePrincipal, ONLINE, made.application_id) is not None
    assert (await back(lab, tmp_path)).complete
    assert lab.estate.organization == broken


async def test_an_application_others_put_a_key_on_stays_without_ours(tmp_path: Path) -> None:
    lab = Tenant(there=False)
    assert (await run(lab, tmp_path, changed(None, wanted(key(OURS))))).complete
    made = lab.application
    lab.estate.organization = lab.estate.organization.put(with_keys(made, *made.key_credentials, key(THEIRS)))
    assert (await back(lab, tmp_path)).complete
    assert lab.keys() == [key(THEIRS).key]


async def test_one_made_without_a_key_is_taken_back_too(tmp_path: Path) -> None:
    lab = Tenant(there=False)
    broken = lab.estate.organization
    assert (await run(lab, tmp_path, changed(None, wanted()))).complete
    assert (await back(lab, tmp_path)).complete
    assert lab.estate.organization == broken


@pytest.mark.parametrize(
    ("deleted", "planned", "restored"),
    [
        ((key(OURS),), "", True),
        ((key(OURS),), HYBRID_APPLICATION_ID, True),
        ((key(OURS), key(THEIRS)), "", False),
        ((key(OURS), key(THEIRS)), HYBRID_APPLICATION_ID, None),
    ],
    ids=["fits", "planned", "has more", "planned and has more"],
)
async def test_a_deleted_application_comes_back_only_as_planned(
    deleted: tuple[r.KeyCredential, ...], planned: str, restored: bool | None
) -> None:
    lab = Tenant(*deleted)
    principal = Address("ServicePrincipal", ONLINE, HYBRID_APPLICATION_ID)
    lab.estate.organization = lab.estate.organization.drop(APPLICATION, principal, CONSENT)
    reply = await lab.write(None, wanted(key(OURS), application_id=planned))
    if restored is None:
        assert isinstance(reply, Failure) and lab.writes() == []
        return
    assert isinstance(reply, Reply), reply
    assert (lab.application.application_id == HYBRID_APPLICATION_ID) is restored
    assert lab.keys() == [certificate(OURS).der]
    assert reply.says.startswith("Restored" if restored else "Made")


async def test_graph_that_is_late_is_waited_for() -> None:
    """The new application does not show at once, nor can its principal be made at once."""
    lab = Tenant(there=False)
    late = {"GET": 2, "POST": 1}

    def slow(ask: HttpAsk) -> HttpAnswer | None:
        made = lab.estate.organization.at(APPLICATION) is not None
        if made and ask.method == "GET" and "/applications?" in ask.url and late["GET"]:
            late["GET"] -= 1
            return HttpAnswer(status=200, body=b'{"value":[]}')
        if made and ask.method == "POST" and ask.url.endswith("/servicePrincipals") and late["POST"]:
            late["POST"] -= 1
            return write_error(400, "NoBackingApplicationObject", "Not there yet.", NOW)
        return None

    lab.before = slow
    assert isinstance(await lab.write(None, wanted(key(OURS))), Reply)
    assert late == {"GET": 0, "POST": 0} and len(lab.slept) == 4
    assert len(lab.estate.organization.all(r.EntraApplication)) == 1


async def test_an_answer_that_was_lost_makes_no_second_application(tmp_path: Path) -> None:
    """Graph wrote and the connection dropped: the next run finds the application and goes on from there."""
    lab = Tenant(there=False)
    real = lab._lab

    async def http(ask: HttpAsk) -> HttpAnswer:
        answer = await real.http(ask)
        if ask.method == "POST" and ask.url.endswith("/applications"):
            return HttpAnswer(failure=Failure(reason=FailureReason.UNREACHABLE, says="The connection dropped."))
        return answer

    change = changed(None, wanted(key(OURS)))
    lab.http = http  # type: ignore[method-assign]
    assert not (await run(lab, tmp_path, change)).complete
    del lab.http
    again = await run(lab, tmp_path, change)
    assert again.complete, again.says
    assert len(lab.estate.organization.all(r.EntraApplication)) == 1


# Rules ----------------------------------------------------------------------------------------------------------------


MADE = wanted(key(OURS), application_id=HYBRID_APPLICATION_ID)
OVERRIDE = r.SettingOverride(
    premises=ON, identity="x", component_name="Global", section_name="ExchangeOnpremAsThirdPartyAppId",
    parameters=("Enabled=true",),
)  # fmt: skip
RELATIONSHIP = r.OrganizationRelationship(premises=ON, identity="O365")


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (MADE, None, "never removed"),
        (None, msgspec.structs.replace(MADE, identity="Other"), "only made under a name"),
        (MADE, msgspec.structs.replace(MADE, required_resource_access=()), "not hybridge's to take away"),
        (MADE, msgspec.structs.replace(MADE, required_resource_access=(PERMISSION, OTHER)), "no other permission"),
        (None, msgspec.structs.replace(MADE, required_resource_access=(OTHER,)), "no other permission"),
        (MADE, with_keys(MADE), "must not be dropped"),
        (with_keys(MADE, key(THEIRS, key=None)), MADE, "was not returned"),
        (MADE, with_keys(MADE, key(OURS), r.KeyCredential()), "no DER"),
        (OVERRIDE, None, "never removed"),
        (None, msgspec.structs.replace(OVERRIDE, section_name="IMSettings"), "overrides no other setting"),
        (OVERRIDE, msgspec.structs.replace(OVERRIDE, parameters=("Enabled=false",)), "only switches"),
        (
            RELATIONSHIP,
            msgspec.structs.replace(RELATIONSHIP, target_sharing_epr="http://outlook.office365.com/"),
            "no https",
        ),
        (
            RELATIONSHIP,
            msgspec.structs.replace(RELATIONSHIP, target_sharing_epr="https://outlook.office365.com.evil.example/"),
            "no https address of Exchange Online",
        ),
    ],
)
def test_what_no_plan_may_hold(before: AnyRecord | None, after: AnyRecord | None, word: str) -> None:
    assert word in refusal(changed(before, after), NOW)


def test_what_a_plan_may_hold() -> None:
    epr = "https://outlook.office365.com/EWS/Exchange.asmx"
    for before, after in (
        (None, MADE),
        (MADE, with_keys(MADE, key(OURS), key(LATER))),
        (with_keys(MADE, key(THEIRS, key=None)), with_keys(MADE, key(THEIRS, key=None))),
        (with_keys(MADE, key(40, end_at=NOW)), with_keys(MADE, key(OURS))),
        (None, OVERRIDE),
        (RELATIONSHIP, msgspec.structs.replace(RELATIONSHIP, target_sharing_epr=epr)),
    ):
        assert refusal(changed(before, after), NOW) == ""
    assert apps.EXCHANGE_ONLINE in PERMISSION
