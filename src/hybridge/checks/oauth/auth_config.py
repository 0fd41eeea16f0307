r"""Exchange Server names itself in its tokens by its authentication configuration: one wrong word, and nobody knows it.

## How it is decided

`Get-AuthConfig` must show the `ServiceName` of Exchange, `00000002-0000-0ff1-ce00-000000000000`, and an empty `Realm`.
The certificate it names is judged by `oauth/auth-certificate`.

## How to cure it by hand

```powershell
Get-AuthConfig | Format-List ServiceName, Realm, CurrentCertificateThumbprint
Set-AuthConfig -ServiceName 00000002-0000-0ff1-ce00-000000000000 -Realm ""
```

## How hybridge cures it

It does not: the setting is of the whole organization and is never changed in everyday work. It prints the steps.

## How to undo

Set the former value with the same cmdlet.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import AuthConfig
from hybridge.terms.applications import EXCHANGE_ONLINE
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
_OTHER = "00000009-0000-0ff1-ce00-000000000000"


def _renamed(organization: Organization) -> Organization:
    return organization.edit(AuthConfig, service_name=_OTHER)


def _in_a_realm(organization: Organization) -> Organization:
    return organization.edit(AuthConfig, realm="fabrikam.com")


_CURE = steps(
    "Set <property> of the authentication configuration to <value>.",
    'Set-AuthConfig -ServiceName 00000002-0000-0ff1-ce00-000000000000 -Realm ""',
    "iisreset /noforce, on every server",
    verify="Get-AuthConfig shows ServiceName 00000002-0000-0ff1-ce00-000000000000 and an empty Realm.",
)


class AuthConfigCheck(Check):
    """Judges the name and the realm Exchange gives itself."""

    title = "Does Exchange call itself Exchange in its tokens?"
    why = "Tokens under another name or realm are refused by everybody, and tokens for Exchange are refused by it."
    scope = Scope.ORGANIZATION
    needs = ((AuthConfig, ON),)
    sources = (sources.FREE_BUSY_CHECKER, sources.EXCHANGE_OAUTH)
    covers = ("OAUTH-01",)
    causes = (
        Cause(
            slug="service-name",
            says="The authentication configuration names another service than Exchange.",
            breaks=_renamed,
            heals=_CURE,
            healable=False,
        ),
        Cause(
            slug="realm-set",
            says="The authentication configuration names a realm.",
            breaks=_in_a_realm,
            heals=_CURE,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """The one configuration there is."""
        reading = evidence.all(AuthConfig, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        for one in reading.records:
            origins = (reading.origin,)
            if one.service_name and one.service_name.lower() != EXCHANGE_ONLINE:
                says = f"ServiceName of the authentication configuration is {one.service_name}, not {EXCHANGE_ONLINE}."
                facts = {"property": "ServiceName", "value": EXCHANGE_ONLINE}
                yield self.finding("service-name", subject, says, address=one.address, facts=facts, origins=origins)
            if one.realm:
                says = f"Realm of the authentication configuration is '{one.realm}'; it must be empty."
                facts = {"property": "Realm", "value": "nothing"}
                yield self.finding("realm-set", subject, says, address=one.address, facts=facts, origins=origins)
