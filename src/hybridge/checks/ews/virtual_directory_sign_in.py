r"""Callers of EWS sign in by Windows, by OAuth or by a token of the federation: each must be on where it is needed.

## How it is decided

`Get-WebServicesVirtualDirectory` is read. `WSSecurityAuthentication` must be true: by it the other organization signs
in where no connector applies. `WindowsAuthentication` must be true: servers, Outlook inside and the connectivity
tests use it. OAuth is judged by `oauth/bearer-challenge`, a blank `ExternalUrl` by `autodiscover/v2-route`.
`MRSProxyEnabled` is about moves and not judged.

## How to cure it by hand

```powershell
Get-WebServicesVirtualDirectory -ADPropertiesOnly | Format-Table Identity, *Authentication
Set-WebServicesVirtualDirectory -Identity "EX1\EWS (Default Web Site)" -WSSecurityAuthentication $true
Set-WebServicesVirtualDirectory -Identity "EX1\EWS (Default Web Site)" -WindowsAuthentication $true
```

Where the value is true and sign-in fails nevertheless (403 when an item is created), IIS has other settings than
Exchange: set it to `$false` and to `$true` again, then run `iisreset /noforce`.

## How hybridge cures it

It sets the value on the directory.

## How to undo

`hybridge repair undo` sets the former value.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Break, Cause, Check, Saying
from hybridge.checks.cures import by_hand, put
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import WebServicesVirtualDirectory
from hybridge.plan import Change, Manual, Risk
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
_FIELDS = {
    "ws-security-off": ("ws_security_authentication", "WSSecurityAuthentication"),
    "windows-authentication-off": ("windows_authentication", "WindowsAuthentication"),
}


def _switch_on(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    field, name = _FIELDS[finding.cause]
    directory = organization.at(finding.address) if finding.address else None
    if not isinstance(directory, WebServicesVirtualDirectory):
        return by_hand(
            finding,
            f"Switch {name} on.",
            "Get-WebServicesVirtualDirectory -ADPropertiesOnly",
            verify=f"{name} is True.",
        )
    after = msgspec.structs.replace(directory, **{field: True})
    return put(finding, organization, after, f"Switch {name} on for {directory.identity}.", Risk.MEDIUM)


def _off(field: str) -> Break:
    def breaks(organization: Organization) -> Organization:
        directories = organization.all(WebServicesVirtualDirectory, ON)
        return organization.put(*(msgspec.structs.replace(one, **{field: False}) for one in directories))

    return breaks


class VirtualDirectorySignIn(Check):
    """Judges the ways of signing in to EWS that no other check judges."""

    title = "Do the EWS virtual directories take every sign-in that is needed?"
    why = "What a directory does not take fails with 401 or 403: free/busy of the other side, or tests and tools."
    scope = Scope.ORGANIZATION
    needs = ((WebServicesVirtualDirectory, ON),)
    sources = (sources.FREE_BUSY_CHECKER, sources.CONNECTIVITY_ANALYZER)
    covers = ("EWS-07", "FB-03")
    causes = (
        Cause(
            slug="ws-security-off",
            says="An EWS virtual directory does not take tokens of the federation.",
            breaks=_off("ws_security_authentication"),
            heals=_switch_on,
            covers=("X-07",),
        ),
        Cause(
            slug="windows-authentication-off",
            says="An EWS virtual directory does not take Windows authentication.",
            breaks=_off("windows_authentication"),
            heals=_switch_on,
            covers=("X-12",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """Every directory; a value that was not exported is not judged."""
        reading = evidence.all(WebServicesVirtualDirectory, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        for one in reading.records:
            for slug, (field, name) in _FIELDS.items():
                if getattr(one, field) is False:
                    says = f"{name} is switched off on the EWS virtual directory {one.identity}."
                    yield self.finding(slug, subject, says, address=one.address, origins=(reading.origin,))
