"""The lab's Graph as another client meets it: events, settings, subscriptions, and the lab's control of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.loop.walk import NOW
from tests.presence.graph.graph_lab import ADA, HOUR, LINUS, MARIE, ONLINE, Lab

from hybridge.lab.apps.graph_subscriptions import post_of
from hybridge.lab.mail.items import Item
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.ews.recurrences import Pattern, Recurrence

EVENT = {
    "subject": "Budget",
    "start": {"dateTime": "2026-11-20T10:00:00", "timeZone": "UTC"},
    "end": {"dateTime": "2026-11-20T11:00:00", "timeZone": "UTC"},
    "showAs": "oof",
}
VIEW = f"/users/{LINUS}/calendarView?startDateTime=2026-11-20T00:00:00Z&endDateTime=2026-11-27T00:00:00Z"


def read(answer: HttpAnswer) -> Any:
    return msgspec.json.decode(answer.body)


async def control(lab: Lab, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {lab.running.token}"}
    url = lab.running.control_url + path
    async with aiohttp.request(method, url, json=body, headers=headers) as reply:
        return reply.status, await reply.json()


async def test_an_event_is_made_changed_and_deleted(lab: Lab) -> None:
    made = await lab.ask("POST", f"/users/{LINUS}/events", EVENT)
    assert made.status == 201 and read(made)["showAs"] == "oof"
    path = f"/users/{LINUS}/events/{read(made)['id']}"
    changed = await lab.ask("PATCH", path, {"showAs": "free", "subject": "Later"})
    assert (changed.status, read(changed)["showAs"], read(changed)["subject"]) == (200, "free", "Later")
    assert read(changed)["changeKey"] != read(made)["changeKey"]
    assert [one["subject"] for one in read(await lab.ask("GET", VIEW))["value"]] == ["Later"]
    assert (await lab.ask("DELETE", path)).status == 204
    assert (await lab.ask("GET", path)).status == 404
    assert read(await lab.ask("GET", VIEW))["value"] == []


async def test_an_occurrence_is_changed_and_deleted_by_itself(lab: Lab) -> None:
    series = Recurrence(pattern=Pattern(kind="Daily"), starts_on=NOW.date(), count=4)
    item = Item(premises=ONLINE, mailbox=LINUS, subject="Standup", start_at=NOW, end_at=NOW + HOUR, recurrence=series)
    lab.store.add(item)
    first, second, third, _ = read(await lab.ask("GET", VIEW))["value"]
    assert {one["type"] for one in (first, second, third)} == {"occurrence"}
    assert (await lab.ask("DELETE", f"/users/{LINUS}/events/{second['id']}")).status == 204
    patched = await lab.ask("PATCH", f"/users/{LINUS}/events/{third['id']}", {"showAs": "tentative"})
    assert read(patched)["type"] == "exception"
    left = read(await lab.ask("GET", VIEW))["value"]
    assert [one["showAs"] for one in left] == ["busy", "tentative", "busy"]
    (master,) = read(await lab.ask("GET", f"/users/{LINUS}/events"))["value"]
    assert master["type"] == "seriesMaster"


@pytest.mark.parametrize(
    "body",
    [{}, {**EVENT, "showAs": "asleep"}, {**EVENT, "end": EVENT["start"] | {"dateTime": "2026-11-20T09:00:00"}}],  # type: ignore[operator]
)
async def test_what_is_no_event_is_refused(lab: Lab, body: Any) -> None:
    assert (await lab.ask("POST", f"/users/{LINUS}/events", body)).status == 400


async def test_a_mailbox_on_premises_is_not_served(lab: Lab) -> None:
    for path in (VIEW.replace(LINUS, ADA), f"/users/{ADA}/events", f"/users/{ADA}/mailboxSettings"):
        answer = await lab.ask("GET", path)
        assert (answer.status, read(answer)["error"]["code"]) == (404, "MailboxNotEnabledForRESTAPI")


async def test_free_busy_of_a_mailbox_on_premises_comes_through_the_hybrid(lab: Lab) -> None:
    body = {
        "schedules": [ADA, LINUS],
        "startTime": {"dateTime": "2026-11-20T00:00:00", "timeZone": "UTC"},
        "endTime": {"dateTime": "2026-11-22T00:00:00", "timeZone": "UTC"},
    }
    lab.put(LINUS, busy_type="WorkingElsewhere")
    ada, linus = read(await lab.ask("POST", f"/users/{MARIE}/calendar/getSchedule", body))["value"]
    assert [one["status"] for one in ada["scheduleItems"]] == ["busy", "tentative"]
    assert [one["status"] for one in linus["scheduleItems"]] == ["workingElsewhere"]
    assert linus["availabilityView"] == "0", "the view shows working elsewhere as free"


async def test_automatic_replies_are_switched_on(lab: Lab) -> None:
    path = f"/users/{LINUS}/mailboxSettings"
    setting = {"automaticRepliesSetting": {"status": "alwaysEnabled"}}
    assert (await lab.ask("PATCH", path, setting)).status == 200
    assert read(await lab.ask("GET", f"{path}/automaticRepliesSetting"))["status"] == "alwaysEnabled"
    assert read(await lab.ask("GET", f"{path}/timeZone"))["value"]
    assert (await lab.ask("PATCH", path, {"automaticRepliesSetting": {"status": "perhaps"}})).status == 400


async def test_a_delta_takes_no_select(lab: Lab) -> None:
    answer = await lab.ask("GET", VIEW.replace("calendarView?", "calendarView/delta?$select=id&"))
    assert answer.status == 400


@pytest.mark.parametrize("minutes", [-1, 0, 4300])
async def test_a_subscription_lives_no_longer_than_it_may(lab: Lab, minutes: int) -> None:
    ends = (lab.now() + timedelta(minutes=minutes)).strftime("%FT%TZ")
    body = {"changeType": "updated", "notificationUrl": lab.url, "resource": f"users/{LINUS}/events"}
    answer = await lab.ask("POST", "/subscriptions", {**body, "expirationDateTime": ends})
    assert answer.status == 400 and not post_of(lab.estate).kept


async def test_a_mailbox_has_so_many_subscriptions_and_no_more(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybridge.lab.apps.graph_subscriptions.PER_MAILBOX", 1)
    async with lab.source(lab.settings(), MARIE):
        ends = (lab.now() + HOUR).strftime("%FT%TZ")
        body = {"changeType": "updated", "notificationUrl": lab.url, "resource": f"users/{LINUS}/events"}
        first = await lab.ask("POST", "/subscriptions", {**body, "expirationDateTime": ends})
        second = await lab.ask("POST", "/subscriptions", {**body, "expirationDateTime": ends})
        assert (first.status, second.status) == (201, 403)
        assert len(read(await lab.ask("GET", "/subscriptions"))["value"]) == 1
        path = f"/subscriptions/{read(first)['id']}"
        assert [(await lab.ask("DELETE", path)).status for _ in range(2)] == [204, 404]


async def test_the_lab_is_told_how_to_notify(lab: Lab) -> None:
    status, shown = await control(lab, "POST", "/notifications", {"copies": 1, "lose": 2, "delay_seconds": 30})
    assert status == 200 and (shown["copies"], shown["lose"], shown["delay_seconds"]) == (1, 2, 30.0)
    assert (await control(lab, "GET", "/notifications"))[1] == shown
    assert (await control(lab, "POST", "/notifications", {"copies": 0}))[0] == 400
    assert (await control(lab, "POST", "/notifications", {"lifecycle": "bored"}))[0] == 404
    await control(lab, "POST", "/reset")
    assert (await control(lab, "GET", "/notifications"))[1]["copies"] == 3
