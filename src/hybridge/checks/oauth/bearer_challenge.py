r"""A server shows in its Bearer challenge, to anybody who asks, whether it takes tokens and whose.

## How it is decided

The EWS address is asked without credentials. Exchange answers 401 and offers `Bearer` with its own identifier
`00000002-0000-0ff1-ce00-000000000000` and the issuers it trusts, each as `<issuer>@<tenant id>`. The configuration is
read beside it (`Get-WebServicesVirtualDirectory`, `Get-AuthServer`):

* `OAuthAuthentication` False on an EWS virtual directory, or no Bearer in Exchange's answer: OAuth is off;
* no enabled AuthServer of a kind: applications come by the access control service (`MicrosoftACS`), users by
  Microsoft Entra (`AzureAD`), and both are needed;
* another tenant's id: tokens of this tenant are refused;
* no Bearer and none of Exchange's own headers: something in front of Exchange answered.

Where the configuration is right and the answer still is not, the server has not taken it up yet: servers read these
settings every quarter of an hour or so. A missing `authorization_uri` says nothing: it belongs to modern
authentication of Outlook.

## How to cure it by hand

```powershell
Get-WebServicesVirtualDirectory -ADPropertiesOnly | Format-Table Identity, OAuthAuthentication
Set-WebServicesVirtualDirectory -Identity "EX1\EWS (Default Web Site)" -OAuthAuthentication $true
Get-AuthServer | Format-List Name, Type, Enabled, Realm, AuthMetadataUrl
Set-AuthServer -Identity "ACS - 11111111-2222-3333-4444-555555555555" -Enabled $true
```

An AuthServer that does not exist or belongs to another tenant: run the Hybrid Configuration Wizard.

## How hybridge cures it

It switches OAuth on for the EWS virtual directory, or enables an AuthServer that is there and disabled. Trust in a
tenant is never made or changed by hybridge: it prints the steps.

## How to undo

`hybridge repair undo` sets `OAuthAuthentication` or `Enabled` back to `$false`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from hybridge.checks import sources
from hybridge.checks.autodiscover.answers import host_of
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put, steps, symptom_of
from hybridge.checks.edge import EDGE
from hybridge.evidence import Evidence, Origin, Seen, Unseen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import BearerChallengeProbe
from hybridge.org.records import AuthServer, PublishedPath, WebServicesVirtualDirectory
from hybridge.plan import Change, Manual, Risk
from hybridge.terms.applications import ACCESS_CONTROL_SERVICE
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
_FELT = {
    "MicrosoftACS": (Symptom.DELEGATE_CANNOT_SCHEDULE,),
    "AzureAD": (Symptom.CALENDAR_MISSING, Symptom.PRESENCE_STUCK),
}
"""AuthServer type -> what people notice without it: applications and users come by different issuers."""
_OTHER_TENANT = "99999999-8888-4777-8666-555555555555"


# Cures ----------------------------------------------------------------------------------------------------------------


def _switch_on(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    directory = organization.at(finding.address) if finding.address else None
    if not isinstance(directory, WebServicesVirtualDirectory):
        host = finding.facts.get("host", "the server")
        return by_hand(
            finding,
            f"Switch OAuth on for the EWS virtual directories behind {host}; they could not be read.",
            "Get-WebServicesVirtualDirectory -ADPropertiesOnly | Format-Table Identity, OAuthAuthentication",
            'Set-WebServicesVirtualDirectory -Identity "<server>\\EWS (Default Web Site)" -OAuthAuthentication $true',
            verify="hybridge doctor no longer finds oauth/bearer-challenge.",
        )
    after = msgspec.structs.replace(directory, oauth_authentication=True)
    return put(finding, organization, after, f"Switch OAuth on for {directory.identity}.", Risk.MEDIUM)


def _enable(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    server = organization.at(finding.address) if finding.address else None
    if not isinstance(server, AuthServer):
        return by_hand(
            finding,
            f"Exchange has no AuthServer of type {finding.facts['type']} for this tenant: run the Hybrid Configuration "
            "Wizard, which makes it.",
            "Get-AuthServer | Format-List Name, Type, Enabled, Realm",
            "Run the Hybrid Configuration Wizard with the same choices as before.",
            verify="Get-AuthServer shows it with Enabled True and the tenant's id as Realm.",
        )
    after = msgspec.structs.replace(server, enabled=True)
    return put(finding, organization, after, f"Enable the AuthServer {server.identity}.", Risk.MEDIUM)


# Faults ---------------------------------------------------------------------------------------------------------------


def _oauth_off(organization: Organization) -> Organization:
    return organization.edit(WebServicesVirtualDirectory, oauth_authentication=False)


def _issuer_off(organization: Organization) -> Organization:
    return organization.edit(AuthServer, lambda one: one.type == "MicrosoftACS", enabled=False)


def _moved(organization: Organization) -> Organization:
    return organization.edit(AuthServer, realm=_OTHER_TENANT)


def _behind_a_login_page(organization: Organization) -> Organization:
    return organization.edit(PublishedPath, lambda one: one.path == "/ews", answered_by="login-page")


class BearerChallenge(Check):
    """Judges what Exchange offers a caller without credentials, and the settings that make it."""

    title = "Does Exchange take the tokens of this tenant?"
    why = "The services of Teams come with tokens only: where they are not taken, nothing of Teams gets in."
    scope = Scope.ORGANIZATION
    needs = ((BearerChallengeProbe, ON), (WebServicesVirtualDirectory, ON), (AuthServer, ON))
    symptom = True
    explained_by = (*EDGE, "network/sign-in-methods")
    sources = (sources.MODERN_AUTHENTICATION, sources.EXCHANGE_OAUTH, sources.CONNECTIVITY_ANALYZER)
    covers = ("PROBE-03", "EWS-06", "OAUTH-04")
    causes = (
        Cause(
            slug="oauth-off",
            says="OAuth is switched off on an EWS virtual directory.",
            breaks=_oauth_off,
            heals=_switch_on,
            symptoms=tuple(Symptom),
        ),
        Cause(
            slug="issuer-missing",
            says="Exchange has no enabled AuthServer for the tokens of applications or of users.",
            breaks=_issuer_off,
            heals=_enable,
            symptoms=tuple(Symptom),
        ),
        Cause(
            slug="wrong-tenant",
            says="Exchange trusts tokens of another tenant.",
            breaks=_moved,
            heals=steps(
                "Let Exchange trust tenant <tenant_id> in place of <realm>.",
                "Make sure that the tenant id in hybridge.toml is right: <tenant_id>.",
                "Get-AuthServer | Format-List Name, Type, Enabled, Realm, AuthMetadataUrl",
                "Run the Hybrid Configuration Wizard and sign in to the right tenant.",
                "Disable the AuthServer of the other tenant: Set-AuthServer -Identity <name> -Enabled $false",
                verify="Get-AuthServer shows Realm <tenant_id>.",
            ),
            symptoms=tuple(Symptom),
            healable=False,
        ),
        Cause(
            slug="not-exchange",
            says="Something in front of Exchange answers for EWS.",
            breaks=_behind_a_login_page,
            may_be_effect=True,
            heals=steps(
                "Pass /ews/ at <host> through to Exchange.",
                "On the device that publishes <host>, publish /ews/* to Exchange without pre-authentication.",
                "Exchange signs callers in itself; services of Teams come with tokens that no login page knows.",
                verify="From outside, https://<host>/EWS/Exchange.asmx answers 401 and offers Bearer.",
            ),
            symptoms=tuple(Symptom),
            healable=False,
            covers=("MRCA-28",),
        ),
        Cause(
            slug="not-effective",
            says="The settings are right, but the server's answer does not show it.",
            breaks=None,
            heals=steps(
                "The settings are right, but <host> does not answer accordingly yet.",
                "Wait a quarter of an hour, or run iisreset /noforce on the servers behind <host>, and ask again.",
                "If it stays: on each server, set OAuthAuthentication of the EWS virtual directory (Exchange Back End) "
                "to $false and to $true again.",
                verify="hybridge doctor no longer finds oauth/bearer-challenge.",
            ),
            symptoms=tuple(Symptom),
            healable=False,
        ),
        Cause(
            slug="unexpected-answer",
            says="Exchange answered, but neither with a challenge nor in another known way.",
            breaks=None,
            heals=symptom_of,
            symptoms=tuple(Symptom),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """Findings of the settings; then of the answer, as far as the settings do not explain it."""
        probes = evidence.all(BearerChallengeProbe, ON)
        directories = evidence.all(WebServicesVirtualDirectory, ON)
        servers = evidence.all(AuthServer, ON)
        yield from (one for one in (probes, directories, servers) if isinstance(one, Unseen))
        if not evidence.tenant_id:
            yield Unseen(
                what="tenant id",
                reason="not-configured",
                says="The tenant's id is not known, so it cannot be said whether Exchange trusts the right tenant.",
                how="set organization.tenant_id in hybridge.toml",
            )
        told = [*self._directories(directories, subject), *self._issuers(servers, evidence.tenant_id, subject)]
        yield from told
        if isinstance(probes, Seen):
            known = isinstance(directories, Seen) and isinstance(servers, Seen)
            for probe in probes.records:
                for finding in self._answer(probe, evidence.tenant_id, subject, probes.origin):
                    yield from self._unless_told(finding, told, known)

    def _directories(self, reading: Seen[WebServicesVirtualDirectory] | Unseen, subject: Subject) -> Iterator[Finding]:
        for one in reading.records if isinstance(reading, Seen) else ():
            if one.oauth_authentication is False:
                says = f"OAuth is switched off on the EWS virtual directory {one.identity}."
                origins = (reading.origin,) if isinstance(reading, Seen) else ()
                yield self.finding("oauth-off", subject, says, address=one.address, origins=origins)

    def _issuers(self, reading: Seen[AuthServer] | Unseen, tenant_id: str, subject: Subject) -> Iterator[Finding]:
        if isinstance(reading, Unseen):
            return
        for kind, symptoms in _FELT.items():
            mine = [one for one in reading.records if one.type.lower() == kind.lower()]
            yield from self._issuer(kind, mine, tenant_id, subject, reading.origin, symptoms)

    def _issuer(
        self,
        kind: str,
        servers: Sequence[AuthServer],
        tenant_id: str,
        subject: Subject,
        origin: Origin,
        symptoms: tuple[Symptom, ...],
    ) -> Iterator[Finding]:
        """Of one type: an enabled AuthServer of this tenant passes."""
        enabled = [one for one in servers if one.enabled]
        ours = [one for one in servers if one.realm.lower() in (tenant_id.lower(), "") or not tenant_id]
        if any(one.enabled for one in ours):
            return
        if ours or not enabled:
            disabled = ours[0] if ours else None
            says = f"There is no AuthServer of type {kind}."
            if disabled is not None:
                says = f"The AuthServer {disabled.identity} of type {kind} is disabled."
            address = disabled.address if disabled else None
            slug, facts = "issuer-missing", {"type": kind}
        else:
            realm = enabled[0].realm
            says = f"The AuthServer {enabled[0].identity} of type {kind} trusts tenant {realm}, not {tenant_id}."
            address, slug, facts = enabled[0].address, "wrong-tenant", {"realm": realm, "tenant_id": tenant_id}
        yield self.finding(slug, subject, says, address=address, facts=facts, symptoms=symptoms, origins=(origin,))

    def _answer(
        self, probe: BearerChallengeProbe, tenant_id: str, subject: Subject, origin: Origin
    ) -> Iterator[Finding]:
        slug, says = _judge(probe, tenant_id)
        if slug:
            realm = ", ".join(_realms(probe))
            facts = {"host": host_of(probe.identity), "realm": realm, "tenant_id": tenant_id, "type": "MicrosoftACS"}
            yield self.finding(slug, subject, says, facts=facts, origins=(origin,))

    def _unless_told(self, finding: Finding, told: Sequence[Finding], known: bool) -> Iterator[Finding]:
        """What the settings say already is not said again; what they contradict has not taken effect."""
        if finding.cause in ("not-exchange", "unexpected-answer"):
            yield finding
        elif not told and known:
            says = f"{finding.says} The settings are right, so they have not taken effect there."
            yield msgspec.structs.replace(finding, cause="not-effective", says=says)
        elif not told:
            yield finding


def _realms(probe: BearerChallengeProbe) -> tuple[str, ...]:
    """Tenants whose access control service the challenge names."""
    pairs = (issuer.partition("@") for issuer in probe.trusted_issuers)
    return tuple(realm for issuer, _, realm in pairs if issuer.lower() == ACCESS_CONTROL_SERVICE)


def _judge(probe: BearerChallengeProbe, tenant_id: str) -> tuple[str, str]:
    """Cause and sentence for one answer; ("", "") for a good one."""
    host = host_of(probe.identity)
    if not probe.bearer:
        if not probe.reached_exchange:
            return "not-exchange", f"{host} answered HTTP {probe.status} for EWS without Exchange's own headers."
        if probe.status == 401:
            return "oauth-off", f"{host} offers no Bearer for EWS."
        return "unexpected-answer", f"{host} answered HTTP {probe.status} to an EWS request without credentials."
    realms = _realms(probe)
    if not realms:
        return "issuer-missing", f"{host} offers Bearer for EWS, but trusts no issuer of Microsoft 365."
    if tenant_id and not {tenant_id.lower(), "*"} & {realm.lower() for realm in realms}:
        return "wrong-tenant", f"{host} trusts tokens of tenant {', '.join(realms)}, not of {tenant_id}."
    return "", ""
