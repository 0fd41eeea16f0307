"""Dated rules: what came with hybridge is sound, the user's newer files win, and what is wrong is said."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hybridge.rules import CALLERS, Builds, RulesProblem, built_in, load, read_file, version_of, write_file
from hybridge.rules.changes import changes
from hybridge.rules.model import NAMES

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def builds() -> Builds:
    return built_in().builds


def test_what_came_with_hybridge() -> None:
    rules = built_in()
    assert {age.name for age in rules.ages(NOW)} == set(NAMES)
    assert all(age.source and not age.own and age.days >= 0 for age in rules.ages(NOW))
    assert rules.callers.callers == CALLERS
    assert [age.days for age in rules.ages(NOW)] == sorted((age.days for age in rules.ages(NOW)), reverse=True)


@pytest.mark.parametrize(
    ("printed", "numbers"),
    [
        ("Version 15.2 (Build 1544.4)", (15, 2, 1544, 4)),
        ("15.01.2375.007", (15, 1, 2375, 7)),
        ("15.2.2562", None),
        ("", None),
    ],
)
def test_versions(printed: str, numbers: tuple[int, ...] | None) -> None:
    assert version_of(printed) == numbers


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("15.0.847.32", "Exchange Server 2013"),
        ("15.1.2507.66", "Exchange Server 2016"),
        ("15.2.221.12", "Exchange Server 2019"),
        ("15.2.1748.43", "Exchange Server 2019"),
        ("15.2.2562.17", "Exchange Server Subscription Edition"),
        ("15.2.3000.1", "Exchange Server Subscription Edition"),
        ("14.3.123.4", None),
    ],
)
def test_the_line_of_a_version(version: str, line: str | None) -> None:
    found = builds().line_of(version_of(version) or (0, 0, 0, 0))
    assert (found.name if found else None) == line


def test_builds_are_in_order_and_end_with_the_newest() -> None:
    for line in builds().lines:
        numbers = [build.numbers for build in line.builds]
        assert numbers == sorted(set(numbers)), line.name
        assert {build.kind for build in line.builds} <= {"release", "su", "hu"}


def test_the_newest_update_on_a_cumulative_update() -> None:
    line = builds().line_of((15, 2, 1544, 4))
    assert line is not None
    newest = line.newest_on((15, 2, 1544, 4))
    assert newest is not None and newest.version == "15.2.1544.39"
    assert line.newest.version == "15.2.1748.43"
    build = builds().build_of((15, 2, 1544, 30))
    assert build is not None and build.version == "15.2.1544.25"


def test_a_newer_file_wins_and_an_older_one_does_not(tmp_path: Path) -> None:
    assert load(tmp_path / "nowhere") is built_in()
    newer = msgspec.structs.replace(builds(), as_of=date(2027, 1, 1), source="mine")
    write_file(tmp_path, "builds", newer)
    rules = load(tmp_path)
    assert rules.builds == newer and rules.own == ("builds",)
    assert [age.name for age in rules.ages(NOW) if age.own] == ["builds"]
    write_file(tmp_path, "builds", msgspec.structs.replace(builds(), as_of=date(2020, 1, 1)))
    assert load(tmp_path).builds == builds()
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("builds", {"as_of": "yesterday"}, "does not hold builds"),
        ("builds", {"lines": []}, "names no product line"),
        ("builds", {"more": 1}, "unknown field"),
        ("callers", {"callers": []}, "names no caller"),
        ("endpoints", {"instances": {}}, "names no instance"),
        ("endpoints", {"instances": {"Worldwide": {"version": "", "sets": [{"id": 1, "ips": ["1.2.3"]}]}}}, "set 1"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, name: str, change: dict[str, Any], says: str) -> None:
    content = json.loads(msgspec.json.encode(getattr(built_in(), name)))
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps({**content, **change}), encoding="utf-8")
    with pytest.raises(RulesProblem) as raised:
        load(tmp_path)
    assert says in raised.value.says and str(path) in raised.value.says
    assert raised.value.next_step


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[" * 5000])
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "callers.json"
    path.write_bytes(content)
    with pytest.raises(RulesProblem, match="callers"):
        load(tmp_path)


def test_a_version_that_is_none_is_refused(tmp_path: Path) -> None:
    content = json.loads(msgspec.json.encode(builds()))
    content["lines"][0]["floor"] = "15.0"
    path = tmp_path / "builds.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(RulesProblem, match=r"'15\.0' of Exchange Server 2013"):
        read_file(path)


def test_a_file_is_known_by_its_name(tmp_path: Path) -> None:
    path = write_file(tmp_path, "endpoints", built_in().endpoints)
    dated = path.rename(tmp_path / "microsoft-2026-endpoints.json")
    assert read_file(dated) == ("endpoints", built_in().endpoints)
    with pytest.raises(RulesProblem, match="not named after rules"):
        read_file(tmp_path / "other.json")
    with pytest.raises(RulesProblem, match="cannot be read"):
        read_file(tmp_path / "builds.json")


def test_what_changed_is_told() -> None:
    before = built_in().endpoints
    instance = before.instances["Worldwide"]
    sets = tuple(
        msgspec.structs.replace(one, ips=("203.0.113.0/24",)) if one.id == 12 else one for one in instance.sets
    )
    after = msgspec.structs.replace(
        before, instances={**before.instances, "Worldwide": msgspec.structs.replace(instance, sets=sets)}
    )
    told = changes(before, after)
    assert "+ Worldwide set 12: 203.0.113.0/24" in told and "- Worldwide set 12: 52.112.0.0/14" in told
    assert changes(before, before) == ()
    line = builds().lines[-1]
    more = msgspec.structs.replace(
        builds(), lines=(*builds().lines[:-1], msgspec.structs.replace(line, builds=line.builds[:-1]))
    )
    assert any("15.2.2562.37" in one for one in changes(builds(), more))


def test_ranges_by_number_or_by_area() -> None:
    endpoints = built_in().endpoints
    worldwide, high = endpoints.of_cloud("worldwide"), endpoints.of_cloud("gcc-high")
    assert worldwide is not None and high is not None
    assert "52.112.0.0/14" in map(str, worldwide.ranges(area="Skype", number=12))
    assert [str(one) for one in high.ranges(area="Skype", number=12)] == ["52.127.88.0/21"]
    assert endpoints.of_cloud("gcc") is worldwide
    assert endpoints.of_cloud("bleu") is None
