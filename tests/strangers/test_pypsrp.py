"""pypsrp against the lab: a PowerShell client that shares no code with us sees what is there, and what we changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import requests
from pypsrp.exceptions import AuthenticationError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan, _TransportHTTP
from requests.adapters import HTTPAdapter
from tests.loop.walk import NOW, Walk, new_estate

from hybridge.config import load
from hybridge.lab.estate import ADMINISTRATOR, ADMINISTRATOR_LOGON
from hybridge.lab.faults import fault_named
from hybridge.lab.serve.calls import open_calls
from hybridge.lab.serve.running import RunningLab, running_lab
from hybridge.lab.site import contoso_site
from hybridge.lab.verbs import Verbs
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SetClock

pytestmark = pytest.mark.wire
HOST = "ex1.contoso.com"


@pytest_asyncio.fixture
async def walk(tmp_path: Path) -> AsyncIterator[tuple[RunningLab, Walk]]:
    clock = SetClock(NOW)
    estate = new_estate(clock)
    async with running_lab(estate, tmp_path / "state", contoso_site(estate)) as running, open_calls(running) as calls:
        verbs = running.control.verbs = Verbs(estate, calls)
        file = tmp_path / "hybridge.toml"
        file.write_text(running.toml, encoding="utf-8")
        config = load(file)
        async with open_live(config.net, config.exchange, config.entra, clock) as live:
            yield running, Walk(estate, verbs, clock, tmp_path / "journals", live)


@pytest.fixture
def dialled(walk: tuple[RunningLab, Walk], monkeypatch: pytest.MonkeyPatch) -> RunningLab:
    """With pypsrp dialling the lab, trusting its authority and checking the real name."""
    lab, _ = walk
    build = _TransportHTTP._build_session

    class ToTheLab(HTTPAdapter):
        def get_connection_with_tls_context(
            self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
        ) -> Any:
            trust = {"ca_certs": str(lab.ca_file), "cert_reqs": "CERT_REQUIRED"}
            name = {"server_hostname": HOST, "assert_hostname": HOST}
            return self.poolmanager.connection_from_host("127.0.0.1", lab.https_port, "https", trust | name)

        def cert_verify(self, *_: Any, **__: Any) -> None:
            """The pool has its authority already."""

        def add_headers(self, request: requests.PreparedRequest, **_: Any) -> None:
            request.headers["Host"] = HOST

    def mounted(self: Any) -> Any:
        session = build(self)
        session.mount("https://", ToTheLab())
        return session

    monkeypatch.setattr(_TransportHTTP, "_build_session", mounted)
    return lab


def cmdlet(lab: RunningLab, auth: str, name: str, password: str = "", **parameters: Any) -> list[dict[str, Any]]:
    """Run one cmdlet by pypsrp and give each object's properties as it understands them."""
    secret = password or lab.estate.users[ADMINISTRATOR]
    wsman = WSMan(HOST, ssl=True, path="powershell", auth=auth, username=ADMINISTRATOR_LOGON, password=secret)
    with wsman, RunspacePool(wsman, configuration_name="Microsoft.Exchange") as pool:
        shell = PowerShell(pool).add_cmdlet(name).add_parameters(parameters)
        output = shell.invoke()
        assert not shell.streams.error, [str(error) for error in shell.streams.error]
        return [{**one.adapted_properties, **one.extended_properties} for one in output]


@pytest.mark.parametrize("auth", ["basic", "ntlm", "negotiate"])
async def test_it_signs_in_and_reads(auth: str, dialled: RunningLab) -> None:
    servers = await asyncio.to_thread(cmdlet, dialled, auth, "Get-ExchangeServer")
    assert {server["Name"] for server in servers} == {"EX1", "EX2"}


async def test_a_wrong_password_is_refused(dialled: RunningLab) -> None:
    with pytest.raises(AuthenticationError):
        await asyncio.to_thread(cmdlet, dialled, "ntlm", "Get-ExchangeServer", password="wrong")


async def test_it_sees_exactly_what_was_applied_and_undone(dialled: RunningLab, walk: tuple[RunningLab, Walk]) -> None:
    _, story = walk

    async def applications() -> dict[str, tuple[bool, str]]:
        seen = await asyncio.to_thread(cmdlet, dialled, "ntlm", "Get-PartnerApplication")
        return {one["ApplicationIdentifier"]: (one["Enabled"], str(one["LinkedAccount"])) for one in seen}

    healthy = await applications()
    await story.verbs.break_((fault_named("partner_apps/teams-applications:legacy-only").name,))
    broken = await applications()
    assert broken != healthy
    diagnosis = await story.look()
    applied = await story.apply(diagnosis)
    assert applied.complete
    assert {key: value for key, value in (await applications()).items() if key in healthy} == healthy
    role = "TeamsIntegrationRole\\*"
    entries = await asyncio.to_thread(cmdlet, dialled, "ntlm", "Get-ManagementRoleEntry", Identity=role)
    assert "GetDelegate" in {entry["Name"] for entry in entries}
    assert diagnosis.plan is not None
    assert (await story.undo(diagnosis.plan.id)).complete
    assert await applications() == broken
