"""The hands that write Entra and Teams, against the lab's Graph and configuration service in process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
import pytest

from hybridge.lab.apps import router
from hybridge.lab.apps.base import Request
from hybridge.lab.apps.tokens import mint
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.lab.estate import ENTRA_CLIENT, Estate
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.org.records import Address
from hybridge.org.union import AnyRecord
from hybridge.plan import Change, Plan
from hybridge.repair.executor import Applied, Patience, Undone, apply, undo
from hybridge.repair.hands.base import Reply, hand_for
from hybridge.repair.hands.graph import GraphHand
from hybridge.repair.hands.teams import TeamsHand
from hybridge.repair.journal import open_journal
from hybridge.terms import applications as apps
from hybridge.terms.clouds import WORLDWIDE
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
ONLINE = Premises.ONLINE
SCHEDULER = Address("ServicePrincipal", ONLINE, apps.TEAMS_SCHEDULER)


@cache
def certificate(number: int) -> AuthCertificate:
    return make_auth_certificate(NOW, age=timedelta(days=number))


def key(number: int, **changes: object) -> r.KeyCredential:
    one = r.KeyCredential(key_id=f"key-{number}", key=certificate(number).der, end_at=certificate(number).not_after)
    return msgspec.structs.replace(one, **changes)


OURS, THEIRS, LATER = 1, 2, 3
"""Numbers of certificates: what we upload, what somebody else uploaded before, and afterwards."""


def principal(*keys: r.KeyCredential) -> r.ServicePrincipal:
    return r.ServicePrincipal(
        premises=ONLINE, identity=apps.TEAMS_SCHEDULER, object_id="object-1", key_credentials=keys
    )


def changed(before: AnyRecord | None, after: AnyRecord | None) -> Change:
    record = after or before
    assert record is not None
    return Change(address=record.address, before=before, after=after, says="Do it.")


class Online:
    """Graph and the Teams configuration service of the lab. ``before`` may answer in their place."""

    def __init__(self, *records: r.Record, without: tuple[Address, ...] = ()) -> None:
        healthy = contoso(NOW, certificate(OURS))
        self.estate = Estate(healthy, clock=lambda: NOW, certificate=certificate(OURS))
        self.estate.organization = healthy.drop(*without).put(*records)
        self.asked: list[HttpAsk] = []
        self.before: Callable[[HttpAsk], HttpAnswer | None] = lambda _: None
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    @property
    def graph(self) -> GraphHand:
        return GraphHand(WORLDWIDE.graph, SetClock(NOW), self.sleep)

    @property
    def teams(self) -> TeamsHand:
        return TeamsHand(WORLDWIDE.teams_config, self.sleep)

    def keys(self) -> list[bytes | None]:
        found = self.estate.organization.at(SCHEDULER)
        assert isinstance(found, r.ServicePrincipal)
        return [one.key for one in found.key_credentials]

    def bodies(self, method: str) -> list[bytes]:
        return [ask.body for ask in self.asked if ask.method == method]

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        self.asked.append(ask)
        if (answer := self.before(ask)) is not None:
            return answer
        url = urlsplit(ask.url)
        token = mint(self.estate, ENTRA_CLIENT, ask.scope.removesuffix("/.default"))
        request = Request(
            method=ask.method,
            host=url.hostname or "",
            path=unquote(url.path),
            query=dict(parse_qsl(url.query)),
            headers={"authorization": f"Bearer {token}"},
            body=ask.body,
        )
        return router.answer(self.estate, request)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        raise AssertionError(ask.name)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        raise AssertionError(ask.name)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        raise AssertionError(ask.host)

    async def apply(self, root: Path, change: Change) -> Applied:
        plan = Plan(id="p1", organization="contoso.com", evidence_at=NOW, changes=(change,))
        with open_journal(root, "p1", "contoso.com") as journal:
            hands, patience = (self.graph, self.teams), Patience(tries=2, sleep=self.sleep)
            return await apply(plan, self, journal, hands, who="ada", clock=SetClock(NOW), patience=patience)

    async def undo(self, root: Path) -> Undone:
        with open_journal(root, "p1") as journal:
            hands, patience = (self.graph, self.teams), Patience(tries=2, sleep=self.sleep)
            return await undo(journal, self, hands, who="ada", clock=SetClock(NOW), patience=patience)


UPLOAD = changed(principal(key(THEIRS)), principal(key(THEIRS), key(OURS)))


async def test_a_key_is_added_beside_the_others_and_taken_back_alone(tmp_path: Path) -> None:
    online = Online(principal(key(THEIRS)))
    before = online.estate.organization
    assert (await online.apply(tmp_path, UPLOAD)).complete
    assert online.keys() == [certificate(THEIRS).der, certificate(OURS).der]
    assert (await online.undo(tmp_path)).complete
    assert online.estate.organization == before


async def test_only_key_type_and_usage_are_sent() -> None:
    online = Online(principal(key(THEIRS)))
    assert isinstance(await online.graph.write(online, UPLOAD), Reply)
    (body,) = online.bodies("PATCH")
    sent = msgspec.json.decode(body)["keyCredentials"]
    assert [set(one) for one in sent] == [{"type", "usage", "key"}] * 2


async def test_expired_keys_alone_are_left_out() -> None:
    expired = key(LATER, end_at=NOW - timedelta(seconds=1))
    online = Online(principal(expired, key(THEIRS)))
    reply = await online.graph.write(online, UPLOAD)
    assert reply == Reply(says=f"Keys of {apps.TEAMS_SCHEDULER}: 1 kept, 1 added, 0 removed, 1 expired dropped.")
    assert online.keys() == [certificate(THEIRS).der, certificate(OURS).der]


async def test_an_expired_key_with_our_certificate_is_sent_again() -> None:
    expired = principal(key(OURS, end_at=NOW - timedelta(days=1)))
    online = Online(expired)
    reply = await online.graph.write(online, changed(expired, principal(key(OURS))))
    assert reply == Reply(says=f"Keys of {apps.TEAMS_SCHEDULER}: 0 kept, 1 added, 0 removed, 1 expired dropped.")
    (body,) = online.bodies("PATCH")
    assert len(msgspec.json.decode(body)["keyCredentials"]) == 1


async def test_somebody_elses_new_key_survives_apply_and_undo(tmp_path: Path) -> None:
    online = Online(principal(key(THEIRS)))
    await online.apply(tmp_path, UPLOAD)
    online.estate.organization = online.estate.organization.put(principal(key(THEIRS), key(OURS), key(LATER)))
    assert (await online.undo(tmp_path)).complete
    assert online.keys() == [certificate(THEIRS).der, certificate(LATER).der]


async def test_a_key_added_between_plan_and_apply_is_drift(tmp_path: Path) -> None:
    online = Online(principal(key(THEIRS), key(LATER)))
    applied = await online.apply(tmp_path, UPLOAD)
    assert "key_credentials is [" in applied.says
    assert online.bodies("PATCH") == []


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (key(LATER, key=None), "was not returned by Graph"),
        (key(LATER, type="Symmetric"), "is a Symmetric key for Verify"),
        (key(LATER, usage="Sign"), "is a AsymmetricX509Cert key for Sign"),
    ],
)
async def test_a_key_that_writing_would_lose_stops_the_hand(odd: r.KeyCredential, reason: str) -> None:
    online = Online(principal(key(THEIRS), odd))
    failure = await online.graph.write(online, UPLOAD)
    assert isinstance(failure, Failure)
    assert failure.reason is FailureReason.REFUSED
    assert reason in failure.says and "Nothing was written" in failure.says
    assert online.bodies("PATCH") == []


async def test_an_expired_key_that_was_not_returned_does_not_stop_it() -> None:
    online = Online(principal(key(THEIRS), key(LATER, key=None, end_at=NOW)))
    assert isinstance(await online.graph.write(online, UPLOAD), Reply)


CREATE = changed(None, principal(key(OURS)))


async def test_a_missing_principal_is_made_and_removed_again(tmp_path: Path) -> None:
    online = Online(without=(SCHEDULER,))
    before = online.estate.organization
    assert (await online.apply(tmp_path, CREATE)).complete
    assert online.keys() == [certificate(OURS).der]
    assert (await online.undo(tmp_path)).complete
    assert online.estate.organization == before


async def test_a_principal_we_made_stays_when_others_use_it(tmp_path: Path) -> None:
    online = Online(without=(SCHEDULER,))
    await online.apply(tmp_path, CREATE)
    present = online.estate.organization.at(SCHEDULER)
    assert isinstance(present, r.ServicePrincipal)
    shared = msgspec.structs.replace(present, key_credentials=(*present.key_credentials, key(LATER)))
    online.estate.organization = online.estate.organization.put(shared)
    assert (await online.undo(tmp_path)).complete
    assert online.keys() == [certificate(LATER).der]


async def test_a_principal_somebody_made_meanwhile_is_drift(tmp_path: Path) -> None:
    online = Online(principal())
    applied = await online.apply(tmp_path, CREATE)
    assert "it is present, not absent" in applied.says
    assert online.bodies("POST") == online.bodies("PATCH") == []


async def test_a_new_principal_is_waited_for() -> None:
    online = Online(without=(SCHEDULER,))
    hidden = [3]

    def slow(ask: HttpAsk) -> HttpAnswer | None:
        if ask.method == "GET" and hidden[0]:
            hidden[0] -= 1
            return write_error(404, "Request_ResourceNotFound", "Not yet.")
        return None

    online.before = slow
    assert isinstance(await online.graph.write(online, CREATE), Reply)
    assert online.slept == [2.0, 2.0]


async def test_a_new_principal_that_never_shows_is_told() -> None:
    online = Online(without=(SCHEDULER,))
    online.before = lambda ask: write_error(404, "Request_ResourceNotFound", "No.") if ask.method == "GET" else None
    failure = await online.graph.write(online, CREATE)
    assert isinstance(failure, Failure)
    assert "does not show it yet" in failure.says


async def test_locked_keys_are_explained() -> None:
    online = Online(principal(key(THEIRS)))
    refused = write_error(403, "Authorization_RequestDenied", "Insufficient privileges.")
    online.before = lambda ask: refused if ask.method == "PATCH" else None
    failure = await online.graph.write(online, UPLOAD)
    assert isinstance(failure, Failure)
    assert failure.reason is FailureReason.FORBIDDEN
    assert "may have locked its credentials" in failure.next_step


async def test_too_many_requests_are_sent_again_after_the_named_time() -> None:
    online = Online(principal(key(THEIRS)))
    busy = [2]

    def answer(ask: HttpAsk) -> HttpAnswer | None:
        if ask.method == "PATCH" and busy[0]:
            busy[0] -= 1
            refused = write_error(429, "TooManyRequests", "Slow down.")
            return msgspec.structs.replace(refused, headers=(*refused.headers, ("retry-after", "7")))
        return None

    online.before = answer
    assert isinstance(await online.graph.write(online, UPLOAD), Reply)
    assert online.slept == [1.0, 7.0, 7.0]


async def test_an_unreachable_graph_is_a_value() -> None:
    online = Online()
    gone = Failure(reason=FailureReason.UNREACHABLE, says="graph.microsoft.com did not answer.")
    online.before = lambda _: HttpAnswer(failure=gone)
    assert await online.graph.read(online, SCHEDULER) == gone
    assert await online.graph.write(online, UPLOAD) == gone


def user(policy: str) -> r.CsOnlineUser:
    found = contoso(NOW, certificate(OURS)).one(r.CsOnlineUser, ONLINE, "ada@contoso.com")
    assert found is not None
    return msgspec.structs.replace(found, teams_upgrade_policy=policy)


@pytest.mark.parametrize(("before", "after"), [("SfBOnly", "UpgradeToTeams"), ("SfBOnly", ""), ("", "UpgradeToTeams")])
async def test_an_upgrade_policy_is_assigned_and_given_back(tmp_path: Path, before: str, after: str) -> None:
    online = Online(user(before))
    applied = await online.apply(tmp_path, changed(user(before), user(after)))
    assert applied.complete, applied.says
    assert online.estate.organization.at(user("").address) == user(after)
    assert (await online.undo(tmp_path)).complete
    assert online.estate.organization.at(user("").address) == user(before)


async def test_an_unknown_policy_or_user_is_told(tmp_path: Path) -> None:
    online = Online(user("SfBOnly"))
    applied = await online.apply(tmp_path, changed(user("SfBOnly"), user("Nonsense")))
    assert not applied.complete
    assert "Nonsense" in applied.says
    assert await online.graph.read(online, Address("CsOnlineUser", ONLINE, "nobody@contoso.com")) is None
    assert isinstance(await online.graph.write(online, changed(None, user(""))), Failure)


def policy(*pinned: str) -> r.TeamsAppSetupPolicy:
    return r.TeamsAppSetupPolicy(
        premises=ONLINE, identity="Global", pinned_app_bar_apps=pinned, allow_user_pinning=False
    )


async def test_an_app_is_pinned_at_its_place_and_unpinned(tmp_path: Path) -> None:
    online = Online(policy("chat", "files"))
    applied = await online.apply(
        tmp_path, changed(policy("chat", "files"), policy("chat", apps.TEAMS_CALENDAR_APP, "files"))
    )
    assert applied.complete, applied.says
    assert online.estate.organization.at(policy().address) == policy("chat", apps.TEAMS_CALENDAR_APP, "files")
    (body,) = online.bodies("PUT")
    assert list(msgspec.json.decode(body)) == ["PinnedAppBarApps"]
    assert (await online.undo(tmp_path)).complete
    assert online.estate.organization.at(policy().address) == policy("chat", "files")


async def test_pins_in_another_order_are_drift(tmp_path: Path) -> None:
    online = Online(policy("files", "chat"))
    applied = await online.apply(tmp_path, changed(policy("chat", "files"), policy("chat", "files", "x")))
    assert "pinned_app_bar_apps is [files, chat], not [chat, files]" in applied.says


async def test_a_policy_that_is_gone_or_refused_is_told() -> None:
    online = Online()
    assert await online.teams.read(online, Address("TeamsAppSetupPolicy", ONLINE, "kiosk")) is None
    online.before = lambda _: write_error(403, "Forbidden", "No.")
    assert isinstance(await online.teams.read(online, policy().address), Failure)
    assert isinstance(await online.teams.write(online, changed(policy(), policy("x"))), Failure)
    assert isinstance(await online.teams.write(online, changed(None, policy("x"))), Failure)


def test_every_online_kind_has_one_hand() -> None:
    online = Online()
    hands = (online.graph, online.teams)
    for address in (SCHEDULER, user("").address, policy().address):
        assert sum((address.kind, address.premises) in hand.kinds for hand in hands) == 1
    assert hand_for(hands, Address("Mailbox", Premises.ON_PREMISES, "ada@contoso.com")) is None
