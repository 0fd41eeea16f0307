"""What Exchange answers to a stranger, and to each caller of Teams."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from hybridge.collectors.reading import Reading, Readings, http_origin, joined, key, unseen
from hybridge.evidence import Seen, Unseen
from hybridge.org import probes as p
from hybridge.terms.callers import EwsCaller
from hybridge.terms.premises import Premises
from hybridge.wire import exchange_rest, oauth
from hybridge.wire.ask import Answerer, Failure, FailureReason, HttpAnswer, HttpAsk, Sign
from hybridge.wire.ews import envelope, get_folder

ON = Premises.ON_PREMISES


async def collect_anonymous(answerer: Answerer, ews_url: str, rest_url: str, domain: str) -> Readings:
    """The Bearer challenge, the metadata document and the REST root, all without credentials."""
    host = urlsplit(rest_url or ews_url).hostname or ""
    challenge, metadata, rest = await asyncio.gather(
        _challenge(answerer, ews_url), _metadata(answerer, f"autodiscover.{domain}"), _rest(answerer, host)
    )
    return {
        key(p.BearerChallengeProbe, ON): challenge,
        key(p.AuthMetadataProbe, ON): metadata,
        key(p.RestApiProbe, ON): rest,
    }


def _no_url(kind: str) -> Unseen:
    return Unseen(
        what=kind,
        reason="not-configured",
        says="No external EWS address is known, so it could not be asked.",
        how="examine a mailbox, or set ExternalUrl of the EWS virtual directory",
    )


async def _challenge(answerer: Answerer, ews_url: str) -> Reading:
    if not ews_url:
        return _no_url("BearerChallengeProbe")
    # The empty Bearer makes servers show authorization_uri that leave it out otherwise.
    ask = HttpAsk(method="GET", url=ews_url, headers=(("Authorization", "Bearer"),))
    answer = await answerer.http(ask)
    if answer.failure is not None:
        return unseen("BearerChallengeProbe", answer.failure)
    read = oauth.read_challenge(answer.header_all("www-authenticate"))
    probe = p.BearerChallengeProbe(
        premises=ON,
        identity=ews_url,
        status=answer.status,
        bearer=read.bearer,
        client_id=read.client_id,
        trusted_issuers=read.trusted_issuers,
        authorization_uri=read.authorization_uri,
        reached_exchange=exchange_rest.reached_exchange(answer),
    )
    return Seen((probe,), http_origin(ask, answer, "Bearer challenge"))


async def _metadata(answerer: Answerer, host: str) -> Reading:
    ask = HttpAsk(method="GET", url=f"https://{host}/autodiscover/metadata/json/1")
    answer = await answerer.http(ask)
    if answer.failure is not None:
        return unseen("AuthMetadataProbe", answer.failure)
    document = oauth.read_metadata(answer.body) if answer.status == 200 else None
    certificates = document.certificates if isinstance(document, oauth.Metadata) else ()
    probe = p.AuthMetadataProbe(premises=ON, identity=ask.url, status=answer.status, signing_certificates=certificates)
    return Seen((probe,), http_origin(ask, answer, "authentication metadata"))


async def _rest(answerer: Answerer, host: str) -> Reading:
    if not host:
        return _no_url("RestApiProbe")
    ask = exchange_rest.ask_root(host)
    answer = await answerer.http(ask)
    if answer.failure is not None:
        return unseen("RestApiProbe", answer.failure)
    probe = p.RestApiProbe(
        premises=ON, identity=ask.url, status=answer.status, reached_exchange=exchange_rest.reached_exchange(answer)
    )
    return Seen((probe,), http_origin(ask, answer, "REST root"))


async def collect_callers(answerer: Answerer, mailbox: str, ews_url: str, callers: tuple[EwsCaller, ...]) -> Readings:
    """The same EWS request once with the user agent of every caller Teams is known to use."""
    if not ews_url:
        return {key(p.EwsCallerProbe, ON, mailbox): _no_url("EwsCallerProbe")}
    each = await asyncio.gather(*(_caller(answerer, mailbox, ews_url, caller) for caller in callers))
    return {key(p.EwsCallerProbe, ON, mailbox): joined(p.EwsCallerProbe, each)}


def _fault(answer: HttpAnswer) -> str:
    """Code of the SOAP fault of an HTTP 500, "" for any other answer."""
    body = envelope.read_body(answer) if answer.status == 500 else None
    return body.code if isinstance(body, envelope.EwsFault) else ""


async def _caller(answerer: Answerer, mailbox: str, ews_url: str, caller: EwsCaller) -> Reading:
    body = get_folder.write_request(
        get_folder.Request((get_folder.FolderRef("calendar", mailbox=mailbox),), base_shape="IdOnly")
    )
    ask = envelope.ask(ews_url, body, user_agent=caller.user_agent, impersonate=mailbox, anchor=mailbox)
    answer = await answerer.http(ask)
    if answer.failure is not None and answer.failure.reason is FailureReason.NOT_CONFIGURED:
        # Without credentials the question is still worth asking: a filter in front answers by user agent alone.
        ask = envelope.ask(ews_url, body, user_agent=caller.user_agent, sign=Sign.NONE)
        answer = await answerer.http(ask)
    if isinstance(answer.failure, Failure):
        return unseen("EwsCallerProbe", answer.failure)
    probe = p.EwsCallerProbe(
        premises=ON,
        identity=f"{mailbox}/{caller.name}",
        mailbox=mailbox,
        caller=caller.name,
        status=answer.status,
        policy_reason=answer.header("x-ews-policy-reason"),
        fault=_fault(answer),
        reached_exchange=exchange_rest.reached_exchange(answer),
    )
    return Seen((probe,), http_origin(ask, answer, f"as {caller.user_agent}"))
