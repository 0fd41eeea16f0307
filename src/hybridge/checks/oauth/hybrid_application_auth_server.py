r"""On-premises it is the AuthServer that says as which application Exchange asks for tokens, and for which domains.

## How it is decided

Of the enabled AuthServers of type AzureAD for this tenant, one must have

* `ApplicationIdentifier`: the id of the dedicated hybrid application. Empty, or the shared `00000002-...`, means that
  Exchange asks as the shared application, which is blocked. An id that no application of the tenant has, while the
  dedicated one is there under another id, is just as useless: that happens when the application was made anew;
* `Realm`: the tenant's id;
* `DomainName`: the domains of the cloud organization, at least `<tenant>.mail.onmicrosoft.com`.

Where there is no such AuthServer at all, `oauth/bearer-challenge` says so; where the application itself is missing,
`oauth/hybrid-application-object`.

## How to cure it by hand

The parameter exists from the hotfix update of April 2025 on:

```powershell
Get-AuthServer | Where-Object { $_.Type -eq "AzureAD" } | Format-List Name, Realm, ApplicationIdentifier, DomainName
Set-AuthServer -Identity "EvoSts - 11111111-2222-3333-4444-555555555555" `
  -ApplicationIdentifier "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee" `
  -DomainName "contoso.com", "contoso.mail.onmicrosoft.com"
Set-AuthServer -Identity "EvoSts - 11111111-2222-3333-4444-555555555555" -RefreshAuthMetadata
```

The last line reads the realm again from the tenant's metadata.

## How hybridge cures it

It sets the application's id, and the domains where there are none: the configured domain and those that the connectors
and organization relationships to the cloud name. Domains that are there stay. Where the application is only made by
the same plan its id is not known yet; then make the plan again after applying it.

## How to undo

`hybridge repair undo` sets both back to what they were.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put, steps
from hybridge.checks.oauth import hybrid
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import AuthServer, EntraApplication
from hybridge.plan import Change, Manual, Risk
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE
_SILENT = "hybridge doctor no longer finds oauth/hybrid-application-auth-server."


# Cures ----------------------------------------------------------------------------------------------------------------


def _server(finding: Finding, organization: Organization) -> AuthServer | None:
    found = organization.at(finding.address) if finding.address else None
    return found if isinstance(found, AuthServer) else None


def _link(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    server = _server(finding, organization)
    application = organization.one(EntraApplication, ONLINE, finding.facts.get("application", ""))
    if server is None:
        return ()
    if application is None or not application.application_id:
        return by_hand(
            finding,
            f"The AuthServer {server.identity} must name the dedicated hybrid application, whose id is not known yet.",
            "Once the application is made (oauth/hybrid-application-object), make the plan again: hybridge repair plan",
            f'Or by hand: Set-AuthServer -Identity "{server.identity}" -ApplicationIdentifier <application id> '
            f"-DomainName {finding.facts['domains'] or '<domains of the tenant>'}",
            verify=_SILENT,
        )
    domains = server.domain_name or _named(finding)
    after = msgspec.structs.replace(server, application_identifier=application.application_id, domain_name=domains)
    says = f"Let Exchange ask {server.identity} for tokens as {application.display_name}."
    return put(finding, organization, after, says, Risk.MEDIUM)


def _named(finding: Finding) -> tuple[str, ...]:
    return tuple(filter(None, finding.facts["domains"].split(",")))


def _name_domains(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    server = _server(finding, organization)
    if server is None or server.domain_name:
        return ()
    if not _named(finding):
        return by_hand(
            finding,
            f"The AuthServer {server.identity} must name the tenant's domains, and none is known.",
            f'Set-AuthServer -Identity "{server.identity}" -DomainName <domain>, <tenant>.mail.onmicrosoft.com',
            verify=_SILENT,
        )
    after = msgspec.structs.replace(server, domain_name=_named(finding))
    says = f"Name the tenant's domains in {server.identity}: {', '.join(after.domain_name)}."
    return put(finding, organization, after, says)


# Faults ---------------------------------------------------------------------------------------------------------------


def _asks_as_the_shared_one(organization: Organization) -> Organization:
    return organization.edit(AuthServer, _entra, application_identifier="", domain_name=())


def _without_domains(organization: Organization) -> Organization:
    return organization.edit(AuthServer, _entra, domain_name=())


def _without_realm(organization: Organization) -> Organization:
    return organization.edit(AuthServer, _entra, realm="")


def _entra(server: AuthServer) -> bool:
    return server.type == "AzureAD"


class HybridApplicationAuthServer(Check):
    """Judges the AuthServer of type AzureAD."""

    title = "Does Exchange ask for tokens as its own application?"
    why = "As the shared application Exchange is refused: no free/busy, MailTips or photos of people in the cloud."
    scope = Scope.ORGANIZATION
    needs = (*hybrid.NEEDS, (EntraApplication, ONLINE))
    covers = ("OAUTH-11",)
    sources = (sources.DEDICATED_APPLICATION, sources.SET_AUTH_SERVER, sources.HEALTH_CHECKER)
    causes = (
        Cause(
            slug="not-linked",
            says="The AuthServer does not name the dedicated hybrid application.",
            breaks=_asks_as_the_shared_one,
            heals=_link,
        ),
        Cause(
            slug="domain-missing",
            says="The AuthServer names no domain of the tenant.",
            breaks=_without_domains,
            heals=_name_domains,
        ),
        Cause(
            slug="realm-missing",
            says="The AuthServer does not say which tenant it belongs to.",
            breaks=_without_realm,
            heals=steps(
                "Let <server> say which tenant it belongs to.",
                'Set-AuthServer -Identity "<server>" -RefreshAuthMetadata',
                "If it stays empty: run the Hybrid Configuration Wizard.",
                verify='Get-AuthServer -Identity "<server>" | Format-List Realm shows <tenant_id>.',
            ),
            symptoms=(Symptom.CALENDAR_MISSING, Symptom.PRESENCE_STUCK),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """At most one finding of each cause, about the AuthServer that comes nearest."""
        trust = hybrid.trust_of(evidence)
        if isinstance(trust, tuple):
            yield from trust
            return
        if isinstance(trust, NotApplicable):
            yield trust
            return
        if not trust.servers:
            yield NotApplicable("No AuthServer of type AzureAD is enabled for this tenant: see oauth/bearer-challenge.")
            return
        applications = evidence.all(EntraApplication, ONLINE)
        if isinstance(applications, Unseen):
            yield applications
        found = hybrid.dedicated(evidence, trust, () if isinstance(applications, Unseen) else applications.records)
        unready = not isinstance(applications, Unseen) and not _ready(found)
        server, wrong = min(((one, _judge(one, found, unready)) for one in trust.servers), key=lambda one: len(one[1]))
        facts = {
            "domains": ",".join(hybrid.cloud_domains(evidence)),
            "tenant_id": evidence.tenant_id,
            "server": server.identity,
            "application": _name(found),
        }
        if unready and not hybrid.names_an_application(server):
            first = "The dedicated hybrid application comes first: see oauth/hybrid-application-object."
            yield found if isinstance(found, Unseen) else NotApplicable(first)
        for slug, says in wrong.items():
            yield self.finding(slug, subject, says, address=server.address, facts=facts, origins=trust.origins)


def _ready(found: EntraApplication | str | Unseen) -> bool:
    """Whether the application is there and has its id; on paper one that a plan only makes has none yet."""
    return isinstance(found, EntraApplication) and bool(found.application_id)


def _name(found: EntraApplication | str | Unseen) -> str:
    """Identity of the dedicated application, or the name it is to have; "" when neither is known."""
    if isinstance(found, EntraApplication):
        return found.identity
    return found if isinstance(found, str) else ""


def _judge(server: AuthServer, found: EntraApplication | str | Unseen, unready: bool) -> dict[str, str]:
    """Cause and sentence for each thing wrong with ``server``.

    While the application is not ready, it is not asked whether ``server`` names the right one.
    """
    wrong: dict[str, str] = {}
    if not hybrid.names_an_application(server):
        if not unready:
            named = server.application_identifier or "none"
            says = f"The AuthServer {server.identity} names no application of its own (ApplicationIdentifier: {named})."
            wrong["not-linked"] = says
    elif isinstance(found, EntraApplication) and not unready and _other(server, found):
        wrong["not-linked"] = (
            f"The AuthServer {server.identity} names the application {server.application_identifier}, which the tenant "
            f"does not have; the dedicated one has the id {found.application_id}."
        )
    elif not server.domain_name:
        wrong["domain-missing"] = f"The AuthServer {server.identity} names no domain of the tenant."
    if not server.realm:
        says = f"The AuthServer {server.identity} has no Realm: it does not say which tenant it belongs to."
        wrong["realm-missing"] = says
    return wrong


def _other(server: AuthServer, application: EntraApplication) -> bool:
    return server.application_identifier.lower() != application.application_id.lower()
