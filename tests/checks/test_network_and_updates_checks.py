"""Builds, updates, TLS of servers, Extended Protection, lengths of queries, and the firewall's list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from ipaddress import ip_network

import msgspec
import pytest

from hybridge.checks.network.ranges import networks_of, uncovered
from hybridge.checks.registry import check_named
from hybridge.evidence import Evidence, Unseen, complete
from hybridge.findings import Finding, NotApplicable, Subject
from hybridge.org import probes as p
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.rules import Rules, built_in
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
UPDATES, BUILD = "platform/exchange-updates", "oauth/hybrid-application-build"
Causes = Callable[..., list[str]]


def of_build(healthy: Organization, printed: str, setup: str, server: str = "") -> Organization:
    """EX1 and EX2, or only ``server``, of the build given; Outlook on the web shows none."""

    def mine(one: r.Record) -> bool:
        return server in ("", one.identity)

    shown = tuple(one.address for one in healthy.all(p.OwaVersionProbe, ON))
    healthy = healthy.drop(*shown).edit(r.ExchangeServer, mine, admin_display_version=printed)
    return healthy.edit(r.ServerSettings, mine, setup_version=setup)


@pytest.mark.parametrize(
    ("printed", "setup", "said"),
    [
        ("Version 15.2 (Build 2562.17)", "15.2.2562.37", []),
        ("Version 15.2 (Build 2562.17)", "15.2.2562.99", []),
        ("Version 15.2 (Build 2562.17)", "15.2.2562.35", ["update-missing"] * 2),
        ("Version 15.2 (Build 2562.17)", "", ["unseen"] * 2),
        ("Version 15.2 (Build 2562.17)", "15.2.1748.43", ["unseen"] * 2),
        ("Version 15.2 (Build 1748.10)", "15.2.1748.43", ["out-of-support"] * 2),
        ("Version 15.1 (Build 2507.6)", "15.1.2507.66", ["out-of-support"] * 2),
        ("Version 15.2 (Build 1258.12)", "15.2.1258.39", []),
        ("Version 15.0 (Build 1497.2)", "15.0.1497.48", []),
        ("Version 14.3 (Build 123.4)", "", []),
    ],
)
def test_each_server_is_judged_once(
    causes: Causes, healthy: Organization, printed: str, setup: str, said: list[str]
) -> None:
    assert causes(UPDATES, of_build(healthy, printed, setup)) == said


def test_an_older_generation_is_said_before_its_support(causes: Causes, healthy: Organization) -> None:
    mixed = of_build(healthy, "Version 15.1 (Build 2507.6)", "15.1.2507.66", "EX2")
    assert causes(UPDATES, mixed) == ["mixed-generations"]
    upgraded = of_build(healthy, "Version 15.2 (Build 1748.10)", "15.2.1748.43", "EX2")
    assert causes(UPDATES, upgraded) == ["out-of-support"], "2019 and Subscription Edition are one generation"


def test_outlook_on_the_web_shows_the_update(causes: Causes, healthy: Organization) -> None:
    hidden = of_build(healthy, "Version 15.2 (Build 2562.17)", "")

    def showing(version: str) -> Organization:
        return hidden.put(
            *(
                p.OwaVersionProbe(premises=ON, identity=f"{name}.contoso.com", server=name, version=version)
                for name in ("EX1", "EX2")
            )
        )

    assert causes(UPDATES, hidden) == ["unseen", "unseen"]
    kinds = {(type(one), one.premises) for one in showing("15.2.2562.37")}
    for version, said in (("15.2.2562.37", []), ("15.2.2562.20", ["update-missing"] * 2), ("", ["unseen"] * 2)):
        evidence = complete(showing(version), kinds, NOW)
        found = list(check_named(UPDATES).find(evidence, Subject(check_named(UPDATES).scope)))
        assert [one.cause if isinstance(one, Finding) else "unseen" for one in found] == said


def test_the_hotfix_of_april_2025_is_known_from_the_setup(causes: Causes, healthy: Organization) -> None:
    with_it = of_build(healthy, "Version 15.2 (Build 1748.10)", "15.2.1748.24")
    without = of_build(healthy, "Version 15.2 (Build 1748.10)", "15.2.1748.10")
    assert causes(BUILD, with_it) == []
    assert causes(BUILD, without) == ["below-minimum"] * 2
    assert causes(UPDATES, without) == [], "said once"


def test_newer_rules_judge_newer_builds(healthy: Organization) -> None:
    lines = built_in().builds.lines
    newest = msgspec.structs.replace(lines[-1].newest, version="15.2.2562.50", name="a later update")
    builds = msgspec.structs.replace(
        built_in().builds, lines=(*lines[:-1], msgspec.structs.replace(lines[-1], builds=(*lines[-1].builds, newest)))
    )
    rules = msgspec.structs.replace(built_in(), builds=builds)
    kinds = {(type(one), one.premises) for one in healthy}
    evidence = judged_by(complete(healthy, kinds, NOW), rules)
    found = list(check_named(UPDATES).find(evidence, Subject(check_named(UPDATES).scope)))
    assert [one.facts["newest_build"] for one in found if isinstance(one, Finding)] == ["15.2.2562.50"] * 2


def judged_by(evidence: Evidence, rules: Rules) -> Evidence:
    """The same evidence, judged by ``rules``."""
    return replace(evidence, rules=rules)


# Servers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, []),
        ({"strong_crypto": None}, ["net-framework"]),
        ({"system_default_tls": False}, ["net-framework"]),
        ({"tls12_client": None, "tls12_server": None}, []),
        ({"tls12_server": False, "strong_crypto": False}, ["net-framework", "tls-switched-off"]),
    ],
)
def test_tls_of_servers(causes: Causes, healthy: Organization, values: dict[str, object], said: list[str]) -> None:
    one = healthy.edit(r.ServerSettings, lambda server: server.identity == "EX2", **values)
    assert causes("platform/server-tls", one) == said


def test_without_an_export_nothing_is_known_of_servers(causes: Causes, healthy: Organization) -> None:
    unseen = ((r.ServerSettings, ON),)
    for check in ("platform/server-tls", "presence/query-limit", "network/outbound"):
        assert causes(check, healthy, unseen=unseen) == ["unseen"], check


@pytest.mark.parametrize(("length", "said"), [(None, True), (2048, True), (4095, True), (4096, False), (8192, False)])
def test_the_length_of_queries(causes: Causes, healthy: Organization, length: int | None, said: bool) -> None:
    one = healthy.edit(r.ServerSettings, lambda server: server.identity == "EX1", max_query_string_length=length)
    assert causes("presence/query-limit", one) == (["too-low"] if said else [])


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (r.WebServicesVirtualDirectory, "Require", ["too-strict"]),
        (r.WebServicesVirtualDirectory, "None", ["too-loose"]),
        (r.WebServicesVirtualDirectory, "allow", []),
        (r.AutodiscoverVirtualDirectory, "Allow", ["too-strict"]),
        (r.MapiVirtualDirectory, "Allow", ["too-loose"]),
        (r.MapiVirtualDirectory, "what", []),
    ],
)
def test_extended_protection(
    causes: Causes, healthy: Organization, kind: type[r.Record], value: str, said: list[str]
) -> None:
    one = healthy.edit(kind, lambda one: one.identity.startswith("EX2"), extended_protection_token_checking=value)
    assert causes("platform/extended-protection", one) == said


def test_extended_protection_that_is_not_in_use(causes: Causes, healthy: Organization) -> None:
    for kind in (r.WebServicesVirtualDirectory, r.MapiVirtualDirectory, r.AutodiscoverVirtualDirectory):
        healthy = healthy.edit(kind, extended_protection_token_checking="None")
    assert causes("platform/extended-protection", healthy) == ["not-applicable"]


# The way of a long query ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("short", "status", "exchange", "said"),
    [
        (401, 401, True, []),
        (401, 404, True, ["cut-by-exchange"]),
        (401, 404, False, ["cut-by-device"]),
        (401, 414, False, ["cut-by-device"]),
        (404, 404, False, ["not-applicable"]),
    ],
)
def test_long_queries(
    causes: Causes, healthy: Organization, short: int, status: int, exchange: bool, said: list[str]
) -> None:
    host = "mail.contoso.com"
    one = healthy.put(
        p.RestApiProbe(premises=ON, identity=f"https://{host}/api", status=short, reached_exchange=True),
        p.LongQueryProbe(premises=ON, identity=host, status=status, reached_exchange=exchange, length=2500),
    )
    check = check_named("presence/long-query")
    evidence = complete(one, {(p.RestApiProbe, ON), (p.LongQueryProbe, ON)}, NOW)
    found = [
        one.cause if isinstance(one, Finding) else "not-applicable" if isinstance(one, NotApplicable) else "unseen"
        for one in check.find(evidence, Subject(check.scope))
    ]
    assert found == said


# The firewall ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "missing"),
    [
        (("52.112.0.0/14",), []),
        (("52.112.0.0/15", "52.114.0.0/15"), []),
        (("0.0.0.0/0",), []),
        (("52.112.0.0/15",), ["52.112.0.0/14"]),
        (("52.112.0.0/15", "52.112.0.0/16"), ["52.112.0.0/14"]),
        ((), ["52.112.0.0/14"]),
        (("what", "52.112.0.7/14"), []),
    ],
)
def test_what_a_list_covers(allowed: tuple[str, ...], missing: list[str]) -> None:
    wanted = (ip_network("52.112.0.0/14"),)
    assert [str(one) for one in uncovered(wanted, networks_of(allowed))] == missing


def test_addresses_of_ipv6_count_where_the_list_has_any() -> None:
    wanted = (ip_network("2603:1063::/38"),)
    assert uncovered(wanted, networks_of(("52.112.0.0/14",))) == ()
    assert uncovered(wanted, networks_of(("2001:db8::/32",))) == wanted


def listed(healthy: Organization, *ranges: str) -> Organization:
    return healthy.edit(r.FirewallAllowList, ranges=ranges)


def test_ranges_that_are_missing(causes: Causes, healthy: Organization) -> None:
    inbound, upkeep = "network/inbound-ranges", "network/allow-list-upkeep"
    assert causes(inbound, listed(healthy)) == ["teams-missing", "exchange-online-missing"]
    assert causes(inbound, listed(healthy, "0.0.0.0/0")) == []
    assert causes(upkeep, listed(healthy, "52.112.0.0/14")) == ["analyzer-missing"]
    assert causes(upkeep, listed(healthy, "0.0.0.0/0")) == ["stale-ranges"]


def test_without_a_list_there_is_nothing_to_compare(causes: Causes, healthy: Organization) -> None:
    none = healthy.drop(*(one.address for one in healthy.all(r.FirewallAllowList, ON)))
    for check in ("network/inbound-ranges", "network/allow-list-upkeep"):
        assert causes(check, none) == ["not-applicable"]
        assert causes(check, healthy, unseen=((r.FirewallAllowList, ON),)) == ["unseen"]


def test_old_ranges_prove_nothing(causes: Causes, healthy: Organization) -> None:
    later = datetime.combine(date(2027, 6, 1), NOW.time(), UTC)
    assert causes("network/allow-list-upkeep", healthy, now=later) == ["unseen"]


def test_the_way_out(causes: Causes, healthy: Organization) -> None:
    assert causes("network/outbound", healthy.edit(r.ServerSettings, not_reached=None)) == ["unseen"] * 2
    proxy = healthy.edit(r.ExchangeServer, internet_web_proxy="http://proxy:8080")
    assert causes("network/outbound", proxy) == []


def test_unknown_builds_are_said(healthy: Organization, look: Callable[..., list[object]]) -> None:
    strange = of_build(healthy, "Version 16.0 (Build 1.1)", "")
    assert [type(one) for one in look(UPDATES, strange)] == [Unseen, Unseen]


def test_what_outlook_on_the_web_shows_is_enough_for_the_floors() -> None:
    check = check_named("platform/exchange-version")
    for version, said in (("15.0.1497.2", ["below-calendar-floor"]), ("15.2.2562.37", []), ("", [])):
        probe = p.OwaVersionProbe(premises=ON, identity="mail.contoso.com", version=version)
        evidence = complete(Organization((probe,)), {(p.OwaVersionProbe, ON)}, NOW)
        found = list(check.find(evidence, Subject(check.scope)))
        assert isinstance(found[0], Unseen)
        assert [one.cause for one in found if isinstance(one, Finding)] == said
