"""Each of the 42 classes of failures of Microsoft's analyzer, brought about in the lab, is found under its name.

The classes are the rows ``MRCA-1`` to ``MRCA-42`` of the list of known tests. A class is brought about by every fault
whose cause covers it; where only an effect covers it, and where an effect shows it as well, by the fault named here
that brings the effect about. It counts as found whether or not another finding explains it.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.loop.walk import NOW, Walk, mailboxes_for, new_estate

from hybridge.checks.coverage import ROWS, covered
from hybridge.checks.registry import all_checks
from hybridge.config import load
from hybridge.doctor.diagnose import Diagnosis
from hybridge.evidence import Unseen
from hybridge.lab.contoso import PEOPLE
from hybridge.lab.estate import ADMINISTRATOR
from hybridge.lab.faults import fault_named, faults
from hybridge.lab.serve.running import running_lab
from hybridge.lab.site import contoso_site
from hybridge.lab.verbs import Verbs
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SetClock
from hybridge.net.secret import Secret
from hybridge.wire.ask import FailureReason

CLASSES = tuple(f"MRCA-{number}" for number in range(1, 43))
BY_EFFECT = {
    "outlook/pox-settings:auth-package-missing": "outlook/outlook-anywhere:authentication-method-missing",
    "outlook/pox-settings:exch-missing": "outlook/mapi-allowed:mapi-disabled",
    "outlook/pox-settings:expr-missing": "outlook/outlook-anywhere:external-host-missing",
    "autodiscover/classic-answer:provider-error": "outlook/providers:provider-missing",
    "autodiscover/classic-answer:address-unknown": "sharing/remote-routing-address:remote-mailbox-missing",
}
"""Effect -> a fault that brings it about."""
EVERYBODY = tuple(person.address for person in PEOPLE)
WRONG = "not the password"


class Case(NamedTuple):
    """A class of failures, the fault that brings it about, and the finding it is known by."""

    row: str
    fault: str
    finding: str

    def __str__(self) -> str:
        return f"{self.row}-{self.finding}"


@cache
def rows_of() -> dict[str, frozenset[str]]:
    """Full name of every cause and effect -> the classes it covers."""
    found: dict[str, set[str]] = defaultdict(set)
    for row, covers in covered(all_checks()).items():
        for cover in covers:
            if row in CLASSES and cover.cause:
                found[str(cover)].add(row)
    return {name: frozenset(rows) for name, rows in found.items()}


def cases() -> tuple[Case, ...]:
    """Every class with every fault that brings it about, in the order of the classes."""
    breakable = {fault.name for fault in faults()}
    by_number = [(row, name) for row in CLASSES for name, rows in rows_of().items() if row in rows]
    direct = [Case(row, name, name) for row, name in by_number if name in breakable]
    indirect = [Case(row, BY_EFFECT[name], name) for row, name in by_number if name in BY_EFFECT]
    return tuple(sorted((*direct, *indirect), key=lambda case: CLASSES.index(case.row)))


def shown(diagnosis: Diagnosis) -> set[str]:
    """The names of all findings, explained ones too."""
    return {finding.name for result in diagnosis.results for finding in result.findings}


def test_there_are_42_classes_and_a_case_for_each() -> None:
    assert [row for row in ROWS if row.startswith("MRCA-")] == list(CLASSES)
    assert {case.row for case in cases()} == set(CLASSES)
    assert BY_EFFECT.keys() <= rows_of().keys()
    assert not BY_EFFECT.keys() & {fault.name for fault in faults()}


async def test_nothing_of_them_is_seen_in_health(walk_in_process: Walk) -> None:
    seen = shown(await walk_in_process.look())
    assert not seen & rows_of().keys()


@pytest.mark.parametrize("case", cases(), ids=str)
async def test_a_class_is_recognised(case: Case, walk_in_process: Walk) -> None:
    fault = fault_named(case.fault)
    asked = EVERYBODY if case.finding in BY_EFFECT else mailboxes_for(fault)
    walk = replace(walk_in_process, mailboxes=asked)
    assert case.row in rows_of()[case.finding]
    await walk.verbs.break_((fault.name,))
    assert case.finding in shown(await walk.look())


@pytest.mark.wire
async def test_a_wrong_password_is_told_from_everything_else(tmp_path: Path) -> None:
    """The other half of MRCA-41: no fault of the organization, so no finding, but the reason why nothing is seen."""
    clock = SetClock(NOW)
    estate = new_estate(clock)
    assert estate.users[ADMINISTRATOR] != WRONG
    async with running_lab(estate, tmp_path / "state", contoso_site(estate)) as running:
        file = tmp_path / "hybridge.toml"
        file.write_text(running.toml, encoding="utf-8")
        config = load(file)
        exchange = dataclasses.replace(config.exchange, password=Secret(WRONG))
        async with open_live(config.net, exchange, config.entra, clock) as live:
            walk = Walk(estate, Verbs(estate, live), clock, tmp_path / "journals", live, EVERYBODY[:1])
            diagnosis = await walk.look()
    unseen = [one for one in diagnosis.evidence.readings.values() if isinstance(one, Unseen)]
    refused = [one for one in unseen if one.reason == FailureReason.SIGN_IN]
    assert refused
    assert all(exchange.username in one.says for one in refused)
    assert all("password" in one.how for one in refused)
    assert any(one.reason == FailureReason.SIGN_IN for result in diagnosis.results for one in result.unseen)
    assert WRONG not in repr(diagnosis)
    assert not shown(diagnosis) & rows_of().keys(), "a password of ours says nothing about the organization"
