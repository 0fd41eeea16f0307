r"""Exchange signs its tokens with one certificate; all trust between Exchange and Microsoft 365 hangs on it.

## How it is decided

`Get-AuthConfig` names the thumbprint, `Get-ExchangeCertificate` of every server shows the certificates. The thumbprint
must be set, some server must hold that certificate, every server but Edge servers must hold it, and it must be valid.
With less than 60 days left and no next certificate set it is time to make one. Which server lacks it is only judged
when the certificates were read with their server.

## How to cure it by hand

A new certificate, where it is not set, gone or expired (answer *No* when asked to replace the default SMTP one):

```powershell
$name = "Microsoft Exchange Server Auth Certificate"
$new = New-ExchangeCertificate -KeySize 2048 -PrivateKeyExportable $true -Services SMTP `
  -DomainName $env:USERDNSDOMAIN -SubjectName "CN=$name" -FriendlyName $name
Set-AuthConfig -NewCertificateThumbprint $new.Thumbprint -NewCertificateEffectiveDate (Get-Date)
Set-AuthConfig -PublishCertificate
Set-AuthConfig -ClearPreviousCertificate
```

Then restart Internet Information Services on every server (`iisreset /noforce`), run the Hybrid Configuration Wizard,
and put the new certificate on the service principals (`partner_apps/service-principal-key`).

In time, before it expires, prepare the next one instead:

```powershell
Set-AuthConfig -NewCertificateThumbprint $new.Thumbprint -NewCertificateEffectiveDate (Get-Date).AddDays(30)
Set-AuthConfig -PublishCertificate
```

A server that lacks it gets a copy:

```powershell
$thumbprint = (Get-AuthConfig).CurrentCertificateThumbprint
$password = Read-Host -AsSecureString
$copy = Export-ExchangeCertificate -Server "EX1" -Thumbprint $thumbprint -BinaryEncoded -Password $password
Import-ExchangeCertificate -Server "EX2" -FileData $copy.FileData -Password $password -PrivateKeyExportable $true
```

## How hybridge cures it

It does not: private keys stay with you. It prints the steps with your thumbprints and servers in them.

## How to undo

Until `-ClearPreviousCertificate` was run, the former certificate can be set again:

```powershell
$previous = (Get-AuthConfig).PreviousCertificateThumbprint
Set-AuthConfig -NewCertificateThumbprint $previous -NewCertificateEffectiveDate (Get-Date)
Set-AuthConfig -PublishCertificate
```
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.oauth import certificates
from hybridge.checks.oauth.certificates import AuthCertificate, auth_certificate
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import AuthConfig, ExchangeCertificate, ExchangeServer
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
SOON = timedelta(days=60)
"""MonitorExchangeAuthCertificate prepares the next certificate from here on."""
_DELEGATION = (Symptom.DELEGATE_CANNOT_SCHEDULE,)
_NAME = '"Microsoft Exchange Server Auth Certificate"'
_MAKE = (
    "$new = New-ExchangeCertificate -KeySize 2048 -PrivateKeyExportable $true -Services SMTP "
    f'-DomainName $env:USERDNSDOMAIN -SubjectName "CN=Microsoft Exchange Server Auth Certificate" -FriendlyName {_NAME}'
)
_RENEW = (
    _MAKE,
    "Set-AuthConfig -NewCertificateThumbprint $new.Thumbprint -NewCertificateEffectiveDate (Get-Date)",
    "Set-AuthConfig -PublishCertificate",
    "Set-AuthConfig -ClearPreviousCertificate",
    "Run iisreset /noforce on every Exchange server.",
    "Run the Hybrid Configuration Wizard again.",
    "Run hybridge doctor and repair: the new certificate must also go to the service principals.",
)
_RENEWED = "Get-AuthConfig shows the new thumbprint, and hybridge doctor no longer finds oauth/auth-certificate."


# Faults ---------------------------------------------------------------------------------------------------------------


def _unset(organization: Organization) -> Organization:
    return organization.edit(AuthConfig, current_certificate_thumbprint="")


def _current(organization: Organization) -> tuple[ExchangeCertificate, ...]:
    thumbprint = organization.all(AuthConfig, ON)[0].current_certificate_thumbprint
    return tuple(one for one in organization.all(ExchangeCertificate, ON) if one.thumbprint == thumbprint)


def _delete(organization: Organization) -> Organization:
    return organization.drop(*(one.address for one in _current(organization)))


def _delete_on_last_server(organization: Organization) -> Organization:
    return organization.drop(_current(organization)[-1].address)


def _expire(organization: Organization) -> Organization:
    ended = certificates.present_of(organization) - timedelta(days=3)
    return certificates.recertified(organization, ended - timedelta(days=1800), ended)


def _near_the_end(organization: Organization) -> Organization:
    end = certificates.present_of(organization) + timedelta(days=30)
    return certificates.recertified(organization, end - timedelta(days=1800), end)


class AuthCertificateCheck(Check):
    """Judges the certificate AuthConfig names."""

    title = "Has Exchange a valid authentication certificate on every server?"
    why = "Without it Exchange and Microsoft 365 do not trust each other's tokens, and delegates cannot connect."
    scope = Scope.ORGANIZATION
    needs = (*certificates.NEEDS, (ExchangeServer, ON))
    needs_online = False
    covers = ("OAUTH-02", "OAUTH-03", "X-06")
    sources = (sources.AUTH_CERTIFICATE, sources.EXCHANGE_OAUTH, sources.TEAMS_OAUTH)
    causes = (
        Cause(
            slug="not-set",
            says="No authentication certificate is set.",
            breaks=_unset,
            heals=steps("Make an authentication certificate and set it.", *_RENEW, verify=_RENEWED),
            symptoms=_DELEGATION,
            healable=False,
        ),
        Cause(
            slug="missing",
            says="No server holds the authentication certificate that is set.",
            breaks=_delete,
            heals=steps(
                "The authentication certificate <thumbprint> is gone: import it from a backup with its private key, "
                "or make a new one.",
                *_RENEW,
                verify=_RENEWED,
            ),
            symptoms=_DELEGATION,
            healable=False,
        ),
        Cause(
            slug="expired",
            says="The authentication certificate has expired.",
            breaks=_expire,
            heals=steps("Replace the expired authentication certificate.", *_RENEW, verify=_RENEWED),
            symptoms=_DELEGATION,
            healable=False,
        ),
        Cause(
            slug="expires-soon",
            says="The authentication certificate expires within 60 days and no next one is set.",
            breaks=_near_the_end,
            heals=steps(
                "Prepare the next authentication certificate before <not_after>.",
                _MAKE,
                "Set-AuthConfig -NewCertificateThumbprint $new.Thumbprint "
                "-NewCertificateEffectiveDate (Get-Date).AddDays(3)",
                "Set-AuthConfig -PublishCertificate",
                "Run hybridge doctor and repair once it is in force: it must also go to the service principals.",
                verify="Get-AuthConfig shows NextCertificateThumbprint.",
            ),
            healable=False,
        ),
        Cause(
            slug="absent-on-server",
            says="A server does not hold the authentication certificate, so that requests it serves fail.",
            breaks=_delete_on_last_server,
            heals=steps(
                "Copy the authentication certificate from <holder> to <server>.",
                "$password = Read-Host -AsSecureString",
                '$copy = Export-ExchangeCertificate -Server "<holder>" -Thumbprint <thumbprint> -BinaryEncoded '
                "-Password $password",
                'Import-ExchangeCertificate -Server "<server>" -FileData $copy.FileData -Password $password '
                "-PrivateKeyExportable $true",
                verify='Get-ExchangeCertificate -Server "<server>" -Thumbprint <thumbprint> shows it.',
            ),
            symptoms=_DELEGATION,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """At most one finding about the certificate itself, and one per server without it."""
        held = auth_certificate(evidence)
        if not isinstance(held, AuthCertificate):
            yield from held
            return
        if not held.thumbprint:
            says = "No authentication certificate is set in AuthConfig."
            yield self.finding("not-set", subject, says, address=held.config.address, origins=held.origins)
            return
        if not held.copies:
            says = f"AuthConfig names the authentication certificate {held.thumbprint}, but no server holds it."
            yield self._about(held, "missing", subject, says)
            return
        yield from self._dates(held, evidence, subject)
        yield from self._servers(held, evidence, subject)

    def _dates(self, held: AuthCertificate, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        end = next((one.not_after for one in held.copies if one.not_after), None)
        if end is None:
            yield Unseen(
                what="ExchangeCertificate",
                reason="not-exported",
                says=f"The dates of the authentication certificate {held.thumbprint} were not exported.",
                how=f"Get-ExchangeCertificate -Thumbprint {held.thumbprint}",
            )
        elif end <= evidence.now:
            says = f"The authentication certificate {held.thumbprint} expired on {end:%Y-%m-%d}."
            yield self._about(held, "expired", subject, says)
        elif end - evidence.now < SOON and not held.config.next_certificate_thumbprint:
            days = (end - evidence.now).days
            says = (
                f"The authentication certificate {held.thumbprint} expires on {end:%Y-%m-%d}, in {days} days, and no "
                "next one is set."
            )
            yield self._about(held, "expires-soon", subject, says, not_after=f"{end:%Y-%m-%d}")

    def _servers(self, held: AuthCertificate, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        servers = evidence.all(ExchangeServer, ON)
        if isinstance(servers, Unseen):
            yield servers
            return
        if not all(one.server for one in held.every):
            return
        holders = [one.server for one in held.copies]
        for server in servers.records:
            if "edge" in server.server_role.lower() or server.identity.lower() in {one.lower() for one in holders}:
                continue
            says = f"The server {server.identity} does not hold the authentication certificate {held.thumbprint}."
            finding = self._about(held, "absent-on-server", subject, says, server=server.identity, holder=holders[0])
            origins = tuple(dict.fromkeys((*held.origins, servers.origin)))
            yield msgspec.structs.replace(finding, address=server.address, origins=origins)

    def _about(self, held: AuthCertificate, slug: str, subject: Subject, says: str, **facts: str) -> Finding:
        return self.finding(
            slug,
            subject,
            says,
            address=held.copies[0].address if held.copies else held.config.address,
            facts={"thumbprint": held.thumbprint, **facts},
            origins=held.origins,
        )
