"""What one side really gets of the other: free/busy in both directions, and Exchange's own test of OAuth.

People online are asked about at the servers (EWS GetUserAvailability), people on-premises in the cloud (Graph
getSchedule, as a person online); each direction with one request for all who are examined. Where nobody of a side is
examined, its direction is not asked, and nothing is wrong with that. The answer of the published EWS address is looked
at for itself as well: who answered, in which version, and whether it is XML at all.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from hybridge.collectors.reading import Reading, Readings, http_origin, joined, key, read_cmdlet, unseen
from hybridge.evidence import Origin, Seen, Unseen
from hybridge.org.probes import (
    AutodiscoverOfferProbe,
    EwsEndpointProbe,
    FreeBusyProbe,
    HealthPageProbe,
    OAuthTestProbe,
)
from hybridge.terms.clouds import Cloud
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import Answerer, Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.ews import envelope
from hybridge.wire.ews import get_user_availability as availability
from hybridge.wire.graph import get_schedule
from hybridge.wire.xml import XmlRefused, parse_xml

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE


@dataclass(frozen=True)
class Crossing:
    """Who is examined on which side, and where the servers and the cloud are. ``day`` is the midnight asked from."""

    here: tuple[str, ...]
    there: tuple[str, ...]
    ews: str
    domain: str
    cloud: Cloud
    user_agent: str
    day: datetime


def midnight(now: datetime) -> datetime:
    """The day free/busy is asked for: a whole one, so that asking twice asks the same."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


async def collect_crossing(answerer: Answerer, at: Crossing) -> Readings:
    """Both directions and both tests."""
    servers, cloud, tests, offers, health = await asyncio.gather(
        _at_servers(answerer, at),
        _in_cloud(answerer, at),
        _tests(answerer, at),
        _offers(answerer, at),
        _health(answerer, at),
    )
    readings = {**servers, **cloud, **tests, key(AutodiscoverOfferProbe, ON): offers, key(HealthPageProbe, ON): health}
    if not at.here and not at.there:
        # A whole tenant is examined, not named people: nobody is asked about, and that is said of everybody.
        readings |= {key(FreeBusyProbe, side): _nobody("by name") for side in (ON, ONLINE)}
    return readings


# From outside, without credentials ------------------------------------------------------------------------------------


async def _offers(answerer: Answerer, at: Crossing) -> Reading:
    sent = HttpAsk(method="GET", url=f"https://autodiscover.{at.domain}/autodiscover/autodiscover.xml")
    answer = await answerer.http(sent)
    if answer.failure is not None:
        return unseen(AutodiscoverOfferProbe.__name__, answer.failure)
    probe = AutodiscoverOfferProbe(
        premises=ON,
        identity=sent.url,
        status=answer.status,
        oauth_enabled=_flag(answer.header("x-oauth-enabled")),
        ws_security_enabled=_flag(answer.header("x-wssecurity-enabled")),
    )
    return Seen((probe,), http_origin(sent, answer, "as a stranger"))


def _flag(value: str) -> bool | None:
    return {"true": True, "false": False}.get(value.strip().lower())


async def _health(answerer: Answerer, at: Crossing) -> Reading:
    """The health pages behind the public names; one that is not published tells nothing."""
    each = await asyncio.gather(*(_page(answerer, sent) for sent in ask_health_pages(at.ews, at.domain)))
    seen = [one for one in each if isinstance(one, Seen)]
    return joined(HealthPageProbe, seen) if seen else each[0]


def ask_health_pages(ews_url: str, domain: str) -> tuple[HttpAsk, ...]:
    """The questions for the health pages of ``domain``, whose EWS is at ``ews_url`` ("" where it is not known)."""
    host = ews_url.partition("://")[2].partition("/")[0]
    urls = [f"https://autodiscover.{domain}/autodiscover/healthcheck.htm"]
    urls += [f"https://{host}/{path}/healthcheck.htm" for path in ("ews", "api")] if host else []
    return tuple(HttpAsk(method="GET", url=url) for url in urls)


