"""``hybridge doctor --test``: each question is answered as a tree, by the checks that cover its rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.thorough import some_of

from hybridge.checks.coverage import rows_of
from hybridge.checks.registry import all_checks
from hybridge.doctor.named_tests import TESTS, NamedTest, checks_for

ADA, GRACE, LINUS = "ada@contoso.com", "grace@contoso.com", "linus@contoso.com"
PAIR = ("--delegation", f"{ADA}:{GRACE}")

BROKEN = (
    ("teams-exchange-integration", "autodiscover/v2-route:not-published", "Teams finds the mailbox"),
    ("outlook-connectivity", "tls/certificate:wrong-name", "Names, certificates and TLS"),
    ("free-busy", "sharing/organization-relationship:disabled", "Who shares with whom"),
    ("teams-meeting-delegation", "delegation/calendar-permission:too-low", "The delegation"),
    ("teams-calendar-app", "teams/calendar-app-pinned:not-pinned", "The person and the policies"),
    ("teams-presence", "presence/rest-api-published:not-published", "The REST API"),
    ("exchange-oauth", "oauth/auth-certificate:expired", "The authentication certificate"),
)


def leaves(stage: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if stage["check"]:
        yield stage
    for below in stage["stages"]:
        yield from leaves(below)


def report(lab: Any, test: NamedTest) -> Any:
    about = PAIR if test.wants == "delegation" else (ADA, LINUS)
    return lab.json("doctor", "--test", test.name, *about)


@pytest.mark.parametrize("test", some_of(TESTS, 2), ids=lambda test: test.name)
def test_every_test_passes_on_a_healthy_organization(lab: Any, test: NamedTest) -> None:
    told = report(lab, test)
    assert told["request"]["test"] == test.name
    assert told["test"]["outcome"] == "passed", [leaf for leaf in leaves(told["test"]) if leaf["outcome"] != "passed"]
    found = list(leaves(told["test"]))
    assert {leaf["check"] for leaf in found} == {result["check"] for result in told["results"]}
    asked = [leaf for leaf in found if leaf["outcome"] == "passed"]
    assert all(leaf["details"] for leaf in asked), [leaf["check"] for leaf in asked if not leaf["details"]]
    assert told["test"]["took_ms"] > 0


@pytest.mark.parametrize(("name", "cause", "step"), some_of(BROKEN, 2))
def test_what_is_broken_fails_at_its_step(lab: Any, name: str, cause: str, step: str) -> None:
    assert lab.run("lab", "break", cause).code == 0
    told = report(lab, next(test for test in TESTS if test.name == name))
    assert told["test"]["outcome"] == "failed"
    failed = {stage["title"]: stage for stage in told["test"]["stages"] if stage["outcome"] == "failed"}
    [title] = [title for title in failed if title.startswith(step)]
    check = cause.partition(":")[0]
    [leaf] = [leaf for leaf in leaves(failed[title]) if leaf["check"] == check and leaf["outcome"] == "failed"][:1]
    assert leaf["says"]


def test_the_access_test_leaves_nothing_behind(lab: Any) -> None:
    ran = lab.run("doctor", "--test", "ews-access", ADA)
    assert ran.code == 0, ran.out
    assert ran.out.count("passed") > 3
    notes = Path(lab.config).parent / ".hybridge" / "ews-access"
    assert list(notes.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--test", "teams-calender"), "did you mean teams-calendar-app"),
        (("--test", "ews-access", "--access", "magic"), "impersonation or folder"),
        (("--test", "free-busy", "--tenant"), "--tenant or --test"),
        (("--access", "folder"), "--test ews-access"),
    ],
)
def test_what_cannot_be_asked_is_said(lab: Any, arguments: tuple[str, ...], says: str) -> None:
    ran = lab.run("doctor", *arguments)
    assert ran.code == 2
    assert says in ran.err


def test_every_row_a_step_names_is_covered_by_a_check() -> None:
    covered = {row for check in all_checks() for row in rows_of(check)}
    families = {row.rpartition("-")[0] for row in covered}
    for test in TESTS:
        assert checks_for(test, all_checks())
        for step in test.steps:
            missing = [row for row in step.rows if row not in covered and row not in families]
            assert not missing, (test.name, step.title, missing)
