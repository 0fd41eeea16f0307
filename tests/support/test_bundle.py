"""The bundle: planted secrets and words never leave, the case says what is asked for, the zip is the same twice."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.report.reports import full
from tests.support.test_content import CANARY, EWS

from hybridge.cli.bundling import Wish, moment, old_report
from hybridge.cli.exits import Stop
from hybridge.net.answerers.recorder import Recorder
from hybridge.net.redact import redact_text
from hybridge.net.secret import Secret
from hybridge.report import json_
from hybridge.support.bundle import each_text, evidence_files, write, zipped
from hybridge.support.requests import asked, table
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, DnsAnswer, DnsAsk, HttpAnswer, HttpAsk, Sign

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PASSWORD = "pass-CANARY-word"


class Hostile:
    """An answerer whose every answer holds what must not leave."""

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        headers = (
            ("request-id", "11111111-2222-3333-4444-555555555555"),
            ("x-feserver", "EX1"),
            ("set-cookie", f"X-BackEndCookie={CANARY}; path=/"),
            ("www-authenticate", f"Negotiate {'Q0FOQVJZ' * 4}{CANARY.replace('-', 'A')}"),
        )
        return HttpAnswer(status=401, headers=headers, body=EWS.encode(), answered_at=NOW)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        one = {"Identity": "ada", "PrimarySmtpAddress": "ada@contoso.com", "ExternalMessage": f"<p>{CANARY}</p>"}
        return CmdletAnswer(objects=({**one, "Alias": "adalove", "Password": PASSWORD},))

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        return DnsAnswer(records=("10.0.0.1",))

    async def tls(self, ask: Any) -> Any:
        raise NotImplementedError


async def recorded() -> Recorder:
    recorder = Recorder(Hostile(), (Secret(PASSWORD),))
    headers = (("Authorization", f"Bearer {CANARY}"), ("Cookie", f"a={CANARY}"))
    url = f"https://mail.contoso.com/EWS/Exchange.asmx?access_token={CANARY}"
    await recorder.http(HttpAsk(method="POST", url=url, headers=headers, body=EWS.encode(), sign=Sign.EXCHANGE))
    await recorder.cmdlet(CmdletAsk(premises=Premises.ON_PREMISES, name="Get-MailboxAutoReplyConfiguration"))
    await recorder.dns(DnsAsk(name="mail.contoso.com"))
    return recorder


def wish(**rest: Any) -> Wish:
    values = {
        "at": NOW,
        "added": (),
        "pseudonymize": False,
        "mailboxes": (),
        "delegations": (),
        "config": Path("hybridge.toml"),
        "snapshot": None,
    }
    return Wish(**{**values, **rest})


async def test_no_canary_is_in_the_evidence() -> None:
    recorder = await recorded()
    files = evidence_files(recorder.files())
    assert {"evidence/http.json", "evidence/dns.json"} <= set(files)
    assert not [name for name in files if name.endswith(".xml")]
    content = b"".join(each_text(files, lambda text: redact_text(text, (Secret(PASSWORD),))).values())
    assert b"CANARY" not in content
    assert b"11111111-2222-3333-4444-555555555555" in content
    (row,) = asked(recorder.requests)
    assert (row.status, row.server, row.where) == (401, "EX1", "https://mail.contoso.com/EWS/Exchange.asmx")
    assert "CANARY" not in table([row])


def test_a_report_becomes_a_case(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text(json_.render(full()), encoding="utf-8")
    log = tmp_path / "MSTeams_1.log"
    log.write_bytes(f"Authorization: Bearer {CANARY}\r\nfine\r\n".encode("utf-16"))
    gathered = old_report(report, wish(added=(log,), delegations=("ada@contoso.com:grace@contoso.com",)))
    assert set(gathered.files) == {"case.md", "report.json", "logs/MSTeams_1.log"}
    assert b"CANARY" not in b"".join(gathered.files.values())
    case = gathered.files["case.md"].decode()
    for part in (
        "Reproduced: 2026-11-20 09:00:00 UTC",
        "| delegator | `ada@contoso.com` |",
        "| delegate | `grace@contoso.com` |",
        "`ews/list:caller-missing`",
        "MSTeams_8wekyb3d8bbwe",
        "meeting-addin",
        "HttpProxy",
        "logs/MSTeams_1.log",
    ):
        assert part in case, part
    json.loads(gathered.files["report.json"])


def test_pseudonyms_reach_every_file(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text(json_.render(full()), encoding="utf-8")
    gathered = old_report(report, wish(pseudonymize=True))
    content = b"".join(gathered.files.values()).lower()
    assert b"contoso.com" not in content and b"ada@" not in content
    assert "ada@contoso.com" in gathered.key.values()


def test_the_zip_is_the_same_twice_and_opens(tmp_path: Path) -> None:
    files = {"b.txt": b"b", "a/c.txt": b"c" * 1000}
    first, second = zipped(files), zipped(dict(reversed(files.items())))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files
    path = tmp_path / "case.zip"
    write(path, first)
    assert path.read_bytes() == first
    assert path.stat().st_mode & 0o077 == 0
    assert [one.name for one in tmp_path.iterdir()] == ["case.zip"]


@pytest.mark.parametrize("text", ["yesterday", "2026-11-20T09:00"])
def test_a_time_without_its_zone_is_refused(text: str) -> None:
    with pytest.raises(Stop):
        moment(text)


def test_a_time_is_told_in_utc() -> None:
    assert moment("2026-11-20T10:00+01:00") == NOW
    assert moment("2026-11-20T09:00Z") == NOW
    assert moment("") is None


@pytest.mark.parametrize("content", [b"\x00\x01\x02", b"\xff\xfe\x00", b"\x80\x81"])
def test_a_log_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    report, log = tmp_path / "report.json", tmp_path / "x.etl"
    report.write_text(json_.render(full()), encoding="utf-8")
    log.write_bytes(content)
    with pytest.raises(Stop, match="no text"):
        old_report(report, wish(added=(log,)))


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(Stop, match="not a JSON report"):
        old_report(path, wish())
