"""What Outlook is told about one mailbox: POX and SOAP where discovery found them, then MAPI over HTTP.

Our account is shown to addresses that answered a stranger with a challenge, in the discovery order, until one gives
settings, another address or an error of Autodiscover; a host that is not configured never gets it (the answerer
refuses, and the next address is tried). Redirects are followed here: https only, never the same address twice, at most
``MAX_HOPS``; an answer may move the question, never the credential.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from urllib.parse import urlunsplit

import msgspec

from hybridge.collectors.configuration import ask as ask_cmdlet
from hybridge.collectors.discovery import Discovery, url_at, with_connection_points
from hybridge.collectors.reading import Reading, Readings, http_origin, key, merged, read_cmdlet, unseen
from hybridge.evidence import Origin, Seen, Unseen
from hybridge.org import probes as p
from hybridge.org import records as r
from hybridge.terms.premises import Premises
from hybridge.terms.urls import host_of, parts_of
from hybridge.wire import autodiscover_pox as pox
from hybridge.wire import autodiscover_soap as soap
from hybridge.wire import exchange_rest, mapi_http
from hybridge.wire.ask import Answerer, Failure, FailureReason, HttpAnswer, HttpAsk, Sign

ON = Premises.ON_PREMISES
MAX_HOPS = 10
_UNKNOWN = frozenset({FailureReason.NOT_EXPORTED, FailureReason.NOT_CONFIGURED, FailureReason.SIGN_IN})
"""Failures that end the question: no other address would know better."""
_ONLINE = 401


@dataclass(frozen=True)
class Outlook:
    """How our own requests present themselves, which host is Exchange Online, and the organization's domain."""

    user_agent: str
    cloud_host: str
    domain: str


async def collect_classic(
    answerer: Answerer, mailboxes: tuple[str, ...], found: dict[str, Discovery], readings: Readings, outlook: Outlook
) -> Readings:
    """Everything classic Autodiscover and MAPI over HTTP say: of the organization, and of each mailbox.

    ``found`` is the discovery of each mail domain, ``readings`` the on-premises configuration.
    """
    services, directories = (readings.get(key(kind, ON)) for kind in (r.ClientAccessService, r.MapiVirtualDirectory))
    domain = outlook.domain.lower()
    own = await with_connection_points(answerer, found[domain], services)
    told, early, remote = await asyncio.gather(
        asyncio.gather(
            *(
                collect_outlook(answerer, box, own if _domain(box) == domain else found[_domain(box)], outlook)
                for box in mailboxes
            )
        ),
        collect_mapi(answerer, directories, {}),
        asyncio.gather(*(_remote(answerer, box) for box in mailboxes)),
    )
    late = merged(told)
    return merged((own.readings(), early, late, await collect_mapi(answerer, directories, late), *remote))


def domains_of(mailboxes: tuple[str, ...], domain: str) -> tuple[str, ...]:
    """The mail domains to discover, lower case: the organization's own and those of the mailboxes."""
    return tuple(dict.fromkeys((domain.lower(), *(_domain(box) for box in mailboxes))))


def _domain(mailbox: str) -> str:
    return mailbox.rpartition("@")[2].lower()


async def _remote(answerer: Answerer, mailbox: str) -> Readings:
    """What stands on-premises for a mailbox that may be online."""
    reading = await read_cmdlet(answerer, r.RemoteMailbox, ask_cmdlet("Get-RemoteMailbox", Identity=mailbox))
    return {key(r.RemoteMailbox, ON, mailbox): reading}


async def collect_outlook(answerer: Answerer, mailbox: str, discovery: Discovery, outlook: Outlook) -> Readings:
    """POX and SOAP for ``mailbox``, both at once."""
    found, soap_found = await asyncio.gather(
        _pox(answerer, mailbox, discovery, outlook), _soap(answerer, mailbox, discovery, outlook)
    )
    return {key(p.PoxProbe, ON, mailbox): found, key(p.AutodiscoverSoapProbe, ON, mailbox): soap_found}


async def collect_mapi(answerer: Answerer, directories: Reading | None, told: Readings) -> Readings:
    """A PING at every external address of MAPI over HTTP that the virtual directories or Autodiscover name."""
    urls: dict[str, str] = {}
    for one in directories.records if isinstance(directories, Seen) else ():
        if isinstance(one, r.MapiVirtualDirectory) and one.external_url:
            url = f"{one.external_url.rstrip('/')}/emsmdb/"
            urls.setdefault(url.lower(), url)
    for reading in told.values():
        for probe in reading.records if isinstance(reading, Seen) else ():
            if isinstance(probe, p.PoxProbe) and (said := probe.protocol("mapiHttp")) and said.mapi_url:
                urls.setdefault(said.mapi_url.lower(), said.mapi_url)
    if not urls:
        if isinstance(directories, Unseen):
            return {key(p.MapiProbe, ON): replace_what(directories, "MapiProbe")}
        return {key(p.MapiProbe, ON): Seen((), Origin(source="Get-MapiVirtualDirectory", excerpt="no external URL"))}
    each = await asyncio.gather(*(_ping(answerer, url) for url in urls.values()))
    lost = next((one for one in each if isinstance(one, Unseen)), None)
    if lost is not None:
        return {key(p.MapiProbe, ON): lost}
    seen = [one for one in each if isinstance(one, Seen)]
    origin = msgspec.structs.replace(
        seen[0].origin,
        source="; ".join(one.origin.source for one in seen),
        excerpt="\n".join(one.origin.excerpt for one in seen),
    )
    return {key(p.MapiProbe, ON): Seen(tuple(record for one in seen for record in one.records), origin)}


