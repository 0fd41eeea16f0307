"""One plan for two consoles: what each part holds, when it may start, what is carried between them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from tests.repair.desk import ON, ONLINE, Desk, broken, plan
from tests.repair.storm import as_compared

from hybridge.lab.weather import Does, HttpRule, weather_of
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.org.records import Record
from hybridge.plan import Change, Manual, Plan, change
from hybridge.repair.executor import Applied
from hybridge.repair.needs import needs_of
from hybridge.repair.plan_file import Part, PlanProblem, plan_id, read_plan, right_id, write_plan
from hybridge.repair.split import (
    files_for,
    missing,
    read_results,
    results_of,
    split,
    standing_on,
    write_results,
)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "journals")


def of(*changes: Change, manual: tuple[Manual, ...] = ()) -> Plan:
    """A whole plan of ``changes``."""
    made = msgspec.structs.replace(plan(), changes=changes, manual=manual)
    return msgspec.structs.replace(made, id=right_id(made))


def made(record: Record, *why: str) -> Change:
    return msgspec.structs.replace(change(Organization(), record, f"Make {record.identity}."), why=why)


def test_the_procedure_becomes_two_parts_in_order() -> None:
    exchange, cloud = split(plan())
    assert (exchange.console, cloud.console) == ("exchange", "cloud")
    assert exchange.numbers == (1, 2, 3, 4, 5)
    assert cloud.numbers == (6, 7, 8)
    assert exchange.changes + cloud.changes == plan().changes
    assert exchange.needs == ()
    assert [(need.number, need.part, need.other) for need in cloud.needs] == [(1, exchange.id, 4), (2, exchange.id, 5)]
    assert all(
        part.of == plan().id and part.id.startswith(f"{plan().id}-{part.console}-") for part in (exchange, cloud)
    )


def test_the_certificate_travels_in_the_plan(tmp_path: Path) -> None:
    _, cloud = split(plan())
    write_plan(cloud, tmp_path / "cloud.json")
    again = read_plan(tmp_path / "cloud.json")
    assert again == cloud
    principal = again.changes[0].after
    assert isinstance(principal, r.ServicePrincipal)
    assert any(key.key and key.key[0] == 0x30 for key in principal.key_credentials)


def test_what_a_plan_says_beside_its_changes_is_in_every_part() -> None:
    whole = msgspec.structs.replace(plan(), procedure="teams-partner-apps", domain_controller="dc1.contoso.com")
    assert {(part.procedure, part.domain_controller) for part in split(whole)} == {
        ("teams-partner-apps", "dc1.contoso.com")
    }


def test_an_application_registered_before_exchange_is_told_makes_cloud_the_first() -> None:
    registration = r.EntraApplication(premises=ONLINE, identity="ExchangeServerApp-1", application_id="aa")
    server = r.AuthServer(premises=ON, identity="EvoSts", application_identifier="aa")
    cloud, exchange = split(of(made(registration), made(server)))
    assert (cloud.console, exchange.console) == ("cloud", "exchange")


def test_what_goes_back_and_forth_becomes_three_parts(tmp_path: Path) -> None:
    user = r.CasMailbox(premises=ON, identity="ada@contoso.com", ews_enabled=True)
    registration = r.EntraApplication(premises=ONLINE, identity="ExchangeServerApp-1", application_id="aa")
    server = r.AuthServer(premises=ON, identity="EvoSts", application_identifier="aa")
    application = r.PartnerApplication(premises=ON, identity="App", application_identifier="id")
    principal = r.ServicePrincipal(premises=ONLINE, identity="id")
    changes = (made(user), made(application), made(principal), made(registration), made(server))
    parts = split(of(*changes))
    assert [(part.console, part.numbers) for part in parts] == [
        ("exchange", (1, 2)),
        ("cloud", (3, 4)),
        ("exchange", (5,)),
    ]
    names = [path.name for path, _ in files_for(parts, tmp_path / "plan.json")]
    assert names == ["plan.exchange.json", "plan.cloud.json", "plan.exchange-2.json"]
    assert [path.name for path, _ in files_for(parts[:1], tmp_path / "plan")] == ["plan.exchange.json"]


def test_every_need_is_kept_and_points_back() -> None:
    for whole in (plan(), of(*reversed(plan().changes))):
        parts = split(whole)
        place = {one: (part.id, here) for part in parts for here, one in enumerate(part.numbers, start=1)}
        assert sorted(place) == list(range(1, len(whole.changes) + 1))
        earlier: set[tuple[str, int]] = set()
        for part in parts:
            told = {(need.number, need.part, need.other) for need in part.needs}
            for here, one in enumerate(part.numbers, start=1):
                for other in needs_of(whole.changes)[one - 1]:
                    assert place[other] in earlier
                    assert place[other][0] == part.id or (here, *place[other]) in told
                earlier.add((part.id, here))


def test_a_plan_for_one_side_is_one_part_and_an_empty_one_none() -> None:
    (part,) = split(of(*plan().changes[:3]))
    assert part.console == "exchange"
    assert split(of()) == ()


def test_cures_by_hand_stand_in_the_first_part_only() -> None:
    manual = Manual(says="Open the firewall.", steps=("Do it.",), verify="Look.")
    exchange, cloud = split(of(*plan().changes, manual=(manual,)))
    assert (exchange.manual, cloud.manual) == ((manual,), ())


def test_causes_that_a_later_part_ends_are_named() -> None:
    user = r.CasMailbox(premises=ON, identity="ada@contoso.com", ews_enabled=True)
    policy = r.CsOnlineUser(premises=ONLINE, identity="ada@contoso.com")
    exchange, cloud = split(of(made(user, "a/b:c", "only/here:x"), made(policy, "a/b:c")))
    assert (exchange.also, cloud.also) == (("a/b:c",), ())


def test_an_edited_part_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plan.cloud.json"
    _, cloud = split(plan())
    write_plan(cloud, file)
    text = json.loads(file.read_text())
    for field, value in (("needs", []), ("console", "exchange"), ("numbers", [1, 2, 3]), ("of", ""), ("changes", [])):
        file.write_text(json.dumps({**text, field: value}))
        with pytest.raises(PlanProblem, match="edited after it was made"):
            read_plan(file)


def test_a_whole_plan_is_read_as_one(tmp_path: Path) -> None:
    write_plan(plan(), tmp_path / "plan.json")
    again = read_plan(tmp_path / "plan.json")
    assert again == plan()
    assert not isinstance(again, Part)
    assert plan().id == plan_id(plan().organization, plan().evidence_at, plan().changes, plan().manual)


async def carried(desk: Desk, part: Part, file: Path) -> Applied:
    """Apply ``part`` and write its results to ``file``."""
    applied = await desk.apply(part)
    write_results(results_of(applied, part, "ada", desk.now), file)
    return applied


async def test_the_second_part_waits_for_the_results_of_the_first(desk: Desk, tmp_path: Path) -> None:
    exchange, cloud = split(plan())
    assert [need.other for need in missing(cloud, [], [])] == [4, 5]
    assert missing(exchange, [], []) == ()
    assert (await carried(desk, exchange, tmp_path / "done.json")).complete
    results = read_results(tmp_path / "done.json")
    assert missing(cloud, [results], []) == ()
    assert missing(cloud, [msgspec.structs.replace(results, organization="fabrikam.com")], []) != ()
    assert missing(cloud, [msgspec.structs.replace(results, results_of="another")], []) != ()
    assert (await desk.apply(cloud)).complete


async def test_the_journal_of_the_first_part_is_as_good_as_its_results(desk: Desk) -> None:
    exchange, cloud = split(plan())
    await desk.apply(exchange)
    assert missing(cloud, [], [desk.journal(exchange.id)]) == ()
    await desk.undo(exchange.id)
    assert [need.other for need in missing(cloud, [], [desk.journal(exchange.id)])] == [4, 5]


async def test_a_part_that_failed_half_way_holds_the_other_back(desk: Desk, tmp_path: Path) -> None:
    exchange, cloud = split(plan())
    desk.estate.organization = desk.organization.put(
        r.PartnerApplication(premises=ON, identity="CloudVoicemail", application_identifier="other")
    )
    assert not (await carried(desk, exchange, tmp_path / "done.json")).complete
    assert [need.other for need in missing(cloud, [read_results(tmp_path / "done.json")], [])] == [4, 5]


async def test_what_was_already_so_counts_as_made(desk: Desk, tmp_path: Path) -> None:
    exchange, cloud = split(plan())
    await desk.apply()
    desk.root = tmp_path / "elsewhere"
    applied = await carried(desk, exchange, tmp_path / "done.json")
    assert (applied.complete, applied.journal) == (True, "")
    assert missing(cloud, [read_results(tmp_path / "done.json")], []) == ()


async def test_in_a_complete_journal_steps_never_begun_were_already_so(desk: Desk) -> None:
    exchange, cloud = split(plan())
    desk.estate.organization = broken().put(exchange.changes[0].after or exchange.changes[0].before)  # type: ignore[arg-type]
    assert (await desk.apply(exchange)).complete
    journal = desk.journal(exchange.id)
    assert [step.number for step in journal.steps] == [2, 3, 4, 5]
    first = msgspec.structs.replace(cloud.needs[0], other=1)
    assert missing(msgspec.structs.replace(cloud, needs=(first,)), [], [journal]) == ()


async def test_a_part_is_resumed_from_its_journal_alone(desk: Desk) -> None:
    exchange, cloud = split(plan())
    await desk.apply(exchange)
    weather_of(desk.estate).turn(HttpRule(does=Does.DROP_BEFORE))
    assert not (await desk.apply(cloud)).complete
    weather_of(desk.estate).turn()
    assert desk.journal(cloud.id).whole_plan == cloud
    assert (await desk.resume(plan_id=cloud.id)).complete


async def test_both_parts_come_to_what_the_whole_comes_to_and_back(desk: Desk, tmp_path: Path) -> None:
    parts = split(plan())
    for part in parts:
        assert (await desk.apply(part)).complete
    by_parts = desk.organization
    whole = Desk(tmp_path / "whole", clock=SetClock(desk.now))
    assert (await whole.apply()).complete
    assert as_compared(by_parts).difference(as_compared(whole.organization)) == ()
    journals = [desk.journal(part.id) for part in parts]
    assert standing_on(journals[0], journals) == (parts[1].id,)
    assert standing_on(journals[1], journals) == ()
    for part in reversed(parts):
        assert (await desk.undo(part.id)).complete
    assert as_compared(desk.organization) == as_compared(broken())
    assert standing_on(journals[0], [desk.journal(part.id) for part in parts]) == ()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"plan":"x"}', b"\xff", b"[" * 50_000])
def test_a_file_that_holds_no_results_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "results.json"
    file.write_bytes(content)
    with pytest.raises(PlanProblem, match=r"results\.json does not hold the results of a run"):
        read_results(file)
    with pytest.raises(PlanProblem, match="results file .*nowhere.* cannot be read"):
        read_results(tmp_path / "nowhere")
