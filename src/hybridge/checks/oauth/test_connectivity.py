r"""Exchange can test itself whether it gets in at the other organization with OAuth; its trace names the reason.

## How it is decided

`Test-OAuthConnectivity` is run on both sides, for a person of that side, against EWS of the other. Only `ResultType`
counts: `IsValid` is always true, and the line "The SMTP address has no mailbox associated with it" may be ignored where
the result is Success. The end of `Detail` is compared with the failures Microsoft and others have described, from
`2000000;reason="The token has an invalid signature."` to "The caller has not assigned any of the RBAC roles requested".

## How to cure it by hand

```powershell
$cloud = "https://outlook.office365.com/ews/exchange.asmx"
Test-OAuthConnectivity -Service EWS -TargetUri $cloud -Mailbox ada@contoso.com | Format-List
$servers = "https://mail.contoso.com/metadata/json/1"
Test-OAuthConnectivity -Service EWS -TargetUri $servers -Mailbox linus@contoso.com | Format-List
Get-AuthServer | Set-AuthServer -RefreshAuthMetadata
```

The second test is for Exchange Online. The last line is the cure of an invalid signature; it takes effect within a
quarter of an hour, or at once after `iisreset /noforce`.

## How hybridge cures it

The causes found beside it have their cures. What only the test shows (stale keys, a device that ends TLS, two people
of one name) is cured by hand: it prints the steps.

## How to undo

Nothing is changed by hybridge.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps, symptom_of
from hybridge.checks.sharing.explaining import BETWEEN
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import OAuthTestProbe
from hybridge.org.records import AuthServer, PublishedPath, RemoteMailbox, TrustedKeys
from hybridge.terms.oauth_failures import FAILURES, OAuthFailure, recognize
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
UNKNOWN = "unknown-failure"
_SIDES = {
    ON: "Exchange Server does not get in at Exchange Online",
    ONLINE: "Exchange Online does not get in at the servers",
}


# Faults ---------------------------------------------------------------------------------------------------------------


def _stale(organization: Organization) -> Organization:
    issuers = [one for one in organization.all(AuthServer, ON) if one.type == "MicrosoftACS"]
    return organization.put(*(TrustedKeys(premises=ON, identity=one.identity, stale=True) for one in issuers))


def _offloaded(organization: Organization) -> Organization:
    return organization.edit(PublishedPath, lambda one: one.path in ("/ews", "/api"), tls_offloaded=True)


def _twice(organization: Organization) -> Organization:
    doubles = (
        RemoteMailbox(
            premises=ON,
            identity=f"old-{one.identity}",
            user_principal_name=one.user_principal_name,
            remote_routing_address=f"old-{one.remote_routing_address}",
        )
        for one in organization.all(RemoteMailbox, ON)
    )
    return organization.put(*doubles)


# Causes ---------------------------------------------------------------------------------------------------------------

_OWN = {
    "stale-keys": Cause(
        slug="stale-keys",
        says="Exchange no longer knows the keys Microsoft signs its tokens with.",
        breaks=_stale,
        heals=steps(
            "Let Exchange fetch the keys of its AuthServers again.",
            "Get-AuthServer | Set-AuthServer -RefreshAuthMetadata",
            "Wait a quarter of an hour, or run iisreset /noforce on every server.",
            "Let every server reach login.windows.net and accounts.accesscontrol.windows.net, so that it stays so.",
            verify="Test-OAuthConnectivity in Exchange Online shows ResultType Success.",
        ),
        symptoms=(Symptom.DELEGATE_CANNOT_SCHEDULE,),
        healable=False,
        may_be_effect=True,
    ),
    "scheme-changed": Cause(
        slug="scheme-changed",
        says="A device in front of Exchange ends TLS, so tokens do not fit the address Exchange sees.",
        breaks=_offloaded,
        heals=steps(
            "Let requests reach Exchange as https under the public name.",
            "On the device that publishes Exchange, encrypt again towards the servers and keep the Host header.",
            "TLS offloading is not supported for callers that bring tokens.",
            verify="Test-OAuthConnectivity in Exchange Online shows ResultType Success.",
        ),
        symptoms=(Symptom.CALENDAR_MISSING, Symptom.PRESENCE_STUCK),
        healable=False,
        may_be_effect=True,
    ),
    "user-ambiguous": Cause(
        slug="user-ambiguous",
        says="Several people on-premises go by one name.",
        breaks=_twice,
        heals=steps(
            "Leave the name of the person tested to one object.",
            "Get-ADObject -LDAPFilter "
            '"(|(userPrincipalName=<name>)(proxyAddresses=SMTP:<name>)(proxyAddresses=sip:<name>))"',
            "Take the name away from the object that should not have it.",
            verify="Test-OAuthConnectivity shows ResultType Success.",
        ),
        healable=False,
        may_be_effect=True,
    ),
}
_BY_HAND = {
    "certificate-required": "Let the application sign in with a certificate, not with a client secret.",
    "token-expired": "Set the clocks of both sides by the same time source.",
    "audience-refused": "Add https://<host>/ to the names of the service principal Office 365 Exchange Online.",
    "tenant-unknown": "Correct Realm of the AuthServer: Get-AuthServer | Format-List Name, Realm.",
    "user-unknown": "Test with a person who is synchronized to the other side; else correct the synchronization.",
    "application-refused": "Enable the partner application: Set-PartnerApplication -Identity <name> -Enabled $true.",
    "key-not-found": "Upload the authentication certificate: ConfigureExchangeHybridApplication -UpdateCertificate.",
    "application-unknown": "Run ConfigureExchangeHybridApplication.ps1: it makes the application.",
    "role-missing": "New-ManagementRoleAssignment -Role UserApplication -User <linked account>.",
    "forbidden": "Configure the dedicated hybrid application: ConfigureExchangeHybridApplication.ps1.",
    "unauthorized": "Publish /EWS and /Autodiscover without pre-authentication. Where Exchange's own log shows the "
    "request, set OAuthAuthentication of the virtual directories (Exchange Back End) to $false and to $true again.",
    "no-certificate": "Renew the authentication certificate: MonitorExchangeAuthCertificate.ps1.",
}
"""What to do about a failure that stands alone: where a cause is found beside it, that has the cure."""


def _cause(failure: OAuthFailure) -> Cause:
    if failure.slug in _OWN:
        return _OWN[failure.slug]
    cure = _BY_HAND.get(failure.slug)
    heals = (
        symptom_of
        if cure is None
        else steps(failure.says, cure, verify="Test-OAuthConnectivity shows ResultType Success.")
    )
    return Cause(slug=failure.slug, says=failure.says, breaks=None, heals=heals, healable=False)


class TestConnectivity(Check):
    """Judges what Exchange's own test found on either side."""

    __test__ = False  # not a test of ours
    title = "Do both Exchange organizations get in at each other with OAuth?"
    why = "Free/busy, archives, discovery and the calendar services of Teams all go this way."
    scope = Scope.ORGANIZATION
    needs = ((OAuthTestProbe, ON), (OAuthTestProbe, ONLINE))
    symptom = True
    explained_by = BETWEEN
    sources = (sources.TEST_OAUTH, sources.EXCHANGE_OAUTH, sources.MODERN_AUTHENTICATION)
    covers = ("OAUTH-08", "OAUTH-10")
    needs_online = True
    needs_on_premises = True
    causes = (
        *(_cause(failure) for failure in FAILURES),
        Cause(
            slug=UNKNOWN,
            says="Exchange's test failed with words nobody has described.",
            breaks=None,
            heals=symptom_of,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One side after the other. A side nobody is examined of is not asked."""
        asked = False
        for premises in (ON, ONLINE):
            reading = evidence.all(OAuthTestProbe, premises)
            if isinstance(reading, Unseen):
                yield reading
                asked = True
                continue
            asked = asked or bool(reading.records)
            yield from self._side(premises, reading, subject)
        if not asked:
            yield NotApplicable("Nobody is examined whom Exchange could test for.")

    def _side(self, premises: Premises, reading: Seen[OAuthTestProbe], subject: Subject) -> Iterator[Finding]:
        for one in reading.records:
            if one.result_type.lower() == "success":
                continue
            failure = recognize(one.detail)
            why = failure.says if failure else "Nobody has described these words: " + one.detail[-300:]
            says = f"{_SIDES[premises]}: {why}"
            yield self.finding(
                failure.slug if failure else UNKNOWN,
                subject,
                says if says.endswith(".") else f"{says}.",
                facts={"side": premises.value, "result": one.result_type, "words": one.detail[-300:]},
                origins=(reading.origin,),
            )
