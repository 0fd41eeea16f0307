r"""Once Exchange has an application of its own, the shared one need not hold its certificates any more.

## How it is decided

The dedicated hybrid application is in use: the AuthServer names it, and exactly one setting override switches it on.
Then the service principal of Office 365 Exchange Online (`00000002-0000-0ff1-ce00-000000000000`) should hold no key.
The Hybrid Configuration Wizard of earlier years put the authentication certificate there, and nobody took it away. Who
has that certificate's private key, such as an administrator of any Exchange server, could speak for the whole tenant
(CVE-2025-53786). That is why it is advised to take the keys away; nothing stops working while they are there.

## How to cure it by hand

Make sure that free/busy of people in the cloud is shown on-premises. Then let Microsoft's script take all keys of that
one service principal away:

```powershell
.\ConfigureExchangeHybridApplication.ps1 -ResetFirstPartyServicePrincipalKeyCredentials
```

The keys of the applications of Teams (`7557eb47-...`, `db7de2b5-...`, `00000004-...`) are others and stay. Afterwards
do not let the Hybrid Configuration Wizard configure OAuth again: it would put a key back.

## How hybridge cures it

It does not, in no plan: hybridge never takes away a key it did not put there. It prints the command.

## How to undo

The Hybrid Configuration Wizard puts the certificate back when it configures OAuth.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.oauth import hybrid
from hybridge.checks.partner_apps import keys
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import NotApplicable, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import EntraApplication, ServicePrincipal, SettingOverride
from hybridge.terms.applications import EXCHANGE_ONLINE
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE


def _never_cleaned_up(organization: Organization) -> Organization:
    """The wizard uploaded the certificate years ago, and it is still there."""
    shared = organization.one(ServicePrincipal, ONLINE, EXCHANGE_ONLINE)
    held = [key for one in organization.all(EntraApplication, ONLINE) for key in one.key_credentials]
    if shared is None:
        return organization
    mine = (msgspec.structs.replace(key, key_id=f"5{key.key_id[1:]}") for key in held)
    return organization.put(msgspec.structs.replace(shared, key_credentials=tuple(mine)))


class SharedServicePrincipal(Check):
    """Judges the keys of the shared application's service principal."""

    title = "Is the shared application of Exchange Online free of our certificates?"
    why = "Whoever gets the private key of a certificate that is left there could speak for the whole tenant."
    scope = Scope.ORGANIZATION
    severity = Severity.ADVICE
    needs = (*hybrid.NEEDS, (SettingOverride, ON), (ServicePrincipal, ONLINE))
    covers = ("OAUTH-11",)
    sources = (sources.DEDICATED_APPLICATION, sources.CONFIGURE_APPLICATION)
    causes = (
        Cause(
            slug="keys-left",
            says="The service principal of Office 365 Exchange Online still holds keys.",
            breaks=_never_cleaned_up,
            heals=steps(
                "Take the keys of Office 365 Exchange Online away once the dedicated hybrid application works. This is "
                "a step of its own: hybridge does not take it.",
                "Check first: on-premises, free/busy of people in the cloud is shown.",
                ".\\ConfigureExchangeHybridApplication.ps1 -ResetFirstPartyServicePrincipalKeyCredentials",
                "Do not let the Hybrid Configuration Wizard configure OAuth again: it puts a key back.",
                verify="hybridge doctor no longer finds oauth/shared-service-principal, and free/busy still works.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """At most one finding."""
        trust = hybrid.trust_of(evidence)
        if isinstance(trust, tuple):
            yield from trust
            return
        if isinstance(trust, NotApplicable):
            yield trust
            return
        settings = evidence.all(SettingOverride, ON)
        principals = evidence.all(ServicePrincipal, ONLINE)
        unseen = [one for one in (settings, principals) if isinstance(one, Unseen)]
        yield from unseen
        if isinstance(settings, Unseen) or isinstance(principals, Unseen):
            return
        mine = hybrid.overrides(settings.records)
        if not trust.identifiers or len(mine) != 1 or not hybrid.switches_on(mine[0]):
            yield NotApplicable("Exchange does not use an application of its own yet.")
            return
        shared = next((one for one in principals.records if one.identity.lower() == EXCHANGE_ONLINE), None)
        if shared is None:
            yield Unseen(
                what="ServicePrincipal",
                reason="not-exported",
                says="The service principal of Office 365 Exchange Online was not read.",
                how=f"Get-MgServicePrincipal -Filter \"appId eq '{EXCHANGE_ONLINE}'\"",
            )
        elif shared.key_credentials:
            count = len(shared.key_credentials)
            living = sum(not keys.expired(key, evidence.now) for key in shared.key_credentials)
            says = (
                f"The service principal of Office 365 Exchange Online holds {count} key{'' if count == 1 else 's'}, "
                f"{living} of them not expired; the dedicated hybrid application needs none there."
            )
            origins = (principals.origin, settings.origin)
            yield self.finding("keys-left", subject, says, address=shared.address, origins=origins)