async def _page(answerer: Answerer, sent: HttpAsk) -> Reading:
    answer = await answerer.http(sent)
    if answer.failure is not None:
        return unseen(HealthPageProbe.__name__, answer.failure)
    probe = HealthPageProbe(premises=ON, identity=sent.url, status=answer.status)
    return Seen((probe,), http_origin(sent, answer, "health page"))


def _parts(boxes: tuple[str, ...], most: int) -> list[tuple[str, ...]]:
    return [boxes[start : start + most] for start in range(0, len(boxes), most)]


# At the servers, about people online ----------------------------------------------------------------------------------


async def _at_servers(answerer: Answerer, at: Crossing) -> Readings:
    """One request for all people online; without any, about one on-premises, for the sake of the endpoint alone."""
    boxes = at.there or at.here[:1]
    if not at.ews or not boxes:
        gap = _no_address() if not at.ews else _nobody("on either side")
        return {key(EwsEndpointProbe, ON): gap, **{key(FreeBusyProbe, ON, box): gap for box in at.there}}
    parts = _parts(boxes, availability.MAX_MAILBOXES)
    asked = await asyncio.gather(*(_availability(answerer, at, part) for part in parts))
    readings: Readings = {key(EwsEndpointProbe, ON): _endpoint(at.ews, *asked[0][1:])}
    for part, sent, answer in asked:
        for box, reading in zip(part, _looked_up(part, sent, answer), strict=True):
            if box in at.there:
                readings[key(FreeBusyProbe, ON, box)] = reading
    return readings


async def _availability(
    answerer: Answerer, at: Crossing, boxes: tuple[str, ...]
) -> tuple[tuple[str, ...], HttpAsk, HttpAnswer]:
    request = availability.Request(boxes, at.day, at.day + timedelta(days=1), view="FreeBusy")
    sent = envelope.ask(at.ews, availability.write_request(request), user_agent=at.user_agent)
    return boxes, sent, await answerer.http(sent)


def _looked_up(boxes: tuple[str, ...], sent: HttpAsk, answer: HttpAnswer) -> tuple[Reading, ...]:
    response = availability.read_answer(answer)
    if isinstance(response, envelope.EwsFault):
        response = Failure(
            reason=FailureReason.MALFORMED, says=f"The servers answered the fault {response.code}: {response.message}"
        )
    if isinstance(response, Failure):
        return (unseen(FreeBusyProbe.__name__, response, asked="GetUserAvailability on-premises"),) * len(boxes)
    if len(response.answers) != len(boxes):
        says = f"The servers answered for {len(response.answers)} of {len(boxes)} mailboxes."
        return (Unseen(what=FreeBusyProbe.__name__, reason="malformed", says=says),) * len(boxes)
    origin = http_origin(sent, answer, "GetUserAvailability")
    return tuple(Seen((_probe(ON, box, one),), origin) for box, one in zip(boxes, response.answers, strict=True))


def _probe(premises: Premises, box: str, one: object) -> FreeBusyProbe:
    if not isinstance(one, availability.MailboxError):
        return FreeBusyProbe(premises=premises, identity=box, mailbox=box)
    return FreeBusyProbe(
        premises=premises,
        identity=box,
        mailbox=box,
        code=one.code,
        exception_code=one.exception_code or _number(one.message),
        message=" ".join(one.message.split())[:600],
    )


def _number(message: str) -> int:
    """The number of the availability service's exception, where a text names it."""
    found = re.search(r"\b50(?:0\d|1\d|2\d|3\d|4\d)\b", message)
    return int(found[0]) if found else 0


