"""Sign-in asks a public directory who checks the password of a domain's people; it must say what the tenant says.

## How it is decided

Realm discovery (`getuserrealm.srf`) is asked for the domain, without credentials and without naming a person. `Unknown`
means that the domain is in no tenant of this cloud. `Managed` where the tenant has the domain as `Federated` means that
people are not sent to the federation service: passwords are checked in Entra, and single sign-on ends. The two differ
for some hours after a conversion, and for good when it was begun and not finished.

## How to cure it by hand

```powershell
Get-MgDomain -DomainId "contoso.com" | Format-List Id, AuthenticationType, IsVerified
Get-MgDomainFederationConfiguration -DomainId "contoso.com" | Format-List IssuerUri, PassiveSignInUri
Invoke-RestMethod "https://login.microsoftonline.com/getuserrealm.srf?login=nobody@contoso.com"
```

Where the domain is to be federated, run the change of sign-in in Microsoft Entra Connect again.

## How hybridge cures it

Not at all: how people sign in is a decision of the organization. It prints these steps.

## How to undo

Nothing is done, so there is nothing to undo.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Break, Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.probes import RealmProbe
from hybridge.org.records import EntraDomain, PublishedRealm
from hybridge.terms.premises import Premises

ONLINE = Premises.ONLINE
MANAGED, FEDERATED, UNKNOWN = "managed", "federated", "unknown"


def _told(kind: str) -> Break:
    return lambda organization: organization.edit(PublishedRealm, name_space_type=kind)


class NameSpace(Check):
    """Compares what sign-in tells strangers of the domain with what the tenant has."""

    title = "Does sign-in know how the people of the mail domain sign in?"
    why = "People are not sent to the federation service, or are told that there is no such account."
    scope = Scope.ORGANIZATION
    symptom = True
    needs = ((RealmProbe, ONLINE), (EntraDomain, ONLINE))
    sources = (sources.CONNECTIVITY_ANALYZER, sources.INTERNAL_DOMAIN_FEDERATION)
    causes = (
        Cause(
            slug="not-federated",
            says="Sign-in takes the name space for a managed one, and the tenant has the domain as federated.",
            breaks=_told("Managed"),
            heals=steps(
                "Sign-in says that <domain> is managed, and the tenant has it as federated.",
                "After a conversion in the last day: wait, then ask again.",
                'Get-MgDomain -DomainId "<domain>" | Format-List AuthenticationType',
                "If it is to be federated: run Change user sign-in in Microsoft Entra Connect again; if it is to be "
                'managed: Update-MgDomain -DomainId "<domain>" -AuthenticationType Managed.',
                verify="hybridge doctor no longer finds sign_in/name-space.",
            ),
            healable=False,
            covers=("MRCA-40",),
        ),
        Cause(
            slug="unknown",
            says="Sign-in knows the mail domain in no tenant of this cloud.",
            breaks=_told("Unknown"),
            heals=steps(
                "Sign-in does not know <domain>.",
                "Microsoft 365 admin centre: Settings > Domains: the domain must be there and its setup complete.",
                "If the tenant is in another cloud: set organization.cloud in hybridge.toml.",
                verify="hybridge doctor no longer finds sign_in/name-space.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding when the realm is not what it should be."""
        reading = evidence.all(RealmProbe, ONLINE)
        if isinstance(reading, Unseen):
            yield reading
            return
        for probe in reading.records:
            told = probe.name_space_type.lower()
            facts = {"domain": probe.identity, "told": probe.name_space_type}
            if told == UNKNOWN:
                says = f"Sign-in does not know the name space {probe.identity}: it is in no tenant of this cloud."
                yield self.finding("unknown", subject, says, facts=facts, origins=(reading.origin,))
            elif told == MANAGED:
                own = evidence.one(EntraDomain, ONLINE, probe.identity)
                if isinstance(own, Unseen):
                    continue  # a managed domain is nothing wrong by itself
                if own.first is not None and own.first.authentication_type.lower() == FEDERATED:
                    says = f"The name space {probe.identity} is not federated for sign-in (it says Managed), though "
                    yield self.finding(
                        "not-federated",
                        subject,
                        f"{says}the tenant has it as Federated.",
                        facts=facts,
                        origins=(reading.origin, own.origin),
                    )