def replace_what(gap: Unseen, what: str) -> Unseen:
    """The same gap under another name."""
    return msgspec.structs.replace(gap, what=what)


async def _ping(answerer: Answerer, url: str) -> Reading:
    ask = mapi_http.ask(url)
    answer = await answerer.http(ask)
    origin = http_origin(ask, answer, "MAPI over HTTP, PING")
    found = mapi_http.read_answer(answer)
    if isinstance(found, Failure):
        if found.reason in _UNKNOWN:
            return unseen("MapiProbe", found)
        probe = p.MapiProbe(premises=ON, identity=url, reason=found.reason, says=found.says)
        return Seen((probe,), msgspec.structs.replace(origin, excerpt=found.says))
    probe = p.MapiProbe(
        premises=ON,
        identity=url,
        status=found.status,
        schemes=found.schemes,
        reached_exchange=exchange_rest.reached_exchange(answer),
        server_application=found.server_application,
    )
    return Seen((probe,), origin)


# POX --------------------------------------------------------------------------------------------------------------


async def _pox(answerer: Answerer, mailbox: str, discovery: Discovery, outlook: Outlook) -> Reading:
    """The first answer of the discovery order that is Autodiscover's; a gap where our account cannot ask at all."""
    steps = discovery.readings()[key(p.DiscoveryStepProbe, ON)]
    if isinstance(steps, Unseen):
        return replace_what(steps, "PoxProbe")
    probe = p.PoxProbe(premises=ON, identity=mailbox, mailbox=mailbox, outcome="nothing-to-ask")
    reading: Reading = Seen((probe,), steps.origin)
    for url in discovery.usable():
        walked = await _walk(answerer, mailbox, url, outlook)
        if isinstance(walked, Unseen):
            reading = walked
            if walked.reason in _UNKNOWN:
                return walked
            continue
        if walked.records[0].outcome != "not-autodiscover":
            return Seen(walked.records, walked.origin)
        reading = Seen(walked.records, walked.origin)
    return reading


async def _walk(answerer: Answerer, mailbox: str, url: str, outlook: Outlook) -> Seen[p.PoxProbe] | Unseen:
    """Ask ``url`` about ``mailbox`` and follow where it leads."""
    probe = p.PoxProbe(premises=ON, identity=mailbox, mailbox=mailbox)
    address, addresses = mailbox, {mailbox.lower()}
    sign = Sign.EXCHANGE
    while True:
        probe = msgspec.structs.replace(probe, hops=(*probe.hops, url))
        ask = pox.ask(url, address, sign=sign, user_agent=outlook.user_agent)
        answer = await answerer.http(ask)
        said = pox.read_answer(answer)
        origin = http_origin(ask, answer, f"Autodiscover (POX) of {mailbox}")
        match said:
            case Failure():
                if said.reason is FailureReason.REFUSED and len(probe.hops) > 1:
                    return _end(msgspec.structs.replace(probe, message=said.says), answer, origin, "foreign-redirect")
                return unseen("PoxProbe", said, asked=f"Autodiscover (POX) of {mailbox} at {url}")
            case pox.AddressRedirect(to):
                probe = msgspec.structs.replace(probe, redirect_address=to)
                if to.lower() in addresses or len(probe.hops) >= MAX_HOPS:
                    return _end(probe, answer, origin, "redirect-loop")
                addresses.add(to.lower())
                online = await _online(answerer, to, outlook)
                return _end(_with_hops(probe, online), answer, online.origin, online.outcome)
            case pox.UrlRedirect(to):
                outcome = _refuse(to, url, probe)
                if outcome:
                    return _end(probe, answer, origin, outcome)
                url = to
            case _:
                return _end(_told(probe, said), answer, origin, _outcome(said))


def _refuse(to: str, url: str, probe: p.PoxProbe) -> str:
    """Why a redirect to ``to`` is not followed; "" when it is. A host that may not get our account ends it later."""
    if parts_of(to).scheme.lower() != "https" or not host_of(to):
        return "not-https"
    seen = {hop.lower() for hop in probe.hops}
    return "redirect-loop" if to.lower() in seen or to.lower() == url.lower() or len(seen) >= MAX_HOPS else ""


