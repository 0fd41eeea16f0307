"""What the network in front of Exchange and the servers show: of the lab, of servers that hide it, and of exports."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random
from uuid import UUID

import msgspec
import pytest

from hybridge.collectors.configuration import ON, collect_configuration
from hybridge.collectors.endpoints import collect_endpoints
from hybridge.collectors.network import AllowList, collect_network
from hybridge.collectors.reading import Readings, key
from hybridge.evidence import Seen, Unseen
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.lab.contoso_network import ALLOW_LIST_URL
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.net.answerers.snapshot import SnapshotAnswerer
from hybridge.org import records as r
from hybridge.org.probes import LongQueryProbe, OwaVersionProbe
from hybridge.org.records.network import THE_SERVER
from hybridge.rules import built_in
from hybridge.wire import clixml, cmdlets
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, Failure, FailureReason, HttpAnswer, HttpAsk

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
REST = "https://mail.contoso.com/api"
LISTED = AllowList(ALLOW_LIST_URL)
CORPUS = os.environ.get("HYBRIDGE_CORPUS", "")


@cache
def certificate() -> AuthCertificate:
    return make_auth_certificate(NOW)


def estate() -> Estate:
    return Estate(contoso(NOW, certificate()), clock=lambda: NOW, certificate=certificate())


class Hiding(InProcess):
    """The lab, where some commands are hidden and some answers are changed on their way."""

    hidden: tuple[str, ...] = ()
    altered: Callable[[HttpAsk, HttpAnswer], HttpAnswer] = staticmethod(lambda _, answer: answer)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        if ask.name in self.hidden:
            return CmdletAnswer(failure=Failure(reason=FailureReason.FORBIDDEN, says=f"{ask.name} is not available."))
        return await super().cmdlet(ask)

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        return self.altered(ask, await super().http(ask))


async def collected(answerer: InProcess, source: AllowList = LISTED) -> Readings:
    configuration = await collect_configuration(answerer)
    return await collect_network(answerer, source, configuration, "https://mail.contoso.com/EWS/Exchange.asmx", REST)


async def test_everything_of_a_healthy_lab() -> None:
    readings = await collected(InProcess(estate()))
    assert all(isinstance(one, Seen) for one in readings.values()), readings
    versions = readings[key(OwaVersionProbe, ON)]
    assert isinstance(versions, Seen)
    assert {(one.server, one.version) for one in versions.records if isinstance(one, OwaVersionProbe)} == {
        ("EX1", "15.2.2562.37"),
        ("EX2", "15.2.2562.37"),
    }
    query = readings[key(LongQueryProbe, ON)]
    assert isinstance(query, Seen) and isinstance(query.first, LongQueryProbe)
    assert query.first.status == 401 and query.first.length >= 2500 and query.first.reached_exchange


async def test_a_session_that_shows_no_settings_is_no_lack_of_rights() -> None:
    hiding = Hiding(estate())
    hiding.hidden = (r.ServerSettings.cmdlet,)
    reading = (await collected(hiding))[key(r.ServerSettings, ON)]
    assert isinstance(reading, Unseen)
    assert reading.reason == FailureReason.NOT_EXPORTED and "snapshot commands" in reading.how


async def test_without_known_servers_the_published_name_is_asked() -> None:
    hiding = Hiding(estate())
    hiding.hidden = ("Get-ExchangeServer",)
    reading = (await collected(hiding))[key(OwaVersionProbe, ON)]
    assert isinstance(reading, Seen)
    assert [(one.identity, one.server) for one in reading.records if isinstance(one, OwaVersionProbe)] == [
        ("mail.contoso.com", "")
    ]


async def test_a_build_that_is_stripped_is_not_known() -> None:
    hiding = Hiding(estate())
    hiding.altered = lambda ask, answer: (
        msgspec.structs.replace(answer, headers=(), body=b"") if "/owa/" in ask.url else answer
    )
    reading = (await collected(hiding))[key(OwaVersionProbe, ON)]
    assert isinstance(reading, Seen)
    assert {one.version for one in reading.records if isinstance(one, OwaVersionProbe)} == {""}


async def test_the_list_of_the_firewall() -> None:
    none = (await collected(InProcess(estate()), AllowList()))[key(r.FirewallAllowList, ON)]
    assert isinstance(none, Seen) and none.records == ()
    own = (await collected(InProcess(estate()), AllowList("list.txt", b"192.0.2.0/24\n")))[key(r.FirewallAllowList, ON)]
    assert isinstance(own, Seen) and own.first is not None and own.first.identity == "list.txt"
    for where, says in ((f"{ALLOW_LIST_URL}x", "HTTP 404"), ("https://nowhere.contoso.com/list", "nowhere")):
        missing = (await collected(InProcess(estate()), AllowList(where)))[key(r.FirewallAllowList, ON)]
        assert isinstance(missing, Unseen) and says in missing.says


# Microsoft's endpoint service -----------------------------------------------------------------------------------------


def ids() -> Callable[[], UUID]:
    source = Random(7)
    return lambda: UUID(int=source.getrandbits(128), version=4)


async def test_newer_ranges_are_asked_once_for_each_version() -> None:
    lab = estate()
    known = built_in().endpoints
    found = await collect_endpoints(InProcess(lab), known, ("Worldwide", "USGovGCCHigh"), NOW, ids())
    assert not isinstance(found, Failure)
    assert found.as_of == NOW.date()
    assert {name: one.version for name, one in found.instances.items() if one.version} == {
        "Worldwide": "2026112800",
        "USGovGCCHigh": "2026112800",
    }
    assert "13.107.64.0/18" in found.instances["Worldwide"].dropped
    asked = len(lab.log)
    again = await collect_endpoints(InProcess(lab), found, ("Worldwide",), NOW, ids())
    assert again == found and len(lab.log) == asked + 1


async def test_a_refusal_of_the_service_is_said() -> None:
    hiding = Hiding(estate())
    hiding.altered = lambda ask, answer: (
        HttpAnswer(status=429, headers=(("retry-after", "3600"),)) if "/endpoints/" in ask.url else answer
    )
    found = await collect_endpoints(hiding, built_in().endpoints, ("Worldwide",), NOW, ids())
    assert isinstance(found, Failure) and "3600" in found.next_step
    china = await collect_endpoints(InProcess(estate()), built_in().endpoints, ("China",), NOW, ids())
    assert isinstance(china, Failure)


# Exports --------------------------------------------------------------------------------------------------------------


async def test_an_export_of_settings(tmp_path: Path) -> None:
    shown = {
        "Server": "EX7",
        "ExSetupVersion": "15.02.2562.035",
        "RestMaxQueryStringLength": "4096",
        "SchUseStrongCrypto": 1,
        "SystemDefaultTlsVersions": 0,
        "Tls12Client": None,
        "Reached": ["login.microsoftonline.com"],
        "NotReached": [],
    }
    (tmp_path / "GetExchangeServerSettings.xml").write_bytes(clixml.write((shown,), "Any"))
    answer = await SnapshotAnswerer(tmp_path).cmdlet(CmdletAsk(premises=ON, name=r.ServerSettings.cmdlet))
    read = cmdlets.read(r.ServerSettings.cmdlet, answer.objects, ON)
    assert read == (
        r.ServerSettings(
            premises=ON,
            identity="EX7",
            setup_version="15.2.2562.35",
            max_query_string_length=4096,
            strong_crypto=True,
            system_default_tls=False,
            reached=("login.microsoftonline.com",),
            not_reached=(),
        ),
    )


@pytest.mark.skipif(not CORPUS, reason="HYBRIDGE_CORPUS does not name the corpus of foreign exports")
def test_a_strangers_export_of_the_setup() -> None:
    objects = clixml.read((Path(CORPUS) / "clixml" / "HC_E16_Exchange_ExSetup.xml").read_bytes())
    read = cmdlets.read(r.ServerSettings.cmdlet, objects, ON)
    assert isinstance(read, tuple)
    (settings,) = read
    assert isinstance(settings, r.ServerSettings)
    assert (settings.identity, settings.setup_version) == (THE_SERVER, "15.1.2375.7")
    assert settings.max_query_string_length is None and settings.not_reached is None


@pytest.mark.skipif(not CORPUS, reason="HYBRIDGE_CORPUS does not name the corpus of foreign exports")
def test_a_strangers_export_of_extended_protection() -> None:
    path = Path(CORPUS) / "clixml" / "HC_E16_Exchange_GetExtendedProtectionConfiguration.xml"
    read = cmdlets.read(r.ServerSettings.cmdlet, clixml.read(path.read_bytes()), ON)
    assert isinstance(read, tuple) and isinstance(read[0], r.ServerSettings)
    directories = read[0].directories or ()
    assert r.DirectoryProtection("Default Web Site/EWS", "None", ssl_required=True) in directories
    assert {one.token_checking for one in directories} == {"None"}
