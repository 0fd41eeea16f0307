r"""Autodiscover tells everybody, in the headers of its refusal, whether it takes OAuth and tokens of the federation.

## How it is decided

Autodiscover is asked without credentials. Exchange's 401 carries `X-OAuth-Enabled` and `X-WSSecurity-Enabled`, True or
False. An answer without these headers is none of Exchange's, or of an old server: other checks judge it.

## How to cure it by hand

```powershell
Get-AutodiscoverVirtualDirectory | Format-List Identity, ExternalAuthenticationMethods
Set-AutodiscoverVirtualDirectory -Identity "EX1\Autodiscover (Default Web Site)" -OAuthAuthentication $true
```

Where the directories show the method and the server does not, it has not taken the setting up: run `iisreset /noforce`.

## How hybridge cures it

It does not: the causes found beside it have their cures.

## How to undo

Nothing is changed by hybridge.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.edge import EDGE
from hybridge.checks.sharing.ways import host_of
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.probes import AutodiscoverOfferProbe
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
_CURE = steps(
    "Switch <method> on for the Autodiscover virtual directories behind <host>.",
    'Set-AutodiscoverVirtualDirectory -Identity "<server>\\Autodiscover (Default Web Site)" '
    "-<method>Authentication $true",
    "iisreset /noforce, on every server behind <host>",
    verify="Without credentials, Autodiscover answers with X-<method>-Enabled: True.",
)


class AutodiscoverOffers(Check):
    """Judges what Autodiscover says of itself to a stranger."""

    title = "Does Autodiscover offer OAuth and federation from outside?"
    why = "The other organization asks here first: what is not offered, free/busy cannot use."
    scope = Scope.ORGANIZATION
    needs = ((AutodiscoverOfferProbe, ON),)
    symptom = True
    explained_by = (*EDGE, "sharing/autodiscover-sign-in")
    sources = (sources.EWS_MANAGED_API,)
    covers = ("PROBE-01",)
    needs_online = True
    causes = (
        Cause(
            slug="oauth-not-offered",
            says="Autodiscover says that it takes no OAuth tokens.",
            breaks=None,
            heals=_CURE,
            healable=False,
        ),
        Cause(
            slug="ws-security-not-offered",
            says="Autodiscover says that it takes no tokens of the federation.",
            breaks=None,
            heals=_CURE,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """A header that is absent says nothing."""
        reading = evidence.all(AutodiscoverOfferProbe, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        for one in reading.records:
            offers = (
                ("oauth-not-offered", "OAuth", one.oauth_enabled),
                ("ws-security-not-offered", "WSSecurity", one.ws_security_enabled),
            )
            for slug, method, on in offers:
                if on is False:
                    host = host_of(one.identity)
                    says = f"Autodiscover at {host} says that {method} is not enabled."
                    facts = {"host": host, "method": method}
                    yield self.finding(slug, subject, says, facts=facts, origins=(reading.origin,))
