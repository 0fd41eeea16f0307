"""What a recorder saved is what a snapshot answers, failures included, and holds no secret."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.net.answerers.recorder import Recorder
from hybridge.net.answerers.replay import SnapshotProblem, pack, unpack
from hybridge.net.answerers.snapshot import SnapshotAnswerer
from hybridge.net.redact import redact_http
from hybridge.net.secret import Secret
from hybridge.terms.premises import Premises
from hybridge.wire import clixml, cmdlets
from hybridge.wire.ask import (
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    Failure,
    FailureReason,
    HttpAnswer,
    HttpAsk,
    TlsAnswer,
    TlsAsk,
)

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
NOW = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
CANARY = "correct horse battery"

GRACE: dict[str, Any] = {
    "Name": "Grace Hopper",
    "Identity": {"Name": "Grace Hopper", "ToString": "contoso.lab/Users/Grace Hopper"},
    "PrimarySmtpAddress": "grace@contoso.com",
    "UserPrincipalName": "grace@contoso.com",
    "GrantSendOnBehalfTo": [],
    "ServerName": None,
    "WhenChanged": NOW,
    "Photo": b"\xff\x00",
    "Note": b"plain",
    "$date": "a property with an awkward name",
    "ToString": "Grace Hopper",
}
GONE = Failure(reason=FailureReason.UNREACHABLE, says="Nothing answered at mail.contoso.com.", next_step="Ping it.")

HTTP = (
    (
        HttpAsk(method="POST", url="https://mail.contoso.com/EWS/Exchange.asmx", body=b"<a/>", headers=(("A", "b"),)),
        HttpAnswer(
            status=401,
            headers=(("www-authenticate", "Bearer"), ("www-authenticate", "NTLM")),
            body="Zürich\r\n".encode(),
            certificate=b"\x30\x82\xff",
            answered_at=NOW,
            took_ms=12.345678901,
        ),
    ),
    (HttpAsk(method="GET", url="https://mail.contoso.com/api"), HttpAnswer(failure=GONE)),
    (HttpAsk(method="GET", url="https://mail.contoso.com/x"), HttpAnswer(status=200, body=b"\xff\xfe\x00")),
)
CMDLETS = (
    (cmdlets.ask_mailbox(ON), CmdletAnswer(objects=(GRACE,), warnings=("w",), answered_at=NOW, took_ms=1.5)),
    (cmdlets.ask_mailbox(ON, "grace@contoso.com"), CmdletAnswer(objects=(GRACE,))),
    (cmdlets.ask_mailbox(ON, "nobody@contoso.com"), CmdletAnswer(errors=("no such object",), not_found=True)),
    (cmdlets.ask_auth_server(), CmdletAnswer(failure=GONE)),
    (cmdlets.ask_organization_config(ON), CmdletAnswer(objects=({"Name": "here", "EwsEnabled": None},))),
    (cmdlets.ask_organization_config(ONLINE), CmdletAnswer(objects=({"Name": "there", "EwsEnabled": False},))),
    (cmdlets.ask_management_role("X"), CmdletAnswer(objects=({"Name": "X", "RoleEntries": ["GetDelegate"]},))),
    (cmdlets.ask_auth_config(), CmdletAnswer()),
)
DNS = (
    (DnsAsk(name="autodiscover.contoso.com"), DnsAnswer(records=("10.0.0.1",), took_ms=0.5)),
    (DnsAsk(name="_autodiscover._tcp.contoso.com", rdtype="SRV"), DnsAnswer(failure=GONE)),
)


class Table:
    """An Answerer that knows its answers by heart."""

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        return next(answer for known, answer in HTTP if known == ask)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        return next((answer for known, answer in CMDLETS if known == ask), CmdletAnswer())

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        return next(answer for known, answer in DNS if known == ask)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        raise AssertionError(ask.host)


async def recorded(folder: Path) -> Path:
    """A snapshot of everything the table knows."""
    recorder = Recorder(Table())
    for http, _ in HTTP:
        await recorder.http(http)
    for cmdlet, _ in CMDLETS:
        await recorder.cmdlet(cmdlet)
    for dns, _ in DNS:
        await recorder.dns(dns)
    recorder.save(folder)
    return folder


async def test_what_was_saved_replays_identically(tmp_path: Path) -> None:
    snapshot = SnapshotAnswerer(await recorded(tmp_path / "snapshot"))
    for http, answer in HTTP:
        assert await snapshot.http(http) == redact_http(http, answer)[1]
    for cmdlet, given_answer in CMDLETS:
        assert await snapshot.cmdlet(cmdlet) == given_answer
    for dns, dns_answer in DNS:
        assert await snapshot.dns(dns) == dns_answer
    assert snapshot.taken_at == NOW


async def test_the_recorder_passes_answers_on_unchanged() -> None:
    recorder = Recorder(Table(), [Secret("Zürich")])
    for http, answer in HTTP:
        assert await recorder.http(http) is answer


async def test_names_in_another_case_or_order_are_the_same_ask(tmp_path: Path) -> None:
    snapshot = SnapshotAnswerer(await recorded(tmp_path / "snapshot"))
    renamed = CmdletAsk(premises=ON, name="get-mailbox", parameters=(("identity", "nobody@contoso.com"),))
    assert (await snapshot.cmdlet(renamed)).not_found
    other_header = HttpAsk(
        method="post", url="https://mail.contoso.com/EWS/Exchange.asmx", body=b"<a/>", headers=(("a", "b"),)
    )
    assert (await snapshot.http(other_header)).status == 401
    other_agent = HttpAsk(
        method="POST", url="https://mail.contoso.com/EWS/Exchange.asmx", body=b"<a/>", headers=(("a", "c"),)
    )
    failure = (await snapshot.http(other_agent)).failure
    assert failure and failure.reason is FailureReason.NOT_EXPORTED


async def test_every_whole_listing_is_also_an_export_people_can_read(tmp_path: Path) -> None:
    folder = await recorded(tmp_path / "snapshot")
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        "GetAuthConfig.xml",
        "GetMailbox.xml",
        "GetOrganizationConfig.xml",
        "cmdlets/Get-AuthConfig.json",
        "cmdlets/Get-AuthServer.json",
        "cmdlets/Get-Mailbox.json",
        "cmdlets/Get-ManagementRole.json",
        "cmdlets/Get-OrganizationConfig.json",
        "dns.json",
        "http.json",
        "online/GetOrganizationConfig.xml",
        "tls.json",
    ]
    assert clixml.read((folder / "GetMailbox.xml").read_bytes()) == (GRACE,)


async def test_an_ask_that_was_not_recorded_is_answered_from_the_export(tmp_path: Path) -> None:
    snapshot = SnapshotAnswerer(await recorded(tmp_path / "snapshot"))
    found = await snapshot.cmdlet(cmdlets.ask_mailbox(ON, "Grace Hopper"))
    assert found.objects == (GRACE,)
    unknown = (await snapshot.cmdlet(cmdlets.ask_management_role("Y"))).failure
    assert unknown and unknown.reason is FailureReason.NOT_EXPORTED


class Leaky:
    """An Answerer whose answers and failures hold a secret wherever one can be."""

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        headers = (("set-cookie", f"session={CANARY}"), ("authorization", f"Basic {CANARY}"))
        return HttpAnswer(status=200, headers=headers, body=f'{{"access_token": "{CANARY}"}}'.encode())

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        failure = Failure(reason=FailureReason.SIGN_IN, says=f"Refused {CANARY}.", next_step=f"Not {CANARY}.")
        return CmdletAnswer(errors=(f"e {CANARY}",), warnings=(f"w {CANARY}",), failure=failure)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        return DnsAnswer(failure=Failure(reason=FailureReason.DEFECT, says=f"dns {CANARY}"))

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        failure = Failure(reason=FailureReason.UNREACHABLE, says=f"tls {CANARY}", next_step=CANARY)
        return TlsAnswer(failure=failure)


async def test_no_secret_is_saved(tmp_path: Path) -> None:
    recorder = Recorder(Leaky(), [Secret(CANARY)])
    await recorder.http(HttpAsk(method="GET", url=f"https://u:{CANARY}@mail.contoso.com/?pwd={CANARY}"))
    await recorder.cmdlet(CmdletAsk(premises=ON, name="Get-X", parameters=(("Password", CANARY),)))
    await recorder.cmdlet(CmdletAsk(premises=ON, name="New-MailUser", parameters=(("Name", CANARY),)))
    await recorder.dns(DnsAsk(name="contoso.com"))
    await recorder.tls(TlsAsk(host="mail.contoso.com"))
    recorder.save(tmp_path / "snapshot")
    saved = {path.name: path.read_bytes() for path in (tmp_path / "snapshot").rglob("*") if path.is_file()}
    assert len(saved) == 4
    assert not [name for name, content in saved.items() if CANARY.encode() in content]


async def test_a_saved_folder_is_whole_private_and_never_overwritten(tmp_path: Path) -> None:
    folder = await recorded(tmp_path / "deep" / "snapshot")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(SnapshotProblem, match="not empty"):
        await recorded(folder)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert [path.name for path in folder.parent.iterdir()] == ["snapshot"]


async def test_an_empty_folder_is_filled_and_further_files_lie_beside(tmp_path: Path) -> None:
    recorder = Recorder(Table())
    folder = tmp_path / "snapshot"
    folder.mkdir()
    recorder.save(folder, {"snapshot.json": b"{}"})
    assert (folder / "snapshot.json").read_bytes() == b"{}"


async def test_a_place_that_cannot_be_written_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SnapshotProblem, match="cannot be written to .*file/snapshot"):
        await recorded(tmp_path / "file" / "snapshot")
    with pytest.raises(SnapshotProblem, match="file' is there already"):
        await recorded(tmp_path / "file")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "damaged"),
        (b"[]", "format 1"),
        (b'{"format": 2, "exchanges": []}', "format 1"),
        (b'{"format": 1}', "damaged"),
        (b'{"format": 1, "exchanges": [{"ask": {}}]}', "damaged"),
        (b'{"format": 1, "exchanges": [{"ask": {"$date": 1}, "answer": {}}]}', "damaged"),
        (b'{"format": 1, "exchanges": ["x"]}', "damaged"),
        (b'{"format": 1, "exchanges": [{"ask": {"$base64": "***"}, "answer": {}}]}', "damaged"),
    ],
)
async def test_a_damaged_file_is_a_failure_that_names_it(tmp_path: Path, content: bytes, says: str) -> None:
    folder = await recorded(tmp_path / "snapshot")
    (folder / "http.json").write_bytes(content)
    failure = (await SnapshotAnswerer(folder).http(HTTP[0][0])).failure
    assert failure and failure.reason is FailureReason.MALFORMED
    assert "http.json" in failure.says and says in failure.says


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text()
    | st.binary()
    | st.datetimes(timezones=st.just(UTC)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.sampled_from(["$date", "$text", "$base64", "$dict"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_whatever_is_packed_unpacks(value: object) -> None:
    assert unpack(pack(value)) == value
