"""A live run beside exports: only what no session shows comes from them."""

from __future__ import annotations

from pathlib import Path

from hybridge.net.answerers.snapshot import SnapshotAnswerer
from hybridge.net.answerers.with_exports import WithExports
from hybridge.terms.premises import Premises
from hybridge.wire import clixml
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

ON = Premises.ON_PREMISES
SETTINGS = "Get-ExchangeServerSettings"
HIDDEN = Failure(reason=FailureReason.FORBIDDEN, says="hidden")


class Live:
    """A session that knows nothing of settings and answers everything else with its name."""

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        return HttpAnswer(status=204)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        return CmdletAnswer(failure=HIDDEN) if ask.name == SETTINGS else CmdletAnswer(objects=({"Name": "live"},))

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        return DnsAnswer(records=("live",))

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        return TlsAnswer(version="1.3")


async def test_only_settings_come_from_the_exports(tmp_path: Path) -> None:
    for name in (SETTINGS, "Get-ExchangeServer"):
        content = clixml.write(({"Name": "exported", "Server": "EX1", "ExSetupVersion": "15.02.2562.037"},), "Any")
        (tmp_path / f"{name.replace('-', '')}.xml").write_bytes(content)
    both = WithExports(Live(), SnapshotAnswerer(tmp_path))
    settings = await both.cmdlet(CmdletAsk(premises=ON, name=SETTINGS))
    assert [one["Server"] for one in settings.objects] == ["EX1"]
    servers = await both.cmdlet(CmdletAsk(premises=ON, name="Get-ExchangeServer"))
    assert servers.objects == ({"Name": "live"},)
    assert (await both.http(HttpAsk(method="GET", url="https://x.test"))).status == 204
    assert (await both.dns(DnsAsk(name="x.test"))).records == ("live",)
    assert (await both.tls(TlsAsk(host="x.test"))).version == "1.3"


async def test_without_an_export_the_session_is_asked(tmp_path: Path) -> None:
    answer = await WithExports(Live(), SnapshotAnswerer(tmp_path)).cmdlet(CmdletAsk(premises=ON, name=SETTINGS))
    assert answer.failure == HIDDEN
