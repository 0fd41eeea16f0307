r"""MAPI over HTTP must be published like the rest of Exchange: challenged by Exchange, at an address clients get.

## How it is decided

Every server's MAPI virtual directory should have an external URL, else Autodiscover has no address for clients outside.
The address is asked for a PING without credentials. Exchange answers 401, names itself (`X-ServerApplication`) and
offers sign-ins. A page, a redirect or a challenge without Exchange's own headers comes from something in front; 404
means that the path is not published. No answer at all is judged by other checks (names, certificates, connections).

## How to cure it by hand

Publish `/mapi/*` without pre-authentication, as `/ews/*` and `/autodiscover/*`. For a blank URL:

```powershell
Get-MapiVirtualDirectory -ADPropertiesOnly | Format-List Identity, ExternalUrl, IISAuthenticationMethods
Set-MapiVirtualDirectory -Identity "EX2\mapi (Default Web Site)" -ExternalUrl "https://mail.contoso.com/mapi"
```

## How hybridge cures it

It sets a blank external URL to the one of the other servers. Publishing is yours: it prints steps.

## How to undo

`hybridge repair undo` makes the external URL blank again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.autodiscover.answers import host_of
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put, steps, symptom_of
from hybridge.checks.edge import EDGE
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import MapiProbe
from hybridge.org.records import MapiVirtualDirectory, PublishedPath
from hybridge.plan import Change, Manual
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def _answered(word: str) -> Callable[[Organization], Organization]:
    return lambda organization: organization.edit(PublishedPath, lambda one: one.path == "/mapi", answered_by=word)


def _blank_last(organization: Organization) -> Organization:
    last = organization.all(MapiVirtualDirectory, ON)[-1]
    return organization.put(msgspec.structs.replace(last, external_url=""))


def _set_url(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    directory = organization.at(finding.address) if finding.address else None
    if not isinstance(directory, MapiVirtualDirectory) or directory.external_url:
        return ()
    url = next((one.external_url for one in organization.all(MapiVirtualDirectory, ON) if one.external_url), "")
    if url:
        after = msgspec.structs.replace(directory, external_url=url)
        return put(finding, organization, after, f"Set the external URL of {directory.identity} to {url}.")
    return by_hand(
        finding,
        f"Set the external URL of {directory.identity}; no other server shows which it is.",
        f'Set-MapiVirtualDirectory -Identity "{directory.identity}" -ExternalUrl "https://<your public host>/mapi"',
        verify="Get-MapiVirtualDirectory shows the ExternalUrl.",
    )


class MapiAnswer(Check):
    """Judges how MAPI over HTTP is published."""

    title = "Does MAPI over HTTP answer from outside?"
    why = "It is how Outlook opens mailboxes; without it, Outlook outside the network stays disconnected."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((MapiVirtualDirectory, ON), (MapiProbe, ON))
    symptom = True
    covers = ("ADC-06",)
    explained_by = (*EDGE, "platform/exchange-version")
    sources = (sources.MAPI_OVER_HTTP, sources.CONNECTIVITY_ANALYZER)
    causes = (
        Cause(
            slug="external-url-blank",
            says="The MAPI virtual directory of a server has no external URL.",
            breaks=_blank_last,
            heals=_set_url,
        ),
        Cause(
            slug="not-published",
            says="Nothing answers for MAPI over HTTP at its external address.",
            breaks=_answered("nothing-there"),
            heals=steps(
                "Publish https://<host>/mapi/ to Exchange.",
                "On the reverse proxy or firewall that serves <host>, publish the path /mapi/* without "
                "pre-authentication.",
                verify="From outside, https://<host>/mapi/healthcheck.htm answers 200.",
            ),
            healable=False,
        ),
        Cause(
            slug="pre-authenticated",
            says="A device in front of Exchange wants callers of MAPI over HTTP to sign in.",
            breaks=_answered("login-page"),
            heals=steps(
                "Exempt /mapi/ at <host> from pre-authentication.",
                "On the device that publishes <host>, pass /mapi/* through: Exchange signs Outlook in itself.",
                verify="From outside, <url> answers 401 with Exchange's own headers.",
            ),
            healable=False,
        ),
        Cause(
            slug="no-sign-in-offered",
            says="MAPI over HTTP refuses strangers without offering a sign-in.",
            breaks=None,
            heals=symptom_of,
            healable=False,
        ),
        Cause(
            slug="unexpected-answer",
            says="MAPI over HTTP answers in no known way.",
            breaks=None,
            heals=symptom_of,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per blank directory and per address."""
        directories = evidence.all(MapiVirtualDirectory, ON)
        probes = evidence.all(MapiProbe, ON)
        yield from (one for one in (directories, probes) if isinstance(one, Unseen))
        if not isinstance(directories, Unseen):
            for one in directories.records:
                if not one.external_url:
                    says = f"The MAPI virtual directory {one.identity} has no external URL."
                    origins = (directories.origin,)
                    yield self.finding("external-url-blank", subject, says, address=one.address, origins=origins)
        if isinstance(probes, Unseen):
            return
        for probe in probes.records:
            if probe.reason:
                how = f"make {probe.identity} answer, or ask from a place that reaches it"
                yield Unseen(what="MAPI over HTTP", reason=probe.reason, says=probe.says, how=how)
            elif slug := _judge(probe):
                facts = {"host": host_of(probe.identity), "url": probe.identity}
                says = f"{probe.identity} answered HTTP {probe.status}{_SAYS[slug]}."
                yield self.finding(slug, subject, says, facts=facts, origins=(probes.origin,))


_SAYS = {
    "not-published": ": nothing is published there",
    "pre-authenticated": " without Exchange's own headers: something in front asks for a sign-in",
    "no-sign-in-offered": " and offers no sign-in",
    "unexpected-answer": " to a PING without credentials",
}


def _judge(probe: MapiProbe) -> str:
    """The cause an answer shows, "" for a good one."""
    exchange = probe.reached_exchange or bool(probe.server_application)
    if probe.status in (403, 404, 405, 410) and not exchange:
        return "not-published"
    if not exchange and probe.status in (200, 301, 302, 303, 307, 308, 401, 407):
        return "pre-authenticated"
    if probe.status == 401:
        return "" if probe.schemes else "no-sign-in-offered"
    return "unexpected-answer"
