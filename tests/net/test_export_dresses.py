"""An export says the same whichever shell wrote it, in whatever encoding and language."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hybridge.net.answerers.snapshot import SnapshotAnswerer
from hybridge.org.records import OrganizationConfig, ServicePrincipal, TeamsAppSetupPolicy
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import CmdletAsk

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be-sig")
TYPE = "Deserialized.Microsoft.Exchange.Data.Directory.Management.OrganizationConfig"
CLIXML = (
    '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">{end}'
    f'<Obj RefId="0"><TN RefId="0"><T>{TYPE}</T></TN><ToString>Größe AG</ToString><Props>'
    '<S N="Name">Größe AG</S><S N="Identity">Größe AG</S><B N="EwsEnabled">false</B>'
    '<Nil N="EwsApplicationAccessPolicy" /></Props></Obj>{end}</Objs>'
)
KEY = {"keyId": "k", "endDateTime": "", "type": "AsymmetricX509Cert", "usage": "Verify", "key": None}
DATES = ("2027-01-02T03:04:05Z", "2027-01-02T03:04:05+00:00", "/Date(1798859045000)/")


def written(text: str, encoding: str) -> bytes:
    if encoding == "utf-16-be-sig":
        return b"\xfe\xff" + text.encode("utf-16-be")
    return text.encode(encoding)


async def records(folder: Path, cmdlet: str, premises: Premises) -> tuple[Any, ...]:
    answer = await SnapshotAnswerer(folder).cmdlet(CmdletAsk(premises=premises, name=cmdlet))
    assert answer.failure is None, answer.failure
    found = cmdlets.read(cmdlet, answer.objects, premises)
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_clixml_of_windows_powershell_and_of_powershell_7(tmp_path: Path, encoding: str, end: str) -> None:
    (tmp_path / "GetOrganizationConfig.xml").write_bytes(written(CLIXML.format(end=end), encoding))
    (one,) = await records(tmp_path, "Get-OrganizationConfig", ON)
    assert isinstance(one, OrganizationConfig)
    assert one.identity == "Größe AG"
    assert one.ews_enabled is False and one.ews_application_access_policy is None


@pytest.mark.parametrize("encoding", [*ENCODINGS, "cp1252"])
@pytest.mark.parametrize("date", DATES)
async def test_json_of_windows_powershell_and_of_powershell_7(tmp_path: Path, encoding: str, date: str) -> None:
    principal = {"appId": "a", "id": "o", "displayName": "Größe", "keyCredentials": [{**KEY, "endDateTime": date}]}
    text = json.dumps(principal, ensure_ascii=False, indent=4)
    (tmp_path / "GetMgServicePrincipal.json").write_bytes(written(text, encoding))
    (one,) = await records(tmp_path, "Get-MgServicePrincipal", ONLINE)
    assert isinstance(one, ServicePrincipal)
    assert one.key_credentials[0].end_at == datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert one.display_name == ("Größe" if encoding != "cp1252" else "Gr\ufffd\ufffde")


@pytest.mark.parametrize("shape", ["one", "list", "value"])
async def test_one_object_a_list_or_the_wrapped_list_of_windows_powershell(tmp_path: Path, shape: str) -> None:
    policy = {"Identity": "Global", "AllowUserPinning": True, "PinnedAppBarApps": []}
    document = {"one": policy, "list": [policy], "value": {"value": [policy], "Count": 1}}[shape]
    (tmp_path / "GetCsTeamsAppSetupPolicy.json").write_text(json.dumps(document), encoding="utf-8")
    (one,) = await records(tmp_path, "Get-CsTeamsAppSetupPolicy", ONLINE)
    assert isinstance(one, TeamsAppSetupPolicy)
    assert one.identity == "Global"
