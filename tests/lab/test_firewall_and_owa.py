"""The lab's firewall, the limits on queries, Outlook on the web, and Microsoft's endpoint service."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import pytest

from hybridge.lab.apps.firewall import SOURCE_HEADER
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.lab.contoso_network import ALLOW_LIST_URL, teams_address
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.org import records as r
from hybridge.terms.clouds import CLOUDS, WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire import exchange_rest, owa
from hybridge.wire.ask import HttpAsk

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ON = Premises.ON_PREMISES
MAIL, EX2 = "mail.contoso.com", "ex2.contoso.com"


@cache
def certificate() -> AuthCertificate:
    return make_auth_certificate(NOW)


@pytest.fixture
def estate() -> Estate:
    return Estate(contoso(NOW, certificate()), clock=lambda: NOW, certificate=certificate())


def called_from(source: str, host: str = MAIL) -> HttpAsk:
    headers = ((SOURCE_HEADER, source),) if source else ()
    return HttpAsk(method="GET", url=f"https://{host}/api", headers=headers)


async def test_the_firewall_drops_strangers_at_public_names_only(estate: Estate) -> None:
    lab = InProcess(estate)
    assert (await lab.http(called_from("198.51.100.7"))).failure is not None
    assert (await lab.http(called_from("198.51.100.7", EX2))).status == 401
    assert (await lab.http(called_from(teams_address(WORLDWIDE)))).status == 401
    assert (await lab.http(called_from(""))).status == 401


async def test_the_list_is_served_as_it_is(estate: Estate) -> None:
    before = (await InProcess(estate).http(HttpAsk(method="GET", url=ALLOW_LIST_URL))).body
    assert b"52.112.0.0/14\n" in before
    estate.organization = estate.organization.edit(r.FirewallAllowList, ranges=("192.0.2.0/24",))
    after = await InProcess(estate).http(HttpAsk(method="GET", url=ALLOW_LIST_URL))
    assert after.body == b"192.0.2.0/24\n"


@pytest.mark.parametrize("name", ["worldwide", "gcc-high"])
async def test_teams_comes_from_an_admitted_address(name: str) -> None:
    cloud = CLOUDS[name]
    lab = Estate(contoso(NOW, certificate(), cloud=cloud), clock=lambda: NOW, certificate=certificate(), cloud=cloud)
    assert (await InProcess(lab).http(called_from(teams_address(cloud)))).status == 401


@pytest.mark.parametrize(("limit", "status"), [(4096, 401), (2048, 404), (None, 404)])
async def test_web_config_limits_the_query_before_anybody_signs_in(
    estate: Estate, limit: int | None, status: int
) -> None:
    estate.organization = estate.organization.edit(r.ServerSettings, max_query_string_length=limit)
    answer = await InProcess(estate).http(exchange_rest.ask_long_query(MAIL))
    assert answer.status == status and exchange_rest.reached_exchange(answer)


async def test_a_device_cuts_before_exchange(estate: Estate) -> None:
    estate.organization = estate.organization.edit(r.PublishedPath, lambda one: one.path == "/api", longest_query=2048)
    answer = await InProcess(estate).http(exchange_rest.ask_long_query(MAIL))
    assert answer.status == 404 and not exchange_rest.reached_exchange(answer)
    assert (await InProcess(estate).http(exchange_rest.ask_root(MAIL))).status == 401


async def test_outlook_on_the_web_shows_the_update_and_never_a_foreign_one(estate: Estate) -> None:
    lab = InProcess(estate)
    for ask in (owa.ask_root(EX2), owa.ask_sign_in(EX2), owa.ask_root(MAIL)):
        assert owa.read_version(await lab.http(ask)) == "15.2.2562.37"
    estate.organization = estate.organization.edit(r.ServerSettings, setup_version="15.2.2562.20")
    assert owa.read_version(await lab.http(owa.ask_root(EX2))) == "15.2.2562.20"
    estate.organization = estate.organization.edit(
        r.ExchangeServer, admin_display_version="Version 15.1 (Build 2507.6)"
    )
    assert owa.read_version(await lab.http(owa.ask_root(EX2))) == "15.1.2507.6"


async def test_the_endpoint_service_wants_an_id(estate: Estate) -> None:
    lab = InProcess(estate)
    bare = await lab.http(HttpAsk(method="GET", url="https://endpoints.office.com/version/Worldwide"))
    assert bare.status == 400
    foreign = "https://endpoints.office.com/version/China?ClientRequestId=00000000-0000-4000-8000-000000000001"
    assert (await lab.http(HttpAsk(method="GET", url=foreign))).status == 400
