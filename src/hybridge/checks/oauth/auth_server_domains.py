r"""Each domain of the cloud belongs to one AuthServer: where two claim it, Exchange may take the wrong one.

## How it is decided

`Get-AuthServer` is read. Among the enabled ones of type AzureAD no two may list the same domain in `DomainName`, and
at most one may be the default authorization endpoint. This happens where the Hybrid Configuration Wizard was run for a
second tenant, or an old AuthServer was left behind.

## How to cure it by hand

```powershell
Get-AuthServer | Format-List Name, Type, Enabled, Realm, DomainName, IsDefaultAuthorizationEndpoint
Set-AuthServer -Identity "EvoSts - old" -Enabled $false
```

## How hybridge cures it

It does not: which of the two is in use, a person must say. It prints the steps.

## How to undo

`Set-AuthServer -Identity "EvoSts - old" -Enabled $true` enables it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import AuthServer
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def _twice(organization: Organization) -> Organization:
    for one in organization.all(AuthServer, ON):
        if one.type == "AzureAD":
            old = msgspec.structs.replace(one, identity="EvoSts - old", is_default_authorization_endpoint=False)
            return organization.put(old)
    return organization


class AuthServerDomains(Check):
    """Judges whether AuthServers of users get in each other's way."""

    title = "Does each domain of the cloud belong to one AuthServer?"
    why = "Exchange may ask the wrong issuer, and then is refused or refuses at random."
    scope = Scope.ORGANIZATION
    needs = ((AuthServer, ON),)
    sources = (sources.FREE_BUSY_CHECKER, sources.SET_AUTH_SERVER)
    covers = ("OAUTH-05",)
    needs_online = True
    causes = (
        Cause(
            slug="overlapping",
            says="Two enabled AuthServers claim the same domain.",
            breaks=_twice,
            heals=steps(
                "Leave <domain> to one of <names>.",
                "Get-AuthServer | Format-List Name, Type, Enabled, Realm, DomainName",
                "Set-AuthServer -Identity <the one that is not used any more> -Enabled $false",
                verify="Get-AuthServer shows <domain> with one enabled AuthServer of type AzureAD.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """Every pair that shares a domain."""
        reading = evidence.all(AuthServer, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        mine = [one for one in reading.records if one.enabled and one.type.lower() == "azuread"]
        for one, other in combinations(mine, 2):
            shared = {name.lower() for name in one.domain_name} & {name.lower() for name in other.domain_name}
            if shared:
                domain, names = ", ".join(sorted(shared)), f"{one.identity} and {other.identity}"
                says = f"The AuthServers {names} both claim {domain}."
                facts = {"domain": domain, "names": names}
                yield self.finding(
                    "overlapping", subject, says, address=other.address, facts=facts, origins=(reading.origin,)
                )
