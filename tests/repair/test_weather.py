"""The procedure of the partner applications and their keys in every weather.

However the services behave, a run ends complete, or it ends with a sentence and a journal from which it can be taken
back or finished. Nothing that was changed is missing in the journal, and no key of another party is ever lost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.repair.storm import NOW, ONLINE, Killed, Storm, broken_by, foreign, keys_of_others, new_estate, no_sleep
from tests.thorough import some_of

from hybridge.checks.registry import all_causes
from hybridge.config import load
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.serve.running import running_lab
from hybridge.lab.site import contoso_site
from hybridge.lab.weather import AnyRule, CmdletRule, Does, HttpRule
from hybridge.lab.weathers import WEATHERS, weather_named
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SetClock
from hybridge.org.records import ServicePrincipal
from hybridge.terms.applications import TEAMS_SCHEDULER
from hybridge.terms.clouds import WORLDWIDE
from hybridge.wire.graph import service_principals

GRAPH = (WORLDWIDE.graph,)
CAUSES = [
    name
    for name, check, cause in all_causes()
    if name.startswith(("partner_apps/", "oauth/"))
    if cause.breaks is not None and cause.healable and not check.symptom
]
PROCEDURE = (
    "partner_apps/service-principal-key:key-missing",
    "partner_apps/service-principal-key:principal-missing",
    "partner_apps/teams-applications:legacy-only",
)
"""Broken by these, nearly every record of the procedure is to be made, changed or given a key."""
RUNS = some_of([(cause, name) for cause in CAUSES for name in WEATHERS], 4)
LONGEST = 400
"""Counts tried at most: a runaway test stops here."""


def blow(storm: Storm, name: str) -> None:
    storm.weather.turn(*weather_named(name).rules, name=name)


@pytest.mark.parametrize(("cause", "name"), RUNS)
async def test_a_run_in_foul_weather_can_be_taken_back_and_repeated(cause: str, name: str, tmp_path: Path) -> None:
    storm = Storm(broken_by(cause), tmp_path)
    assert storm.plan.changes
    blow(storm, name)
    applied = await storm.apply()
    assert applied.complete or "Stopped at step" in applied.says
    blow(storm, name)
    await storm.undo()
    storm.weather.turn()
    await storm.again(storm.undo, times=0)
    assert storm.is_as_before()
    await storm.again(storm.apply)
    assert storm.is_healed()


@pytest.mark.parametrize(("cause", "name"), RUNS)
async def test_a_run_in_foul_weather_can_be_finished(cause: str, name: str, tmp_path: Path) -> None:
    storm = Storm(broken_by(cause), tmp_path)
    blow(storm, name)
    await storm.apply()
    storm.weather.turn()
    await storm.again(storm.apply)
    assert storm.is_healed()
    await storm.again(storm.undo, times=0)
    assert storm.is_as_before()


def one_drop(does: Does, count: int, late: int) -> tuple[AnyRule, ...]:
    """One write among all is dropped, the one after ``count`` others; and all are seen ``late``."""
    graph, shell = HttpRule(does=Does.LATE, hosts=GRAPH, reads=late), CmdletRule(does=Does.LATE, reads=late)
    drops = HttpRule(does=does, hosts=GRAPH, skip=count, times=1), CmdletRule(does=does, skip=count, times=1)
    return (graph, shell, *drops) if late else drops


@pytest.mark.parametrize("late", [0, 3])
@pytest.mark.parametrize("does", [Does.DROP_BEFORE, Does.DROP_AFTER])
@pytest.mark.parametrize("cause", ["procedure", "partner_apps/application-role-width:entries-too-many"])
async def test_each_single_write_may_be_dropped(cause: str, does: Does, late: int, tmp_path: Path) -> None:
    broken = broken_by(*(PROCEDURE if cause == "procedure" else (cause,)))
    for count in range(LONGEST):
        storm = Storm(broken, tmp_path / f"back-{count}")
        storm.weather.turn(*one_drop(does, count, late))
        undisturbed = (await storm.apply()).complete and not late
        storm.weather.turn()
        await storm.again(storm.undo, times=1)
        assert storm.is_as_before(), count
        storm = Storm(broken, tmp_path / f"on-{count}")
        await storm.apply()
        storm.weather.turn(*one_drop(does, count, late))
        await storm.undo()
        storm.weather.turn()
        await storm.again(storm.apply if count % 2 else storm.undo)
        assert storm.is_healed() if count % 2 else storm.is_as_before(), count
        if undisturbed or (late and count > 20):
            break
    assert 5 < count < LONGEST - 1


@pytest.mark.parametrize("name", ["graph-late-and-drops", "graph-very-late", "graph-twice", "directory-late"])
@pytest.mark.parametrize("undoing", [False, True], ids=["apply", "undo"])
async def test_killed_at_any_moment_in_foul_weather(name: str, undoing: bool, tmp_path: Path) -> None:
    broken = broken_by(*PROCEDURE)
    for count in range(1, LONGEST):
        storm = Storm(broken, tmp_path / str(count))
        if undoing:
            await storm.apply()
        blow(storm, name)
        storm.life.left = count
        try:
            await (storm.undo() if undoing else storm.apply())
        except Killed:
            killed = True
        else:
            killed = False
        storm.life.left = None
        storm.check()
        storm.weather.turn()
        if count % 2:
            await storm.again(storm.apply)
            assert storm.is_healed()
        await storm.again(storm.undo)
        assert storm.is_as_before()
        if not killed:
            break
    assert 10 < count < LONGEST - 1


async def add_key_of_another(storm: Storm) -> bytes:
    """Another party adds a key to the scheduler's principal through Graph, as carefully as we do."""
    principal = storm.estate.organization.one(ServicePrincipal, ONLINE, TEAMS_SCHEDULER)
    assert principal is not None
    der = make_auth_certificate(NOW, age=timedelta(days=7)).der
    living = [key.key for key in principal.key_credentials if key.key and key.end_at and key.end_at > NOW]
    ask = service_principals.ask_patch_keys(WORLDWIDE.graph, principal.object_id, (*living, der))
    assert (await storm.answerer.http(ask)).status == 204
    return der


