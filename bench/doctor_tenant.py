"""The tenant part of ``bench/doctor.py``: an export of many mailboxes, and one run over it in a process of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec

from hybridge.cli.doctor import doctor
from hybridge.lab.contoso import AuthCertificate, Person, contoso, people
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.terms.premises import Premises
from hybridge.wire import clixml, cmdlets

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
BULK = ("Mailbox", "CasMailbox", "CsOnlineUser", "MailboxFolderPermission", "UserOofSettings")
_CHUNK = 1_000


def base() -> Organization:
    """Contoso with nobody but the people it always has."""
    return contoso(NOW, AuthCertificate(b"0bench", NOW - timedelta(days=30), NOW + timedelta(days=900)))


def crowd(number: int) -> Iterator[Person]:
    """``number`` people, of whom every tenth has a mailbox online."""
    for place, person in enumerate(people(number + 6)[6:]):
        yield Person(person.address, person.name, "" if place % 10 == 9 else person.server)


def mailbox(place: int, one: Person) -> r.Mailbox:
    """The mailbox of the person at ``place``; every thirtieth lets another send on its behalf."""
    granted = (f"person{place + 2:06d}@contoso.com",) if place % 30 == 0 else ()
    return r.Mailbox(
        premises=ON if one.server else ONLINE,
        identity=one.address,
        user_principal_name=one.address,
        display_name=one.name,
        server_name=one.server,
        grant_send_on_behalf_to=granted,
    )


def cas_mailbox(place: int, one: Person) -> r.CasMailbox:
    """Client access: shut for every twentieth, a list without Teams for every eighth."""
    closed = place % 8 == 3
    return r.CasMailbox(
        premises=ON if one.server else ONLINE,
        identity=one.address,
        ews_enabled=place % 20 != 7,
        ews_application_access_policy="EnforceAllowList" if closed else None,
        ews_allow_list=("OWA/*", "Outlook/*") if closed else None,
    )


def user(place: int, one: Person) -> r.CsOnlineUser:
    """Teams: every twelfth has a mode without meetings."""
    mode = "SfBOnly" if place % 12 == 5 else ""
    return r.CsOnlineUser(
        premises=ONLINE,
        identity=one.address,
        object_id=f"0b1ec7ed-0000-4000-8000-{place:012d}",
        teams_upgrade_policy=mode,
    )


def write_export(folder: Path, number: int) -> None:
    """An export of the organization and ``number`` mailboxes, as an administrator makes it."""
    (folder / "online").mkdir(parents=True)
    _write_organization(folder)
    for premises in (ON, ONLINE):
        there = folder / "online" if premises is ONLINE else folder
        for name, make in (("GetMailbox", mailbox), ("GetCASMailbox", cas_mailbox)):
            _write_clixml(there / f"{name}.xml", _made(number, make, premises))
    with (folder / "online" / "GetCsOnlineUser.json").open("wb") as out:
        separator = b"[\n"
        for place, one in enumerate(crowd(number)):
            out.write(separator + msgspec.json.encode(cmdlets.write(user(place, one))))
            separator = b",\n"
        out.write(b"]\n")


def _made(number: int, make: Callable[[int, Person], r.Record], premises: Premises) -> Iterator[r.Record]:
    return (made for place, one in enumerate(crowd(number)) if (made := make(place, one)).premises is premises)


def _write_organization(folder: Path) -> None:
    groups: dict[tuple[type[r.Record], Premises], list[r.Record]] = {}
    for record in base():
        if (
            type(record).__name__ not in BULK
            and type(record) in cmdlets.WRITERS
            and type(record).cmdlet.startswith("Get-")
        ):
            groups.setdefault((type(record), record.premises), []).append(record)
    for (kind, premises), found in groups.items():
        there = folder / "online" if premises is ONLINE else folder
        _write_clixml(there / f"{kind.cmdlet.replace('-', '')}.xml", iter(found))
    domain = {
        "Name": "contoso.com",
        "DomainName": {"ToString": "contoso.com", "Domain": "contoso.com"},
        "Default": True,
    }
    (folder / "GetAcceptedDomain.xml").write_bytes(
        clixml.write([domain], "Microsoft.Exchange.Data.Directory.SystemConfiguration.AcceptedDomain")
    )


def _write_clixml(path: Path, records: Iterator[r.Record]) -> None:
    """Records a chunk at a time: the lines between the first and the last of what ``clixml.write`` makes of them."""
    with path.open("wb") as out:
        out.write(f'<Objs Version="1.1.0.1" xmlns="{clixml.NAMESPACE}">\n'.encode())
        while chunk := list(islice(records, _CHUNK)):
            document = clixml.write([cmdlets.write(one) for one in chunk], cmdlets.TYPE_NAMES[type(chunk[0])])
            out.write(document.split(b"\n", 1)[1].rsplit(b"\n", 1)[0] + b"\n")
        out.write(b"</Objs>\n")


def measure(folder: Path) -> dict[str, float]:
    """One run over the export in this process: seconds, processor seconds, megabytes, sizes of the reports."""
    before, wall, processor = peak(), time.perf_counter(), time.process_time()
    outs = [folder.parent / f"{folder.name}-report.{suffix}" for suffix in ("json", "html", "txt")]
    doctor(tenant=True, snapshot=folder, config=folder / "none.toml", outs=outs, quiet=True, format="text")
    found: dict[str, float] = {
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
        "base": before,
        "peak": peak(),
    }
    return found | {path.suffix[1:]: path.stat().st_size / 1024 for path in outs}


def peak() -> float:
    """Megabytes this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * (1024 if sys.platform == "darwin" else 1))


def in_a_process(folder: Path) -> dict[str, float]:
    """``measure`` in a new process; what the run prints goes nowhere."""
    script = "import sys; sys.path.insert(0, sys.argv[1]); import doctor_tenant; doctor_tenant.main(sys.argv[2])"
    command = [sys.executable, "-c", script, str(Path(__file__).parent), str(folder)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found


def main(folder: str) -> None:
    """What the process does."""
    found = measure(Path(folder))
    sys.stdout.write("\n" + json.dumps(found) + "\n")


def rows(folder: Path, sizes: Iterable[int]) -> Iterator[tuple[int, dict[str, float]]]:
    """A measurement for each of ``sizes``."""
    for number in sizes:
        export = folder / f"export-{number}"
        write_export(export, number)
        yield number, in_a_process(export)
