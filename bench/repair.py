"""How proving a plan grows with the tenant: 1,000 and 10,000 mailboxes with the same cause, with two, and as an export.

Run it with ``.venv/bin/python bench/repair.py``. Every measurement is a process of its own, so that peak memory is its
own too. The ratio is the time for 10,000 over the time for 1,000, and the run ends with exit code 1 when it is above
``LIMIT``: twelve leaves linear growth a little room, and the square none. The ratio is one of processor time, because
proving is one thread that waits for nobody; and the small tenant is measured several times before and after the large,
and the mean taken, because what else the machine does at the moment must not decide. On an idle machine wall time,
which the table shows, is the same.

The peer is what one would do without a planner for tenants: prove every mailbox by itself, from evidence cut to it. It
is measured on a sample and multiplied. That it is slower is not its only fault: it also plans the organization again
for every mailbox.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import mean

from hybridge.checks.registry import all_checks
from hybridge.evidence import Evidence, Key, Origin, Reading, Seen
from hybridge.findings import ORGANIZATION, Scope, Subject
from hybridge.lab.contoso import DOMAIN, TENANT_ID, AuthCertificate, contoso, people
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.repair.planner import prove
from hybridge.terms.premises import Premises

SMALL, LARGE = 1_000, 10_000
LIMIT = 12.0
ROUNDS = 2
"""How often the large tenant is measured."""
AROUND = 3
"""How often the small one is, before and after each."""
SAMPLE = 25
"""Mailboxes the peer proves."""
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ORIGIN = Origin(source="bench", seen_at=NOW)


def refused(organization: Organization) -> Organization:
    """Every mailbox has an allow list of its own on which the services of Teams are missing."""
    return organization.edit(
        r.CasMailbox,
        lambda one: one.premises is Premises.ON_PREMISES,
        ews_application_access_policy="EnforceAllowList",
        ews_allow_list=("OWA/*", "Outlook/*"),
    )


def refused_and_without_meetings(organization: Organization) -> Organization:
    """The same, and every person has a coexistence mode without meetings."""
    return refused(organization).edit(r.CsOnlineUser, teams_upgrade_policy="SfBOnly")


@dataclass(frozen=True)
class Case:
    """One kind of tenant: what is broken, and whether the evidence was read by mailbox or exported as a whole."""

    title: str
    breaks: Callable[[Organization], Organization]
    whole: bool = False


CASES = {
    "one": Case("one cause each, read live", refused),
    "two": Case("two causes each, read live", refused_and_without_meetings),
    "export": Case("one cause each, from an export", refused, whole=True),
}


def tenant(case: Case, number: int) -> tuple[Evidence, tuple[Subject, ...]]:
    """Evidence of a tenant with ``number`` mailboxes, and what is examined of it."""
    certificate = AuthCertificate(b"0bench", NOW - timedelta(days=30), NOW + timedelta(days=900))
    organization = case.breaks(contoso(NOW, certificate, people(number)))
    readings: dict[Key, list[r.Record]] = {}
    for record in organization:
        scope = "" if case.whole else record.scope
        readings.setdefault(Key(type(record).__name__, record.premises, scope), []).append(record)
    made: dict[Key, Reading] = {key: Seen(tuple(records), ORIGIN) for key, records in readings.items()}
    mailboxes = (Subject(Scope.MAILBOX, one.identity) for one in organization.all(r.Mailbox, Premises.ON_PREMISES))
    return Evidence(NOW, made, DOMAIN, TENANT_ID), (ORGANIZATION, *mailboxes)


def measure(case: Case, number: int) -> dict[str, float]:
    """Prove a tenant of ``number`` mailboxes in this process."""
    evidence, subjects = tenant(case, number)
    checks, before = all_checks(), _peak()
    gc.collect()
    wall, processor = time.perf_counter(), time.process_time()
    plan = prove(checks, evidence, subjects)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return {"wall": wall, "processor": processor, "changes": len(plan.changes), "base": before, "peak": _peak()}


def measure_peer(case: Case) -> dict[str, float]:
    """Prove ``SAMPLE`` mailboxes one by one; ``processor`` is for one."""
    evidence, subjects = tenant(case, SMALL)
    boxes = subjects[1 : SAMPLE + 1]
    cut = [_cut(evidence, box.identity.lower()) for box in boxes]
    checks, started = all_checks(), time.process_time()
    for own, box in zip(cut, boxes, strict=True):
        prove(checks, own, (ORGANIZATION, box))
    return {"processor": (time.process_time() - started) / len(boxes)}


def _cut(evidence: Evidence, mailbox: str) -> Evidence:
    """What is known of one mailbox and of the organization."""
    readings: dict[Key, Reading] = {}
    for key, reading in evidence.readings.items():
        if isinstance(reading, Seen):
            own = tuple(record for record in reading.records if record.scope in ("", mailbox))
            if own:
                readings[key] = Seen(own, reading.origin)
    return Evidence(evidence.now, readings, evidence.domain, evidence.tenant_id)


def _peak() -> float:
    """Megabytes this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * (1024 if sys.platform == "darwin" else 1))


def in_a_process(name: str, number: int) -> dict[str, float]:
    """The measurement of case ``name``, made by a new process; ``number`` 0 measures the peer."""
    command = [sys.executable, __file__, "--measure", name, str(number)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


def row(name: str) -> tuple[tuple[str, ...], float]:
    """The table's row for a case, and its ratio."""
    small: list[dict[str, float]] = []
    large: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        small += [in_a_process(name, SMALL) for _ in range(AROUND)]
        large.append(in_a_process(name, LARGE))
        small += [in_a_process(name, SMALL) for _ in range(AROUND)]
    peer = in_a_process(name, 0)["processor"]
    one, two = (mean(run["processor"] for run in runs) for runs in (small, large))
    wall = [mean(run["wall"] for run in runs) for runs in (small, large)]
    memory = [max(run["peak"] for run in runs) for runs in (small, large)]
    cells = (
        CASES[name].title,
        f"{large[0]['changes']:,.0f}",
        f"{wall[0]:.2f} s ({one:.2f})",
        f"{wall[1]:.2f} s ({two:.2f})",
        f"{two / one:.1f}",
        f"{memory[0]:.0f} MB",
        f"{memory[1]:.0f} MB (+{memory[1] - large[0]['base']:.0f})",
        f"{peer * LARGE:.1f} s",
        f"{peer * LARGE / two:.1f}",
    )
    return cells, two / one


HEAD = (
    "tenant",
    "changes",
    f"{SMALL:,}: wall (processor)",
    f"{LARGE:,}: wall (processor)",
    f"ratio (limit {LIMIT:.0f})",
    f"peak {SMALL:,}",
    f"peak {LARGE:,}",
    f"one by one {LARGE:,}",
    "times slower",
)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Cells in columns."""
    widths = [max(len(one[column]) for one in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(one, widths, strict=True)) for one in rows)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--measure", nargs=2, metavar=("CASE", "N"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        name, number = options.measure
        case = CASES[name]
        found = measure(case, int(number)) if int(number) else measure_peer(case)
        sys.stdout.write(json.dumps(found))
        return 0
    rows = [row(name) for name in CASES]
    sys.stdout.write(table([HEAD, *(cells for cells, _ in rows)]) + "\n")
    worst = max(ratio for _, ratio in rows)
    sys.stdout.write(f"worst ratio {worst:.1f}, limit {LIMIT:.0f}: {'held' if worst <= LIMIT else 'EXCEEDED'}\n")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
