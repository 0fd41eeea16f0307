"""The discovery order and what follows it, against answers that lead astray: no credential goes where it must not."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from hybridge.collectors.discovery import Discovery, discover, url_at
from hybridge.collectors.outlook import MAX_HOPS, Outlook, collect_outlook
from hybridge.collectors.reading import key
from hybridge.evidence import Seen, Unseen
from hybridge.org import probes as p
from hybridge.terms.premises import Premises
from hybridge.wire import autodiscover_pox as pox
from hybridge.wire.ask import (
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    Failure,
    FailureReason,
    HttpAnswer,
    HttpAsk,
    Sign,
    TlsAnswer,
    TlsAsk,
)

ON = Premises.ON_PREMISES
ADA = "ada@contoso.com"
HOST = "autodiscover.contoso.com"
URL = url_at(HOST)
CHALLENGE = HttpAnswer(status=401, headers=(("www-authenticate", "Negotiate"), ("x-feserver", "EX1")))
ABSENT = Failure(reason=FailureReason.NAME_NOT_FOUND, says="DNS knows no such name.")
OUTLOOK = Outlook("hybridge/test", "outlook.office365.com", "contoso.com")
SETTINGS = pox.write_settings(pox.Settings(protocols=(pox.Protocol(type="EXCH", ews_url="https://m/ews"),)))


@dataclass
class World:
    """Answers by table: strangers by ``public``, our account by ``signed``; keeps who was shown the account.

    As the live answerer does, it refuses to show the account to a host that is not ``trusted``.
    """

    public: dict[str, HttpAnswer] = field(default_factory=lambda: {URL: CHALLENGE})
    signed: dict[str, HttpAnswer] = field(default_factory=dict)
    names: dict[str, DnsAnswer] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset({HOST, "mail.contoso.com"})
    shown: list[str] = field(default_factory=list)

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        host = urlsplit(ask.url).hostname or ""
        if ask.sign is Sign.NONE:
            return self.public.get(ask.url, HttpAnswer(failure=ABSENT))
        if host not in self.trusted:
            says = f"The account is not sent to {host}."
            return HttpAnswer(failure=Failure(reason=FailureReason.REFUSED, says=says))
        self.shown.append(ask.url)
        return self.signed.get(ask.url, HttpAnswer(status=404))

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        return CmdletAnswer(not_found=True)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        return self.names.get(ask.name, DnsAnswer(failure=ABSENT))

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        return TlsAnswer(failure=ABSENT)


async def told(world: World, mailbox: str = ADA) -> p.PoxProbe:
    discovery = await discover(world, "contoso.com")
    reading = (await collect_outlook(world, mailbox, discovery, OUTLOOK))[key(p.PoxProbe, ON, mailbox)]
    assert isinstance(reading, Seen), reading
    probe = reading.records[0]
    assert isinstance(probe, p.PoxProbe)
    return probe


def redirect(url: str) -> HttpAnswer:
    return HttpAnswer(status=302, headers=(("location", url),))


async def test_the_first_good_address_of_the_order_is_asked_and_no_other() -> None:
    root = url_at("contoso.com")
    world = World(
        public={root: CHALLENGE, URL: CHALLENGE},
        signed={root: SETTINGS, URL: SETTINGS},
        trusted=frozenset({"contoso.com", HOST}),
    )
    probe = await told(world)
    assert (probe.outcome, probe.hops) == ("settings", (root,))
    assert [url for url in world.shown if url.endswith(".xml")] == [root]


async def test_an_address_that_gives_nothing_is_passed_over() -> None:
    root = url_at("contoso.com")
    world = World(
        public={root: CHALLENGE, URL: CHALLENGE},
        signed={root: HttpAnswer(status=500), URL: SETTINGS},
        trusted=frozenset({"contoso.com", HOST}),
    )
    assert (await told(world)).outcome == "settings"


async def test_a_host_nobody_configured_never_gets_the_account() -> None:
    srv = {"_autodiscover._tcp.contoso.com": DnsAnswer(records=("0 0 443 evil.example.",))}
    evil = url_at("evil.example")
    world = World(public={URL: HttpAnswer(status=404), evil: CHALLENGE}, signed={evil: SETTINGS}, names=srv)
    discovery = await discover(world, "contoso.com")
    assert discovery.usable() == (evil,)
    reading = (await collect_outlook(world, ADA, discovery, OUTLOOK))[key(p.PoxProbe, ON, ADA)]
    assert isinstance(reading, Unseen)
    assert reading.reason == FailureReason.REFUSED
    assert world.shown == []


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (redirect("https://evil.example/autodiscover/autodiscover.xml"), "foreign-redirect"),
        (redirect("http://mail.contoso.com/autodiscover/autodiscover.xml"), "not-https"),
        (redirect("https://"), "not-https"),
        (redirect("https://["), "not-https"),
        (redirect("https://mail.contoso.com:x/"), "not-https"),
        (pox.write_url_redirect("https://["), "not-https"),
        (redirect(URL), "redirect-loop"),
        (redirect(URL.upper()), "redirect-loop"),
        (pox.write_url_redirect("https://evil.example/a.xml"), "foreign-redirect"),
        (pox.write_url_redirect("ftp://mail.contoso.com/a.xml"), "not-https"),
        (pox.write_address_redirect(ADA.upper()), "redirect-loop"),
        (pox.write_address_redirect("ada@nowhere.example"), "not-autodiscover"),
        (pox.write_refusal(pox.Refused(500, "no")), "error"),
        (HttpAnswer(status=200, body=b"<html/>"), "not-autodiscover"),
        (HttpAnswer(status=200, body=b"x" * (pox.LIMIT + 1)), "not-autodiscover"),
    ],
)
async def test_where_it_leads(answer: HttpAnswer, outcome: str) -> None:
    world = World(signed={URL: answer})
    assert (await told(world)).outcome == outcome
    assert {urlsplit(url).hostname for url in world.shown} == {HOST}


async def test_a_long_chain_ends() -> None:
    urls = [f"https://mail.contoso.com/{number}.xml" for number in range(50)]
    chain = dict(zip([URL, *urls], map(redirect, [*urls, URL]), strict=True))
    world = World(signed=chain)
    probe = await told(world)
    assert probe.outcome == "redirect-loop"
    assert len(probe.hops) == MAX_HOPS


async def test_a_redirect_within_the_organization_is_followed() -> None:
    there = url_at("mail.contoso.com")
    world = World(signed={URL: redirect(there), there: SETTINGS})
    probe = await told(world)
    assert (probe.outcome, probe.hops) == ("settings", (URL, there))


async def test_a_mailbox_online_ends_where_the_cloud_answers_a_stranger() -> None:
    online = url_at("autodiscover.contoso.mail.onmicrosoft.com")
    moved = pox.write_address_redirect("ada@contoso.mail.onmicrosoft.com")
    for answer in (CHALLENGE, redirect("https://autodiscover-s.outlook.com/autodiscover/autodiscover.xml")):
        world = World(public={URL: CHALLENGE, online: answer}, signed={URL: moved})
        probe = await told(world)
        assert (probe.outcome, probe.hops) == ("online", (URL, online))
        assert {urlsplit(url).hostname for url in world.shown} == {HOST}


async def test_refused_credentials_end_the_question_at_once() -> None:
    root = url_at("contoso.com")
    wrong = HttpAnswer(failure=Failure(reason=FailureReason.SIGN_IN, says="The password is wrong."))
    world = World(
        public={root: CHALLENGE, URL: CHALLENGE},
        signed={root: wrong, root.replace(".xml", ".svc"): wrong, URL: SETTINGS},
        trusted=frozenset({"contoso.com", HOST}),
    )
    discovery = await discover(world, "contoso.com")
    readings = await collect_outlook(world, ADA, discovery, OUTLOOK)
    assert all(isinstance(one, Unseen) and one.reason == FailureReason.SIGN_IN for one in readings.values())
    assert len(world.shown) == 2


async def test_what_was_not_recorded_is_unseen() -> None:
    lost = HttpAnswer(failure=Failure(reason=FailureReason.NOT_EXPORTED, says="The snapshot holds no answer."))
    world = World(public={URL: lost})
    discovery = await discover(world, "contoso.com")
    readings = discovery.readings() | await collect_outlook(world, ADA, discovery, OUTLOOK)
    steps, said = readings[key(p.DiscoveryStepProbe, ON)], readings[key(p.PoxProbe, ON, ADA)]
    assert isinstance(steps, Unseen) and isinstance(said, Unseen)
    assert steps.reason == said.reason == FailureReason.NOT_EXPORTED
    assert (steps.what, said.what) == ("DiscoveryStepProbe", "PoxProbe")


async def test_srv_targets_are_asked_best_first_and_nonsense_is_passed_over() -> None:
    records = (
        "10 0 443 second.contoso.com.",
        "0 5 443 first.contoso.com.",
        "0 9 8443 heavy.contoso.com.",
        "x y z",
        ".",
    )
    world = World(names={"_autodiscover._tcp.contoso.com": DnsAnswer(records=records)})
    found: Discovery = await discover(world, "contoso.com")
    asked = [probe.url for probe, _ in found.asked if probe.method == "srv"]
    assert [urlsplit(url).netloc for url in asked] == [
        "heavy.contoso.com:8443",
        "first.contoso.com",
        "second.contoso.com",
    ]


@pytest.mark.parametrize(
    "location", ["https://[", "https://:99999/", "//", "https://\x00", "", "https://" + "a" * 9000]
)
async def test_a_nonsense_redirect_of_port_80_ends_no_run(location: str) -> None:
    plain = f"http://{HOST}/autodiscover/autodiscover.xml"
    world = World(public={URL: CHALLENGE, plain: redirect(location)})
    found = await discover(world, "contoso.com")
    assert found.usable() == (URL,)


async def test_a_nonsense_address_in_settings_is_no_address() -> None:
    mapi = pox.Protocol(type="mapiHttp", mail_store_external="https://[x")
    world = World(signed={URL: pox.write_settings(pox.Settings(protocols=(mapi,)))})
    said = (await told(world)).protocol("mapiHttp")
    assert said is not None and said.mapi_url == ""