@pytest.mark.parametrize("late", [0, 1, 2, 3])
async def test_a_key_another_party_adds_meanwhile_survives_though_it_is_seen_late(late: int, tmp_path: Path) -> None:
    storm = Storm(broken_by(PROCEDURE[0]), tmp_path)
    assert (await storm.apply()).complete
    if late:
        storm.weather.turn(HttpRule(does=Does.LATE, hosts=GRAPH, reads=late))
    der = await add_key_of_another(storm)
    assert (await storm.undo_unchecked()).complete
    assert der in keys_of_others(storm.estate.organization)[TEAMS_SCHEDULER]


async def test_a_key_another_party_adds_before_is_drift_and_nothing_is_written(tmp_path: Path) -> None:
    storm = Storm(broken_by(PROCEDURE[0]), tmp_path)
    await add_key_of_another(storm)
    present = storm.estate.organization
    applied = await storm.apply_unchecked()
    assert not applied.complete
    assert "was changed meanwhile and is left alone" in applied.says
    assert storm.estate.organization is present


def test_the_storm_has_keys_of_others_on_every_principal() -> None:
    assert all(len(keys) == 2 for keys in keys_of_others(broken_by()).values() if keys)
    assert sum(bool(keys) for keys in keys_of_others(broken_by()).values()) == 3
    assert foreign(1, days=-3).end_at is not None


@asynccontextmanager
async def storm_over_tls(folder: Path) -> AsyncIterator[Storm]:
    """The procedure, asked for over TLS."""
    estate = new_estate()
    async with running_lab(estate, folder / "state", contoso_site(estate)) as running:
        file = folder / "hybridge.toml"
        file.write_text(running.toml, encoding="utf-8")
        config = load(file)
        async with open_live(config.net, config.exchange, config.entra, SetClock(NOW), no_sleep) as live:
            yield Storm(broken_by(*PROCEDURE), folder / "journals", estate, live)


@pytest.mark.wire
@pytest.mark.parametrize(
    "name",
    [
        "graph-throttled",
        "graph-forbidden",
        "graph-conflict",
        "graph-unavailable",
        "graph-drops-before-write",
        "graph-drops-after-write",
        "graph-late-and-drops",
        "graph-twice",
        "powershell-drops-before-write",
        "powershell-drops-after-write",
        "directory-late",
    ],
)
async def test_foul_weather_over_tls(name: str, tmp_path: Path) -> None:
    async with storm_over_tls(tmp_path) as storm:
        blow(storm, name)
        applied = await storm.apply()
        assert applied.complete or "Stopped at step" in applied.says
        if "drops" in name:
            assert not applied.complete
        storm.weather.turn()
        await storm.again(storm.apply)
        assert storm.is_healed()
        blow(storm, name)
        undone = await storm.undo()
        assert undone.complete or "Stopped at step" in undone.says
        storm.weather.turn()
        await storm.again(storm.undo)
        assert storm.is_as_before()


@pytest.mark.wire
async def test_a_dropped_session_is_told_and_a_new_one_is_opened(tmp_path: Path) -> None:
    async with storm_over_tls(tmp_path) as storm:
        blow(storm, "powershell-drops-after-write")
        applied = await storm.apply()
        assert "was sent, but it is not known whether it was carried out" in applied.says
        storm.weather.turn(CmdletRule(does=Does.DROP_BEFORE, names=("Get-",), times=1))
        await storm.again(storm.apply, times=0)
