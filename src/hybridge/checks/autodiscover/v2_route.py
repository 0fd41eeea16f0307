r"""Teams finds a mailbox by asking Exchange Online, which must send it on to your servers.

## How it is decided

The route of an on-premises mailbox is walked the way Teams walks it, without signing in, for EWS, for REST and for
classic Autodiscover: from Exchange Online, by its redirect, to your Autodiscover address. A good route ends with a URL
at your own host. Otherwise it tells:

| seen | means |
| --- | --- |
| a URL of the cloud | Exchange Online believes the mailbox is there |
| 404 or 403 at your address | nothing is published there |
| a page or a redirect that wants somebody to sign in | a device in front asks before Exchange does |
| an error that the protocol is not known | the server is too old (`platform/exchange-version`) |
| no answer, a loop, another domain, another error | no route |

Teams does not follow the redirect by plain HTTP on port 80 that other clients know. No answer may also mean that a
firewall admits Microsoft's addresses only; then ask from outside. A server whose EWS virtual directory has no external
URL is found from its configuration.

## How to cure it by hand

Publish `https://autodiscover.<domain>/autodiscover/` without any sign-in before Exchange, at the least
`/autodiscover/autodiscover.json`. For a mailbox routed online, the synchronized mail user must exist in Exchange Online
with the organization's domain in its target address:

```powershell
Get-MailUser -Identity "ada@contoso.com" | Format-List RecipientTypeDetails, ExternalEmailAddress
```

For a blank external URL:

```powershell
Get-WebServicesVirtualDirectory -ADPropertiesOnly | Format-List Identity, ExternalUrl
$url = "https://mail.contoso.com/EWS/Exchange.asmx"
Set-WebServicesVirtualDirectory -Identity "EX2\EWS (Default Web Site)" -ExternalUrl $url
```

## How hybridge cures it

It sets a blank external URL to the one of the other servers. Publishing and synchronization are yours: it prints steps.

## How to undo

`hybridge repair undo` makes the external URL blank again:

```powershell
Set-WebServicesVirtualDirectory -Identity "EX2\EWS (Default Web Site)" -ExternalUrl $null
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

import msgspec

from hybridge.checks import sources
from hybridge.checks.autodiscover.answers import host_of, verdict
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put, steps, symptom_of
from hybridge.checks.edge import EDGE
from hybridge.checks.location import MAILBOX_NEEDS, on_premises_mailbox
from hybridge.evidence import Evidence, Origin, Seen, Unseen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import AutodiscoverV2Probe
from hybridge.org.records import Mailbox, MailUser, PublishedPath, WebServicesVirtualDirectory
from hybridge.plan import Change, Manual
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE
PROTOCOLS = ("EWS", "REST", "AutodiscoverV1")
_SYMPTOMS = {
    "EWS": tuple(Symptom),
    "REST": (Symptom.PRESENCE_STUCK,),
}
"""Presence is counted with both: events come by REST, and guidance asks for EWS too (automatic replies)."""
_EVERY = tuple(Symptom)
_PATH = "/autodiscover"


def _answered(word: str) -> Callable[[Organization], Organization]:
    return lambda organization: organization.edit(
        PublishedPath, lambda one: one.path == _PATH and one.host.startswith("autodiscover."), answered_by=word
    )


def _unsynchronized(organization: Organization) -> Organization:
    return organization.drop(organization.all(MailUser, ONLINE)[0].address)


def _blank_last(organization: Organization) -> Organization:
    last = organization.all(WebServicesVirtualDirectory, ON)[-1]
    return organization.put(msgspec.structs.replace(last, external_url=""))


def _set_url(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    directory = organization.at(finding.address) if finding.address else None
    if not isinstance(directory, WebServicesVirtualDirectory) or directory.external_url:
        return ()
    others = (one.external_url for one in organization.all(WebServicesVirtualDirectory, ON) if one.external_url)
    url = next(others, "") or finding.facts.get("url", "")
    if url:
        after = msgspec.structs.replace(directory, external_url=url)
        return put(finding, organization, after, f"Set the external URL of {directory.identity} to {url}.")
    return by_hand(
        finding,
        f"Set the external URL of {directory.identity}; no other server shows which it is.",
        f'Set-WebServicesVirtualDirectory -Identity "{directory.identity}" '
        '-ExternalUrl "https://<your public host>/EWS/Exchange.asmx"',
        verify="Get-WebServicesVirtualDirectory shows the ExternalUrl.",
    )


class V2Route(Check):
    """Judges where Autodiscover V2 leads for one on-premises mailbox."""

    title = "Does Exchange Online send Teams to the right server for this mailbox?"
    why = (
        "Teams has no other way to find an on-premises mailbox: without it delegation, calendar and presence all stop."
    )
    scope = Scope.MAILBOX
    needs = ((AutodiscoverV2Probe, ONLINE), (WebServicesVirtualDirectory, ON), *MAILBOX_NEEDS)
    symptom = True
    explained_by = (*EDGE, "autodiscover/redirect-only", "platform/exchange-version", "teams/recipient-state")
    needs_publishing = True
    sources = (sources.RESOLVE, sources.INTEROPERATION, sources.CONNECTIVITY_ANALYZER)
    covers = ("ADV2-01", "ADV2-02", "ADV2-03", "ADV2-04", "ADV2-05", "PRES-01", "DEL-05")
    causes = (
        Cause(
            slug="not-published",
            says="Nothing answers for Autodiscover at the organization's address.",
            breaks=_answered("nothing-there"),
            may_be_effect=True,
            heals=steps(
                "Publish https://<host>/autodiscover/ to the Internet.",
                "On the reverse proxy or firewall that serves <host>, publish the path /autodiscover/* to Exchange.",
                "Allow it from every address, or at least from those of Microsoft Teams and Exchange Online.",
                "Allow it without any sign-in before Exchange.",
                verify="From outside, https://<host>/autodiscover/autodiscover.json?Email=<mailbox>&Protocol=EWS "
                "answers with JSON.",
            ),
            symptoms=_EVERY,
            healable=False,
        ),
        Cause(
            slug="pre-authenticated",
            says="A device in front of Exchange wants Autodiscover's callers to sign in.",
            breaks=_answered("login-page"),
            may_be_effect=True,
            heals=steps(
                "Exempt /autodiscover/ at <host> from pre-authentication.",
                "On the device that publishes <host>, pass /autodiscover/* through without pre-authentication.",
                "Exchange itself signs callers in where that is needed; autodiscover.json is asked anonymously.",
                verify="From outside, https://<host>/autodiscover/autodiscover.json?Email=<mailbox>&Protocol=EWS "
                "answers with JSON, not with a page.",
            ),
            symptoms=_EVERY,
            healable=False,
            covers=("MRCA-28", "X-04"),
        ),
        Cause(
            slug="routed-online",
            says="Exchange Online answers for an on-premises mailbox as if it were its own.",
            breaks=_unsynchronized,
            may_be_effect=True,
            heals=steps(
                "Let directory synchronization make <mailbox> a mail user in Exchange Online.",
                'In Exchange Online: Get-Recipient -Identity "<mailbox>" | Format-List RecipientTypeDetails, '
                "ExternalEmailAddress",
                "Nothing found: put the account into the scope of Microsoft Entra Connect and let it synchronize.",
                "A UserMailbox: the person has a second mailbox online; have it removed before anything else.",
                "A MailUser: correct the target address; its domain must be yours, not one of Microsoft's.",
                verify="hybridge doctor <mailbox> no longer finds autodiscover/v2-route.",
            ),
            symptoms=_EVERY,
            healable=False,
        ),
        Cause(
            slug="external-url-blank",
            says="The EWS virtual directory of the mailbox's server has no external URL.",
            breaks=_blank_last,
            heals=_set_url,
            symptoms=_EVERY,
            covers=("FB-08",),
        ),
        Cause(
            slug="no-route",
            says="The route ends without a URL.",
            breaks=None,
            heals=symptom_of,
            symptoms=_EVERY,
            healable=False,
        ),
        Cause(
            slug="protocol-unknown",
            says="The server does not know a protocol that Teams asks for.",
            breaks=None,
            heals=symptom_of,
            symptoms=_EVERY,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per cause, protocols together; a blank external URL explains whatever the route shows."""
        place = on_premises_mailbox(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield place
            return
        reading = evidence.all(AutodiscoverV2Probe, ONLINE, subject.mailbox)
        directories = evidence.all(WebServicesVirtualDirectory, ON)
        yield from (one for one in (reading, directories) if isinstance(one, Unseen))
        blank = tuple(self._blank(directories, reading, place, subject))
        yield from blank
        if isinstance(reading, Seen) and not blank:
            yield from self._routes(reading, subject)

    def _blank(
        self,
        directories: Seen[WebServicesVirtualDirectory] | Unseen,
        probes: Seen[AutodiscoverV2Probe] | Unseen,
        mailbox: Mailbox,
        subject: Subject,
    ) -> Iterator[Finding]:
        if isinstance(directories, Unseen):
            return
        url = _guess(probes.records) if isinstance(probes, Seen) else ""
        for one in directories.records:
            elsewhere = mailbox.server_name and one.server and mailbox.server_name.lower() != one.server.lower()
            if not one.external_url and not elsewhere:
                yield self.finding(
                    "external-url-blank",
                    subject,
                    f"The EWS virtual directory {one.identity}, which serves {mailbox.identity}, has no external URL.",
                    address=one.address,
                    facts={"url": url} if url else {},
                    origins=(directories.origin,),
                )

    def _routes(self, reading: Seen[AutodiscoverV2Probe], subject: Subject) -> Iterator[Saying]:
        by_protocol = {probe.protocol.upper(): probe for probe in reading.records}
        verdicts: dict[str, list[AutodiscoverV2Probe]] = {}
        for protocol in PROTOCOLS:
            probe = by_protocol.get(protocol.upper())
            if probe is None:
                yield Unseen(
                    what=f"AutodiscoverV2Probe {protocol}",
                    reason="not-asked",
                    says=f"The route of {subject.mailbox} for {protocol} was not asked.",
                    how=AutodiscoverV2Probe.cmdlet,
                )
            elif slug := verdict(probe):
                verdicts.setdefault(slug, []).append(probe)
        for slug, probes in verdicts.items():
            yield self._found(slug, probes, reading.origin, subject)

    def _found(self, slug: str, probes: list[AutodiscoverV2Probe], origin: Origin, subject: Subject) -> Finding:
        first = probes[0]
        host = host_of(first.hops[-1]) if first.hops else ""
        protocols = ", ".join(probe.protocol for probe in probes)
        return self.finding(
            slug,
            subject,
            f"Asked for {protocols} of {subject.mailbox}, {_answer(first, host)}.",
            facts={
                "mailbox": subject.mailbox,
                "host": host,
                "protocols": protocols,
                "status": str(first.status),
                "answer": first.url or first.error_code,
            },
            symptoms=tuple(dict.fromkeys(one for probe in probes for one in _SYMPTOMS.get(probe.protocol.upper(), ()))),
            origins=(origin,),
        )


def _answer(probe: AutodiscoverV2Probe, host: str) -> str:
    where = host or "nobody"
    if probe.url:
        return f"{where} answered {probe.url}"
    if probe.status == 0:
        why = f" ({probe.error_code})" if probe.error_code else ""
        return f"{where} gave no answer{why}, which a firewall that admits Microsoft's addresses only would also cause"
    code = f" ({probe.error_code})" if probe.error_code else ""
    return f"{where} answered HTTP {probe.status}{code}"


def _guess(probes: Iterable[AutodiscoverV2Probe]) -> str:
    """The EWS URL at the host that answers for REST, "" when none does."""
    hosts = (urlsplit(probe.url).netloc for probe in probes if probe.protocol.upper() == "REST" and not verdict(probe))
    host = next(hosts, "")
    return f"https://{host}/EWS/Exchange.asmx" if host else ""
