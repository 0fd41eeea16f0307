r"""The other side asks Autodiscover first, and signs in there with OAuth or with a token of the federation.

## How it is decided

`Get-AutodiscoverVirtualDirectory` is read. On every server its authentication methods must hold OAuth and WSSecurity:
by the one the tenant asks where a connector applies, by the other where federation is used.

## How to cure it by hand

```powershell
Get-AutodiscoverVirtualDirectory | Format-List Identity, ExternalAuthenticationMethods, InternalAuthenticationMethods
Set-AutodiscoverVirtualDirectory -Identity "EX1\Autodiscover (Default Web Site)" -WSSecurityAuthentication $true
Set-AutodiscoverVirtualDirectory -Identity "EX1\Autodiscover (Default Web Site)" -OAuthAuthentication $true
```

Where the list shows the method and sign-in fails nevertheless, set it to `$false` and to `$true` again, then run
`iisreset /noforce` on the server.

## How hybridge cures it

It does not: it prints the steps.

## How to undo

Set the method back to `$false` with the same cmdlet.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Break, Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import AutodiscoverVirtualDirectory
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
_METHODS = {"ws-security-missing": "WSSecurity", "oauth-missing": "OAuth"}
_CURE = steps(
    "Switch <method> on for <directory>.",
    'Set-AutodiscoverVirtualDirectory -Identity "<directory>" -<method>Authentication $true',
    "iisreset /noforce, on that server",
    verify="Get-AutodiscoverVirtualDirectory shows <method> among its authentication methods.",
)


def _without(method: str) -> Break:
    def breaks(organization: Organization) -> Organization:
        return organization.put(
            *(
                msgspec.structs.replace(
                    one,
                    external_authentication_methods=_less(one.external_authentication_methods, method),
                    internal_authentication_methods=_less(one.internal_authentication_methods, method),
                )
                for one in organization.all(AutodiscoverVirtualDirectory, ON)
            )
        )

    return breaks


def _less(methods: tuple[str, ...], method: str) -> tuple[str, ...]:
    return tuple(name for name in methods if name != method)


class AutodiscoverSignIn(Check):
    """Judges how Autodiscover lets the other side in."""

    title = "Does Autodiscover let the other organization sign in?"
    why = "What the other side cannot ask Autodiscover, it cannot ask EWS either: calendars stay hatched."
    scope = Scope.ORGANIZATION
    needs = ((AutodiscoverVirtualDirectory, ON),)
    sources = (sources.FREE_BUSY_CHECKER, sources.RESOLVE_FREE_BUSY)
    covers = ("FB-03",)
    needs_online = True
    causes = (
        Cause(
            slug="ws-security-missing",
            says="Autodiscover does not take tokens of the federation.",
            breaks=_without("WSSecurity"),
            heals=_CURE,
            healable=False,
            covers=("X-07",),
        ),
        Cause(
            slug="oauth-missing",
            says="Autodiscover does not take OAuth tokens.",
            breaks=_without("OAuth"),
            heals=_CURE,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """Every server's directory; one that shows no methods at all was not exported with them."""
        reading = evidence.all(AutodiscoverVirtualDirectory, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        for one in reading.records:
            shown = {*one.external_authentication_methods, *one.internal_authentication_methods}
            for slug, method in _METHODS.items():
                if shown and method.lower() not in {name.lower() for name in shown}:
                    says = f"{method} is not among the authentication methods of {one.identity}."
                    facts = {"directory": one.identity, "method": method}
                    yield self.finding(slug, subject, says, address=one.address, facts=facts, origins=(reading.origin,))
