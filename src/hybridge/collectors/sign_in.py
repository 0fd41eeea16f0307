"""How people of the organization sign in: realm, tenant, federation, and the person behind a mailbox.

Microsoft's sign-in answers strangers. Where it says that the domain is federated, the federation service is looked at
too: its host in DNS and TLS, and the certificates its metadata name. Nothing here carries a credential but the
questions for Graph.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from hybridge.collectors.reading import Reading, Readings, http_origin, key, read_cmdlet, unseen
from hybridge.evidence import Origin, Seen, Unseen
from hybridge.org import records as r
from hybridge.org.probes import FederationServiceProbe, RealmProbe, SigningCertificate, TenantProbe
from hybridge.terms.clouds import Cloud
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets, federation_metadata, oauth, user_realm
from hybridge.wire.ask import Answerer, CmdletAsk, Failure, FailureReason, HttpAnswer, HttpAsk, TlsAnswer, TlsAsk
from hybridge.wire.certificates import read_certificate
from hybridge.wire.graph import domains, users

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
_OURS = frozenset(
    {FailureReason.NOT_EXPORTED, FailureReason.NOT_CONFIGURED, FailureReason.REFUSED, FailureReason.DEFECT}
)
"""Failures that tell nothing of the host."""


async def collect_sign_in(answerer: Answerer, cloud: Cloud, domain: str) -> Readings:
    """Realm, tenant and federation of ``domain``."""
    if not domain:
        return {}
    realm, tenant, own = await asyncio.gather(
        _realm(answerer, cloud, domain), _tenant(answerer, cloud, domain), _domain(answerer, cloud, domain)
    )
    return {
        key(RealmProbe, ONLINE): realm,
        key(TenantProbe, ONLINE): tenant,
        key(r.EntraDomain, ONLINE): own,
        key(FederationServiceProbe, ON): await _service(answerer, federation_host(realm, own), realm),
    }


async def _realm(answerer: Answerer, cloud: Cloud, domain: str) -> Reading:
    ask = user_realm.ask(cloud.login, domain)
    answer = await answerer.http(ask)
    read = user_realm.read_answer(answer)
    if isinstance(read, Failure):
        return unseen(RealmProbe.__name__, read)
    probe = RealmProbe(
        premises=ONLINE,
        identity=domain,
        name_space_type=read.name_space_type,
        sign_in_url=read.auth_url,
        cloud_instance=read.cloud_instance,
    )
    return Seen((probe,), http_origin(ask, answer, "realm discovery"))


async def _tenant(answerer: Answerer, cloud: Cloud, domain: str) -> Reading:
    ask = oauth.ask_openid_configuration(cloud.login, domain)
    answer = await answerer.http(ask)
    read = oauth.read_openid_configuration(answer)
    if isinstance(read, Failure):
        return unseen(TenantProbe.__name__, read)
    probe = TenantProbe(
        premises=ONLINE,
        identity=domain,
        tenant_id=read.tenant_id,
        cloud_instance=read.cloud_instance,
        sub_scope=read.sub_scope,
    )
    return Seen((probe,), http_origin(ask, answer, "OpenID configuration"))


async def _domain(answerer: Answerer, cloud: Cloud, domain: str) -> Reading:
    asks = domains.ask_one(cloud.graph, domain), domains.ask_federation(cloud.graph, domain)
    plain, federation = await asyncio.gather(*(answerer.http(ask) for ask in asks))
    if plain.failure is not None:
        return await _exported(answerer, r.EntraDomain, cmdlets.ask_domain(domain), plain.failure)
    read = domains.read_one(plain)
    if isinstance(read, r.EntraDomain):
        read = domains.read_federation(federation, read)
    if isinstance(read, Failure):
        return unseen(r.EntraDomain.__name__, read)
    return Seen((read,) if read else (), http_origin(asks[0], plain))


def user_name(mailbox: Reading, box: str) -> str:
    """The user principal name of the mailbox ``box``, its address where none was read."""
    found = mailbox.first if isinstance(mailbox, Seen) else None
    return found.user_principal_name if isinstance(found, r.Mailbox) and found.user_principal_name else box


async def collect_entra_user(answerer: Answerer, cloud: Cloud, box: str, name: str) -> Readings:
    """The person of Entra with the user principal name ``name``, behind the mailbox ``box``."""
    ask = users.ask_one(cloud.graph, name)
    answer = await answerer.http(ask)
    return {key(r.EntraUser, ONLINE, box): await _user(answerer, name, ask, answer)}


async def _user(answerer: Answerer, name: str, ask: HttpAsk, answer: HttpAnswer) -> Reading:
    if answer.failure is not None:
        return await _exported(answerer, r.EntraUser, cmdlets.ask_user(name), answer.failure)
    read = users.read_one(answer)
    if isinstance(read, Failure):
        return unseen(r.EntraUser.__name__, read)
    return Seen((read,) if read else (), http_origin(ask, answer))


async def _exported(answerer: Answerer, kind: type[r.Record], ask: CmdletAsk, failure: Failure) -> Reading:
    """Where Graph cannot be asked, an export of the same objects serves; a live failure is told as it is."""
    reading = await read_cmdlet(answerer, kind, ask)
    if isinstance(reading, Unseen) and failure.reason is not FailureReason.NOT_EXPORTED:
        return unseen(kind.__name__, failure)
    return reading


# The federation service -----------------------------------------------------------------------------------------------


def federation_host(realm: Reading, domain: Reading) -> str:
    """Host of the federation service, as strangers are sent there or as the tenant has it; "" where there is none."""
    for reading in (realm, domain):
        for one in reading.records if isinstance(reading, Seen) else ():
            url = one.sign_in_url if isinstance(one, RealmProbe) else getattr(one, "passive_sign_in_uri", "")
            if host := (urlsplit(url).hostname or "").lower():
                return host
    return ""


async def _service(answerer: Answerer, host: str, realm: Reading) -> Reading:
    if not host:
        if isinstance(realm, Unseen):
            return realm
        return Seen((), Origin(source="realm discovery", excerpt="not federated"))
    ask = federation_metadata.ask(host)
    tls, answer = await asyncio.gather(answerer.tls(TlsAsk(host=host)), answerer.http(ask))
    for failure in (tls.failure, answer.failure):
        if failure is not None and failure.reason in _OURS:
            return unseen(FederationServiceProbe.__name__, failure)
    return Seen((_looked_at(host, tls, answer),), http_origin(ask, answer, "federation metadata"))


def _looked_at(host: str, tls: TlsAnswer, answer: HttpAnswer) -> FederationServiceProbe:
    read = federation_metadata.read_answer(answer)
    certificates = () if isinstance(read, Failure) else read.signing_certificates
    return FederationServiceProbe(
        premises=ON,
        identity=host,
        stopped=tls.stopped or "",
        verification="" if tls.failure else tls.verification,
        says=tls.failure.says if tls.failure else tls.says,
        status=0 if answer.failure else answer.status,
        signing_certificates=tuple(_certificate(der) for der in certificates),
    )


def _certificate(der: bytes) -> SigningCertificate:
    facts = read_certificate(der)
    if facts is None:
        return SigningCertificate(thumbprint="")
    return SigningCertificate(thumbprint=facts.thumbprint, subject=facts.subject, not_after=facts.not_after)
