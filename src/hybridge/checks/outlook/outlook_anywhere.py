r"""Autodiscover tells clients outside how to connect (EXPR) from the settings of Outlook Anywhere.

## How it is decided

`Get-OutlookAnywhere` of every server. Without `ExternalHostname` Autodiscover has nothing to say to clients outside:
EXPR is missing in its answer. Without an authentication method for external clients EXPR lacks AuthPackage, and the
client does not know how to sign in. Outlook with MAPI over HTTP can do without both; older clients and Microsoft's
analyzer cannot.

## How to cure it by hand

The three parameters belong together; give the method you use (Negotiate or Ntlm):

```powershell
Get-OutlookAnywhere -ADPropertiesOnly | Format-List Identity, External*
$external = @{
  ExternalHostname = "mail.contoso.com"; ExternalClientsRequireSsl = $true
  ExternalClientAuthenticationMethod = "Negotiate"
}
Set-OutlookAnywhere -Identity "EX1\Rpc (Default Web Site)" @external
```

## How hybridge cures it

It does not: which method your clients and your proxy can use, a person must say. It prints the command.

## How to undo

Set the former values with the same cmdlet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import OutlookAnywhere
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def _last(**changes: str) -> Callable[[Organization], Organization]:
    def breaks(organization: Organization) -> Organization:
        last = organization.all(OutlookAnywhere, ON)[-1]
        return organization.put(msgspec.structs.replace(last, **changes))

    return breaks


_SET = (
    'Set-OutlookAnywhere -Identity "<identity>" -ExternalHostname <host> -ExternalClientsRequireSsl $true '
    "-ExternalClientAuthenticationMethod Negotiate"
)


class OutlookAnywhereExternal(Check):
    """Judges what every server tells clients outside about Outlook Anywhere."""

    title = "Is Outlook Anywhere published with a host name and a sign-in?"
    why = "Without them Autodiscover leaves out what Outlook outside the network needs to connect."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((OutlookAnywhere, ON),)
    sources = (sources.OUTLOOK_ANYWHERE, sources.CONNECTIVITY_ANALYZER)
    causes = (
        Cause(
            slug="external-host-missing",
            says="Outlook Anywhere of a server has no external host name, so Autodiscover's answer lacks EXPR.",
            breaks=_last(external_hostname=""),
            heals=steps(
                "Give <identity> an external host name.",
                _SET,
                verify="Get-OutlookAnywhere shows the ExternalHostname; Autodiscover's answer has EXPR.",
            ),
            healable=False,
            covers=("MRCA-35",),
        ),
        Cause(
            slug="authentication-method-missing",
            says="Outlook Anywhere of a server names no sign-in for clients outside, so EXPR lacks AuthPackage.",
            breaks=_last(external_client_authentication_method=""),
            heals=steps(
                "Name the sign-in of external clients for <identity>.",
                _SET,
                verify="Get-OutlookAnywhere shows ExternalClientAuthenticationMethod; EXPR has AuthPackage.",
            ),
            healable=False,
            covers=("MRCA-33",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per server."""
        reading = evidence.all(OutlookAnywhere, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        host = next((one.external_hostname for one in reading.records if one.external_hostname), "<your public host>")
        for one in reading.records:
            slug = ""
            if not one.external_hostname:
                slug, says = "external-host-missing", f"{one.identity} has no ExternalHostname."
            elif not one.external_client_authentication_method:
                slug, says = "authentication-method-missing", f"{one.identity} names no sign-in for external clients."
            if slug:
                facts = {"identity": one.identity, "host": host}
                yield self.finding(slug, subject, says, address=one.address, facts=facts, origins=(reading.origin,))
