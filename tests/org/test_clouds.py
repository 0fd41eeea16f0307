"""Every Microsoft cloud has its own hosts, and what is not known is not guessed."""

from __future__ import annotations

import pytest

from hybridge.cli.offline import cloud_of
from hybridge.net.config import EntraConfig, ExchangeConfig
from hybridge.net.rules import may_send, read_url
from hybridge.net.secret import Secret
from hybridge.terms import hybrid_application as terms
from hybridge.terms.clouds import CHINA, CLOUDS, DOD, GCC_HIGH, WORLDWIDE, Cloud
from hybridge.wire.ask import Failure, HttpAsk, Sign

EVERY = pytest.mark.parametrize("cloud", CLOUDS.values(), ids=lambda cloud: cloud.name)


def test_there_are_seven() -> None:
    assert list(CLOUDS) == ["worldwide", "gcc", "gcc-high", "dod", "china", "bleu", "delos"]


@EVERY
def test_sign_in_graph_and_exchange_are_known_everywhere(cloud: Cloud) -> None:
    assert cloud.login and cloud.graph and cloud.exchange and cloud.autodiscover
    assert terms.ews_host_of(cloud.autodiscover) == cloud.exchange
    assert terms.ews_host_of(cloud.exchange) == cloud.exchange


def test_auth_servers_of_the_us_government_use_the_sign_in_host() -> None:
    for cloud in (GCC_HIGH, DOD):
        assert cloud.acs_metadata_url("t") == "https://login.microsoftonline.us/t/metadata/json/1"
        assert cloud.evosts_metadata_url("t").startswith("https://login.microsoftonline.us/t/federationmetadata/")
    assert WORLDWIDE.evosts_metadata_url("t").startswith("https://login.windows.net/t/")
    assert CHINA.evosts_metadata_url("t") == ""


@EVERY
def test_a_token_goes_to_its_own_cloud_only(cloud: Cloud) -> None:
    entra = EntraConfig("contoso.com", "c11e47ab", Secret("x"), cloud=cloud.name)
    hosts = {cloud.graph, cloud.exchange, cloud.admin_api, cloud.teams_config} - {""}
    for other in {one for each in CLOUDS.values() for one in (each.graph, each.exchange, each.admin_api)} - {""}:
        assert (_refused(other, entra) is None) == (other in hosts), other


def _refused(host: str, entra: EntraConfig) -> Failure | None:
    ask = HttpAsk(method="GET", url=f"https://{host}/x", sign=Sign.ENTRA, scope=f"https://{host}/.default")
    url = read_url(ask.url)
    assert not isinstance(url, Failure)
    return may_send(ask, url, ExchangeConfig(), entra)


@pytest.mark.parametrize(
    ("domains", "cloud"),
    [
        (("contoso.com", "contoso.onmicrosoft.com"), "worldwide"),
        (("contoso.mail.onmicrosoft.us",), "gcc-high"),
        (("contoso.partner.onmschina.cn",), "china"),
        (("contoso.com",), "worldwide"),
    ],
)
def test_an_export_tells_its_cloud_by_the_initial_domain(domains: tuple[str, ...], cloud: str) -> None:
    assert cloud_of(domains).name == cloud
