"""How the public names of the organization look from outside, without any credential.

Asked are the host of Autodiscover and those of EWS and REST: an alias in DNS, a TLS handshake, and the paths that
matter. The requests for EWS and REST are the very ones the other collectors make, so they are sent once in a run.
"""

from __future__ import annotations

import asyncio
import re
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from hybridge.collectors.reading import Reading, Readings, http_origin, joined, key, unseen
from hybridge.evidence import Origin, Seen
from hybridge.org.probes import PublishedHostProbe, PublishedPathProbe
from hybridge.terms.premises import Premises
from hybridge.wire import exchange_rest
from hybridge.wire.ask import Answerer, DnsAsk, Failure, FailureReason, HttpAnswer, HttpAsk, TlsAnswer, TlsAsk
from hybridge.wire.certificates import read_certificate

ON = Premises.ON_PREMISES
CLASSIC = "/autodiscover/autodiscover.xml"
BARE_BEARER = (("Authorization", "Bearer"),)
"""Carries nothing; makes servers show all of their challenge."""

_NOT_ASKED = frozenset(
    {FailureReason.NOT_EXPORTED, FailureReason.NOT_CONFIGURED, FailureReason.REFUSED, FailureReason.DEFECT}
)
"""Failures of ours: nothing was seen of the host."""
_QUOTED = re.compile(r'"[^"]*"')


def ask_challenge(ews_url: str) -> HttpAsk:
    """The request for EWS without credentials, which Exchange answers with its challenge."""
    return HttpAsk(method="GET", url=ews_url, headers=BARE_BEARER)


async def collect_publishing(answerer: Answerer, ews_url: str, rest_url: str, domain: str) -> Readings:
    """Every public host and path of ``domain``; "" for an address that is not known."""
    autodiscover = f"autodiscover.{domain}"
    ews, rest = (_host(url) for url in (ews_url, rest_url or ews_url))
    asks = [HttpAsk(method="GET", url=f"https://{autodiscover}{CLASSIC}")]
    asks += [ask_challenge(ews_url)] if ews else []
    asks += [exchange_rest.ask_root(rest)] if rest else []
    hosts = tuple(dict.fromkeys(host for host in (autodiscover, ews, rest) if host))
    each = await asyncio.gather(*(_look(answerer, host) for host in hosts), *(_visit(answerer, ask) for ask in asks))
    return {
        key(PublishedHostProbe, ON): joined(PublishedHostProbe, each[: len(hosts)]),
        key(PublishedPathProbe, ON): joined(PublishedPathProbe, each[len(hosts) :]),
    }


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


async def _look(answerer: Answerer, host: str) -> Reading:
    alias, tls = await asyncio.gather(answerer.dns(DnsAsk(name=host, rdtype="CNAME")), answerer.tls(TlsAsk(host=host)))
    if tls.failure is not None and tls.failure.reason in _NOT_ASKED:
        return unseen(PublishedHostProbe.__name__, tls.failure)
    leads_to = next((record.rstrip(".").lower() for record in alias.records), "")
    origin = Origin(source=f"TLS handshakes with {host}:443", seen_at=tls.answered_at, excerpt=_shown(tls))
    return Seen((read_look(host, leads_to, tls),), origin)


def read_look(host: str, leads_to: str, tls: TlsAnswer) -> PublishedHostProbe:
    """The probe that a look at TLS amounts to."""
    leaf = read_certificate(tls.chain[0]) if tls.chain else None
    return PublishedHostProbe(
        premises=ON,
        identity=host,
        leads_to=leads_to,
        stopped=tls.stopped or "",
        says=tls.failure.says if tls.failure else tls.says,
        verification="" if tls.failure else tls.verification,
        names=leaf.names if leaf else (),
        subject=leaf.subject if leaf else "",
        issuer=leaf.issuer if leaf else "",
        not_before=leaf.not_before if leaf else None,
        not_after=leaf.not_after if leaf else None,
        thumbprint=leaf.thumbprint if leaf else "",
        sent=len(tls.chain),
        version=tls.version,
        accepted=tls.accepted,
        untried=tls.untried,
        client_certificate=tls.client_certificate,
    )


def _shown(tls: TlsAnswer) -> str:
    if tls.failure is not None:
        return tls.failure.says
    leaf = read_certificate(tls.chain[0]) if tls.chain else None
    certificate = f"{', '.join(leaf.names[:4])} of {leaf.issuer} until {leaf.not_after:%Y-%m-%d}" if leaf else "none"
    return f"TLS {tls.version} (accepts {', '.join(tls.accepted)}); certificate {certificate}: {tls.verification}"


async def _visit(answerer: Answerer, ask: HttpAsk) -> Reading:
    answer = await answerer.http(ask)
    if answer.failure is not None and answer.failure.reason in _NOT_ASKED:
        return unseen(PublishedPathProbe.__name__, answer.failure)
    url = urlsplit(ask.url)
    failure = answer.failure
    probe = PublishedPathProbe(
        premises=ON,
        identity=ask.url,
        host=_host(ask.url),
        path=url.path or "/",
        status=0 if failure else answer.status,
        failure=failure.reason if isinstance(failure, Failure) else "",
        says=failure.says if isinstance(failure, Failure) else "",
        schemes=schemes_of(answer),
        location=answer.header("location"),
        reached_exchange=exchange_rest.reached_exchange(answer),
        clock_ahead_seconds=clock_ahead(answer),
    )
    return Seen((probe,), http_origin(ask, answer, "as a stranger"))


def schemes_of(answer: HttpAnswer) -> tuple[str, ...]:
    """The schemes of WWW-Authenticate (RFC 9110 11.6.1), lower-case, each once."""
    found: dict[str, None] = {}
    for line in answer.header_all("www-authenticate"):
        for part in _QUOTED.sub('""', line).split(","):
            word = part.split(None, 1)[0] if part.split() else ""
            if word and "=" not in word.rstrip("="):
                found[word.lower()] = None
    return tuple(found)


def clock_ahead(answer: HttpAnswer) -> int | None:
    """Seconds by which the server's Date is ahead of when the answer came; None where either is not known."""
    text = answer.header("date")
    if not text or answer.answered_at is None:
        return None
    try:
        shown = parsedate_to_datetime(text)
        return round((shown - answer.answered_at).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
