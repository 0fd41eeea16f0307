"""The lab's presence API: sessions, fading, aggregation, preferred presence, validation, and who may do what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.loop.walk import NOW, new_estate

from hybridge.lab.apps import router
from hybridge.lab.apps.base import Request
from hybridge.lab.apps.presence_board import post
from hybridge.lab.apps.teams_presence import presence_sessions, shown_of
from hybridge.lab.apps.tokens import mint
from hybridge.lab.behaviour.presence import ShownPresence
from hybridge.lab.estate import ENTRA_CLIENT, Estate
from hybridge.net.clock import SetClock
from hybridge.org.records import CsOnlineUser
from hybridge.terms.clouds import CHINA, GCC, GCC_HIGH, WORLDWIDE, Cloud
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.iso_duration import read_duration, write_duration

ADA, GRACE = "ada@contoso.com", "grace@contoso.com"
OTHER_APP = "7c1e2b1a-0000-4000-8000-000000000001"
PRESENCE = f"/v1.0/users/{ADA}/presence"


def estate_of(cloud: Cloud = WORLDWIDE) -> Estate:
    return new_estate(SetClock(NOW), cloud)


def call(
    estate: Estate, path: str, body: Any = None, *, method: str = "POST", user: str = "", app: str = ENTRA_CLIENT
) -> HttpAnswer:
    token = mint(estate, app, f"https://{estate.cloud.graph}", user)
    request = Request(
        method=method,
        host=estate.cloud.graph,
        path=path,
        headers={"authorization": f"Bearer {token}"},
        body=b"" if body is None else msgspec.json.encode(body),
    )
    return router.answer(estate, request)


def told(answer: HttpAnswer) -> Any:
    return msgspec.json.decode(answer.body)


def session(availability: str, activity: str, app: str = ENTRA_CLIENT, **more: str) -> dict[str, str]:
    return {"sessionId": app, "availability": availability, "activity": activity, **more}


def put(estate: Estate, availability: str, activity: str, app: str = ENTRA_CLIENT, lasts: str = "PT4H") -> None:
    body = session(availability, activity, app, expirationDuration=lasts)
    assert call(estate, f"{PRESENCE}/setPresence", body).status == 200


def shown(estate: Estate, user: str = ADA) -> tuple[str, str]:
    seen = shown_of(estate, user)
    return seen.availability, seen.activity


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (session("Available", "Available"), 200),
        (session("Busy", "InACall"), 200),
        (session("Busy", "InAConferenceCall", expirationDuration="PT5M"), 200),
        (session("Away", "Away", expirationDuration="PT4H"), 200),
        (session("Busy", "Busy"), 400),
        (session("Busy", "InAMeeting"), 400),
        (session("Available", "OutOfOffice"), 400),
        (session("DoNotDisturb", "Presenting"), 400),
        (session("Busy", "InACall", expirationDuration="PT4M59S"), 400),
        (session("Busy", "InACall", expirationDuration="PT4H1S"), 400),
        (session("Busy", "InACall", expirationDuration="an hour"), 400),
        (session("Busy", "InACall", app=""), 400),
        ({}, 400),
    ],
)
def test_pairs_and_durations(body: dict[str, str], status: int) -> None:
    estate = estate_of()
    assert call(estate, f"{PRESENCE}/setPresence", body).status == status
    assert bool(presence_sessions(estate).sessions) is (status == 200)


def test_the_beta_version_takes_presenting() -> None:
    estate = estate_of()
    path = PRESENCE.replace("v1.0", "beta")
    assert call(estate, f"{path}/setPresence", session("DoNotDisturb", "Presenting")).status == 200
    assert shown(estate) == ("DoNotDisturb", "Presenting")


def test_a_session_lasts_five_minutes_where_nothing_is_said() -> None:
    estate = estate_of()
    assert call(estate, f"{PRESENCE}/setPresence", session("Busy", "InACall")).status == 200
    estate.move_clock(timedelta(minutes=4, seconds=59))
    assert shown(estate) == ("Busy", "InACall")
    estate.move_clock(timedelta(seconds=1))
    assert shown(estate) == ("Available", "Available")


def test_available_fades_and_busy_does_not() -> None:
    estate = estate_of()
    presence_sessions(estate).signed_out.add(ADA)
    put(estate, "Available", "Available")
    stages = [("Available", "Available"), ("Available", "AvailableInactive"), ("Away", "Away"), ("Away", "Away")]
    for stage in stages:
        assert shown(estate) == stage
        estate.move_clock(timedelta(minutes=5))
    put(estate, "Available", "Available")
    assert shown(estate) == ("Available", "Available"), "said again, it begins again"
    put(estate, "Busy", "InACall")
    estate.move_clock(timedelta(hours=3))
    assert shown(estate) == ("Busy", "InACall")
    estate.move_clock(timedelta(hours=1))
    assert shown(estate) == ("Offline", "Offline")


def test_the_strongest_session_is_shown() -> None:
    estate = estate_of()
    put(estate, "Away", "Away")
    assert shown(estate) == ("Available", "Available"), "a Teams client says more"
    put(estate, "Busy", "InAConferenceCall", app=OTHER_APP)
    assert shown(estate) == ("Busy", "InAConferenceCall")
    assert call(estate, f"{PRESENCE}/clearPresence", {"sessionId": OTHER_APP}).status == 200
    presence_sessions(estate).signed_out.add(ADA)
    assert shown(estate) == ("Away", "Away")


def test_the_calendar_and_the_mailbox_are_in_it() -> None:
    """What the presence service made of the mailbox stays on its board, and is aggregated with the sessions."""
    estate = estate_of()
    post(estate, ADA, ShownPresence("Busy", "InAMeeting", True))
    assert shown(estate) == ("Busy", "InAMeeting")
    put(estate, "Busy", "InACall")
    seen = told(call(estate, PRESENCE, method="GET"))
    assert (seen["availability"], seen["activity"]) == ("Busy", "InACall")
    assert seen["outOfOfficeSettings"]["isOutOfOffice"] is True
    presence_sessions(estate).signed_out.add(ADA)
    estate.move_clock(timedelta(hours=4))
    assert shown(estate) == ("Offline", "OutOfOffice")


def test_a_preferred_presence_wins_while_there_is_a_session() -> None:
    estate = estate_of()
    put(estate, "Busy", "InACall")
    preferred = {"availability": "BeRightBack", "activity": "BeRightBack"}
    assert call(estate, f"{PRESENCE}/setUserPreferredPresence", preferred).status == 200
    assert shown(estate) == ("BeRightBack", "BeRightBack")
    presence_sessions(estate).signed_out.add(ADA)
    estate.move_clock(timedelta(hours=4))
    assert shown(estate) == ("Offline", "Offline")
    presence_sessions(estate).signed_out.clear()
    estate.move_clock(timedelta(days=6, hours=19))
    assert shown(estate) == ("BeRightBack", "BeRightBack")
    estate.move_clock(timedelta(hours=1))
    assert shown(estate) == ("Available", "Available"), "it lasts seven days"
    busy = {"availability": "Busy", "activity": "Busy"}
    assert call(estate, f"{PRESENCE}/setUserPreferredPresence", busy).status == 200
    assert call(estate, f"{PRESENCE}/clearUserPreferredPresence", {}).status == 200
    assert shown(estate) == ("Available", "Available")
    wrong = {"availability": "Busy", "activity": "InACall"}
    assert call(estate, f"{PRESENCE}/setUserPreferredPresence", wrong).status == 400


def test_clearing() -> None:
    estate = estate_of()
    path = f"{PRESENCE}/clearPresence"
    assert call(estate, path, {"sessionId": ENTRA_CLIENT}).status == 404
    put(estate, "Busy", "InACall", lasts="PT5M")
    assert call(estate, path, {}).status == 400
    assert call(estate, path, {"sessionId": OTHER_APP}).status == 404
    assert call(estate, path, {"sessionId": ENTRA_CLIENT.upper()}).status == 200
    put(estate, "Busy", "InACall", lasts="PT5M")
    estate.move_clock(timedelta(minutes=5))
    assert call(estate, path, {"sessionId": ENTRA_CLIENT}).status == 404, "it expired"


def test_a_status_message_tells_others_less() -> None:
    estate = estate_of()
    until = {"dateTime": "2026-11-20T10:00:00", "timeZone": "UTC"}
    message = {"statusMessage": {"message": {"content": "Hello", "contentType": "text"}, "expiryDateTime": until}}
    assert call(estate, f"{PRESENCE}/setStatusMessage", message).status == 200
    assert told(call(estate, PRESENCE, method="GET"))["statusMessage"] == {
        "message": message["statusMessage"]["message"]
    }
    own = told(call(estate, PRESENCE, method="GET", user=ADA))["statusMessage"]
    assert own["expiryDateTime"] == until and own["publishedDateTime"] == "2026-11-20T09:00:00Z"
    estate.move_clock(timedelta(hours=1))
    assert told(call(estate, PRESENCE, method="GET"))["statusMessage"] is None
    assert call(estate, f"{PRESENCE}/setStatusMessage", {}).status == 400


def test_somebody_signed_in_sets_nobody_elses() -> None:
    estate = estate_of()
    busy = session("Busy", "InACall")
    refused = call(estate, f"{PRESENCE}/setPresence", busy, user=GRACE)
    assert refused.status == 401
    assert "another user" in told(refused)["error"]["message"]
    assert call(estate, f"{PRESENCE}/setPresence", busy, user=ADA).status == 200


@pytest.mark.parametrize(("cloud", "status", "message"), [(GCC, 200, 200), (GCC_HIGH, 200, 404), (CHINA, 404, 404)])
def test_other_clouds(cloud: Cloud, status: int, message: int) -> None:
    estate = estate_of(cloud)
    user = estate.organization.all(CsOnlineUser, Premises.ONLINE)[0].identity
    path = f"/v1.0/users/{user}/presence"
    assert call(estate, f"{path}/setPresence", session("Busy", "InACall")).status == status
    said = {"statusMessage": {"message": {"content": "Hello", "contentType": "text"}}}
    assert call(estate, f"{path}/setStatusMessage", said).status == message


def test_many_at_once() -> None:
    estate = estate_of()
    user = estate.organization.one(CsOnlineUser, Premises.ONLINE, ADA)
    assert user is not None
    path = "/v1.0/communications/getPresencesByUserId"
    ids = [user.object_id, user.object_id.upper(), "00000000-0000-0000-0000-000000000000"]
    found = told(call(estate, path, {"ids": ids}))["value"]
    assert [one["id"] for one in found] == [user.object_id]
    assert call(estate, path, {"ids": [user.object_id] * 650}).status == 200
    assert call(estate, path, {"ids": [user.object_id] * 651}).status == 400
    assert call(estate, path, {}).status == 400


def test_the_meter_is_an_applications_own_and_slides() -> None:
    estate = estate_of()
    presence_sessions(estate).allowed = 3
    for seconds in (0, 10, 10):
        estate.move_clock(timedelta(seconds=seconds))
        assert call(estate, PRESENCE, method="GET").status == 200
    refused = call(estate, PRESENCE, method="GET")
    assert (refused.status, refused.header("retry-after")) == (429, "10")
    assert call(estate, PRESENCE, method="GET", app=OTHER_APP).status == 200
    estate.move_clock(timedelta(seconds=10))
    assert call(estate, PRESENCE, method="GET").status == 200
    assert call(estate, PRESENCE, method="GET").status == 429


def test_a_batch_is_answered_one_by_one() -> None:
    estate = estate_of()
    json = {"Content-Type": "application/json"}
    items: list[dict[str, Any]] = [
        {"id": "a", "method": "GET", "url": f"/users/{ADA}/presence"},
        {"id": "b", "method": "GET", "url": "users/ghost@contoso.com/presence"},
        {
            "id": "c",
            "method": "POST",
            "url": f"/users/{GRACE}/presence/setPresence",
            "body": session("Busy", "InACall"),
            "headers": json,
        },
        {"id": "d", "method": "GET", "url": f"/users/{ADA}?$select=id"},
        {"id": "e", "method": "POST", "url": "/$batch", "body": {"requests": []}, "headers": json},
    ]
    answer = call(estate, "/v1.0/$batch", {"requests": items})
    assert answer.status == 200
    found = {one["id"]: one for one in told(answer)["responses"]}
    assert {key: one["status"] for key, one in found.items()} == {"a": 200, "b": 404, "c": 200, "d": 200, "e": 400}
    assert found["a"]["body"]["availability"] == "Available"
    assert "body" not in found["c"]
    assert shown(estate, GRACE) == ("Busy", "InACall")


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [{"id": "1", "method": "GET", "url": "/users"}] * 2,
        [{"id": str(number), "method": "GET", "url": "/users"} for number in range(21)],
        [{"id": "1", "method": "POST", "url": "/users", "body": {}}],
        [{"id": "1", "url": "/users"}],
    ],
)
def test_a_malformed_batch_is_refused_as_a_whole(requests: list[dict[str, Any]]) -> None:
    assert call(estate_of(), "/v1.0/$batch", {"requests": requests}).status == 400


def test_a_reset_forgets_it_all() -> None:
    estate = estate_of()
    put(estate, "Busy", "InACall")
    presence_sessions(estate).allowed = 5
    estate.reset()
    assert shown(estate) == ("Available", "Available")
    assert presence_sessions(estate).allowed == 1500


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT5M", timedelta(minutes=5)),
        ("PT1H30M5S", timedelta(hours=1, minutes=30, seconds=5)),
        ("P1DT2H", timedelta(days=1, hours=2)),
        ("PT5M0.5S", timedelta(minutes=5)),
        ("P1W", timedelta(weeks=1)),
        ("P", None),
        ("PT", None),
        ("P1Y", None),
        ("5M", None),
        ("", None),
    ],
)
def test_durations_are_read(text: str, duration: timedelta | None) -> None:
    assert read_duration(text) == duration


@pytest.mark.parametrize("seconds", [0, 1, 59, 60, 300, 3661, 14400, 90061])
def test_durations_are_written_as_they_are_read(seconds: int) -> None:
    assert read_duration(write_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)
