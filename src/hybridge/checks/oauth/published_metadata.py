r"""Exchange publishes the certificate it signs with, so that others can trust it: it must be the one it really uses.

## How it is decided

`https://autodiscover.<domain>/autodiscover/metadata/json/1` is read without credentials. The certificates in it are
compared with the current and the next one of `Get-AuthConfig`. A document without the current one comes from a server
that lacks it, and tokens of that server are refused at random; two certificates mean that a change is prepared. A path
that answers with anything else than the document is not published: then nobody outside can learn of a new certificate
by themselves.

## How to cure it by hand

```powershell
Get-AuthConfig | Format-List CurrentCertificateThumbprint, NextCertificateThumbprint
Get-ExchangeServer | ForEach-Object { Get-ExchangeCertificate -Server $_.Name } | Format-Table Thumbprint, Subject
Set-AuthConfig -PublishCertificate
```

## How hybridge cures it

It does not: `oauth/auth-certificate` has the cure of a certificate that is missing or has ended.

## How to undo

Nothing is changed by hybridge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.edge import EDGE
from hybridge.checks.sharing.ways import host_of
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Severity, Subject
from hybridge.org.probes import AuthMetadataProbe
from hybridge.org.records import AuthConfig
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


class PublishedMetadata(Check):
    """Judges the published document about authentication."""

    title = "Does Exchange publish the certificate it signs with?"
    why = "A server that shows another certificate is refused by those who trust the published one, now and then."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((AuthMetadataProbe, ON), (AuthConfig, ON))
    symptom = True
    explained_by = (
        *EDGE,
        "autodiscover/pre-authentication",
        "autodiscover/v2-route",
        "network/sign-in-methods",
        "oauth/auth-certificate",
        "oauth/bearer-challenge",
    )
    sources = (sources.EXCHANGE_OAUTH, sources.TEAMS_OAUTH)
    covers = ("PROBE-02",)
    causes = (
        Cause(
            slug="other-certificate",
            says="The published document does not hold the certificate Exchange signs with.",
            breaks=None,
            heals=steps(
                "Let every server behind <host> have the current authentication certificate.",
                "Get-AuthConfig | Format-List CurrentCertificateThumbprint, NextCertificateThumbprint",
                "Set-AuthConfig -PublishCertificate",
                "iisreset /noforce, on every server behind <host>",
                verify="The document holds a certificate with the thumbprint <wanted>.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """A document that is not published tells nothing: many do not publish it."""
        probes, configs = evidence.all(AuthMetadataProbe, ON), evidence.all(AuthConfig, ON)
        if isinstance(probes, Unseen) or isinstance(configs, Unseen):
            yield from (one for one in (probes, configs) if isinstance(one, Unseen))
            return
        wanted = configs.first.current_certificate_thumbprint.upper() if configs.first else ""
        for probe in probes.records:
            shown = [hashlib.sha1(der, usedforsecurity=False).hexdigest().upper() for der in probe.signing_certificates]
            if probe.status == 200 and wanted and wanted not in shown:
                host = host_of(probe.identity)
                what = f"publishes the certificate {', '.join(shown)}" if shown else "publishes no certificate"
                says = f"{host} {what}, not {wanted}, which Exchange signs with."
                facts = {"host": host, "wanted": wanted}
                origins = (probes.origin, configs.origin)
                yield self.finding("other-certificate", subject, says, facts=facts, origins=origins)