@dataclass(frozen=True)
class _Online:
    """What came of asking where a redirect address leads."""

    outcome: str
    hops: tuple[str, ...]
    origin: Origin


async def _online(answerer: Answerer, address: str, outlook: Outlook) -> _Online:
    """Whether Autodiscover answers, to a stranger, for the domain of ``address``: that is where the mailbox is now."""
    url = url_at(f"autodiscover.{address.rpartition('@')[2].lower()}")
    ask = HttpAsk(method="GET", url=url, limit=64 * 1024)
    answer = await answerer.http(ask)
    origin = http_origin(ask, answer, f"Autodiscover of {address}")
    ended = _Online("online", (url,), origin)
    if answer.failure is not None:
        return replace(
            ended, outcome="not-autodiscover", origin=msgspec.structs.replace(origin, excerpt=answer.failure.says)
        )
    location = host_of(answer.header("location"))
    moved = answer.status in (301, 302, 303, 307, 308) and (
        location == outlook.cloud_host or location.endswith((".outlook.com", f".{outlook.cloud_host}"))
    )
    return ended if answer.status == _ONLINE or moved else replace(ended, outcome="not-autodiscover")


def _with_hops(probe: p.PoxProbe, online: _Online) -> p.PoxProbe:
    return msgspec.structs.replace(probe, hops=(*probe.hops, *online.hops))


def _told(probe: p.PoxProbe, said: pox.Answer) -> p.PoxProbe:
    match said:
        case pox.Settings():
            return msgspec.structs.replace(probe, protocols=tuple(_protocol(one) for one in said.protocols))
        case pox.Refused(code, message):
            return msgspec.structs.replace(probe, error_code=code, message=message)
        case pox.NotPox(_, says):
            return msgspec.structs.replace(probe, message=says)
        case _:
            return probe


def _outcome(said: pox.Answer) -> str:
    match said:
        case pox.Settings():
            return "settings"
        case pox.Refused():
            return "error"
        case _:
            return "not-autodiscover"


def _protocol(one: pox.Protocol) -> p.PoxProtocol:
    return p.PoxProtocol(
        type=one.type,
        server=one.server,
        auth_package=one.auth_package,
        cert_principal_name=one.cert_principal_name,
        ews_url=one.ews_url,
        mapi_url=urlunsplit(parts_of(one.mail_store_external)._replace(query="", fragment="")),
    )


def _end(probe: p.PoxProbe, answer: HttpAnswer, origin: Origin, outcome: str) -> Seen[p.PoxProbe]:
    return Seen((msgspec.structs.replace(probe, outcome=outcome, status=answer.status),), origin)


# SOAP -------------------------------------------------------------------------------------------------------------


async def _soap(answerer: Answerer, mailbox: str, discovery: Discovery, outlook: Outlook) -> Reading:
    steps = discovery.readings()[key(p.DiscoveryStepProbe, ON)]
    if isinstance(steps, Unseen):
        return replace_what(steps, "AutodiscoverSoapProbe")
    probe = p.AutodiscoverSoapProbe(premises=ON, identity=mailbox, mailbox=mailbox)
    reading: Reading = Seen((probe,), steps.origin)
    for url in discovery.usable():
        place = _soap_address(url)
        ask = soap.ask(place, mailbox, sign=Sign.EXCHANGE, user_agent=outlook.user_agent)
        answer = await answerer.http(ask)
        said = soap.read_answer(answer)
        if isinstance(said, Failure):
            reading = unseen("AutodiscoverSoapProbe", said, asked=f"Autodiscover (SOAP) of {mailbox} at {place}")
            if said.reason in _UNKNOWN:
                return reading
            continue
        asked = msgspec.structs.replace(probe, url=place, status=answer.status)
        return Seen((_soap_told(asked, said),), http_origin(ask, answer, f"Autodiscover (SOAP) of {mailbox}"))
    return reading


def _soap_address(url: str) -> str:
    """The SOAP service beside the POX address ``url``."""
    return f"{url[: -len('.xml')]}.svc" if url.lower().endswith(".xml") else url


def _soap_told(probe: p.AutodiscoverSoapProbe, said: soap.Response | soap.NotSoap) -> p.AutodiscoverSoapProbe:
    if isinstance(said, soap.NotSoap):
        return msgspec.structs.replace(probe, message=said.says)
    user = said.users[0] if said.users else soap.UserResponse(code=said.code, message=said.message)
    return msgspec.structs.replace(
        probe,
        code=said.code if said.code != "NoError" else user.code,
        message=user.message or said.message,
        redirect_target=user.target,
        external_ews_url=user.setting(soap.EXTERNAL_EWS_URL),
        internal_ews_url=user.setting(soap.INTERNAL_EWS_URL),
        setting_errors=tuple(f"{error.name}: {error.code}" for error in user.errors),
        server_version=str(said.version or ""),
    )