def _endpoint(url: str, sent: HttpAsk, answer: HttpAnswer) -> Reading:
    if answer.failure is not None:
        return unseen(EwsEndpointProbe.__name__, answer.failure)
    version = envelope.read_version(answer)
    fault = envelope.read_body(answer) if answer.status == 500 else None
    kind = _kind_of(answer.body)
    probe = EwsEndpointProbe(
        premises=ON,
        identity=url,
        status=answer.status,
        server_version=() if version is None else (version.major, version.minor, version.build, version.revision),
        fault_code=fault.code if isinstance(fault, envelope.EwsFault) else "",
        body=kind,
        beginning="" if kind == "xml" else " ".join(answer.body[:120].decode("utf-8", "replace").split()),
    )
    return Seen((probe,), http_origin(sent, answer, "GetUserAvailability"))


def _kind_of(body: bytes) -> str:
    if not body.strip():
        return "empty"
    try:
        return "xml" if parse_xml(body).tag == f"{{{envelope.SOAP}}}Envelope" else "foreign"
    except XmlRefused:
        return "cut" if b":Envelope" in body[:600] or b"<Envelope" in body[:600] else "foreign"


# In the cloud, about people on-premises -------------------------------------------------------------------------------


async def _in_cloud(answerer: Answerer, at: Crossing) -> Readings:
    """As one person online, about all on-premises."""
    if not at.there:
        return {key(FreeBusyProbe, ONLINE, box): _nobody("online") for box in at.here}
    parts = _parts(at.here, get_schedule.MAX_SCHEDULES)
    each = await asyncio.gather(*(_schedules(answerer, at, part) for part in parts))
    return {key(FreeBusyProbe, ONLINE, box): reading for found in each for box, reading in found.items()}


async def _schedules(answerer: Answerer, at: Crossing, boxes: tuple[str, ...]) -> dict[str, Reading]:
    end = at.day + timedelta(days=1)
    sent = get_schedule.ask_schedules(at.cloud.graph, at.there[0], boxes, at.day, end)
    answer = await answerer.http(sent)
    read = get_schedule.read_schedules(answer)
    if isinstance(read, Failure):
        return dict.fromkeys(boxes, unseen(FreeBusyProbe.__name__, read, asked="Free/busy in the cloud"))
    said = {one.address.lower(): one for one in read}
    origin = http_origin(sent, answer, "getSchedule")
    return {box: _shown(box, said.get(box.lower()), origin) for box in boxes}


def _shown(box: str, one: get_schedule.Schedule | None, origin: Origin) -> Reading:
    if one is None:
        says = f"Microsoft Graph said nothing about {box}."
        return Unseen(what=FreeBusyProbe.__name__, reason="malformed", says=says)
    error = availability.MailboxError(one.error_code, one.error_message) if one.error_code else None
    return Seen((_probe(ONLINE, box, error),), origin)


# Exchange's own tests -------------------------------------------------------------------------------------------------


async def _tests(answerer: Answerer, at: Crossing) -> Readings:
    """Test-OAuthConnectivity from each side to the other, as the first person examined there."""
    host = at.ews.partition("://")[2].partition("/")[0]
    outward = f"https://{at.cloud.exchange}/ews/exchange.asmx"
    inward = f"https://{host}/metadata/json/1" if host else ""
    here, there = await asyncio.gather(_test(answerer, ON, outward, at.here), _test(answerer, ONLINE, inward, at.there))
    return {key(OAuthTestProbe, ON): here, key(OAuthTestProbe, ONLINE): there}


async def _test(answerer: Answerer, premises: Premises, uri: str, boxes: tuple[str, ...]) -> Reading:
    if not boxes:
        return _nobody(premises.value)
    if not uri:
        return _no_address()
    return await read_cmdlet(answerer, OAuthTestProbe, cmdlets.ask_test_oauth(premises, uri, boxes[0]))


def _nobody(where: str) -> Reading:
    return Seen((), Origin(source="not asked", excerpt=f"nobody {where} is examined"))


def _no_address() -> Unseen:
    return Unseen(
        what=FreeBusyProbe.__name__,
        reason="not-configured",
        says="No external EWS address is known, so it could not be asked.",
        how="examine a mailbox, or set ExternalUrl of the EWS virtual directory",
    )
