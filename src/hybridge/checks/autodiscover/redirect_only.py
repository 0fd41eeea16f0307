r"""Autodiscover that is reached by the redirect of port 80 alone works for Outlook and fails for Teams.

## How it is decided

Every address of the discovery order is asked without signing in. Where only the redirect of
`http://autodiscover.<domain>` leads to an Exchange that answers, while https at `autodiscover.<domain>`, at the bare
domain and by SRV do not, Outlook and Microsoft's analyzer are content and Teams is not: Teams never asks port 80.

## How to cure it by hand

Let https answer at `autodiscover.<domain>`: publish the path there with a certificate that holds the name. Where the
name cannot be in the certificate, take the address record away and publish an SRV record that leads to a name that is:

```powershell
Resolve-DnsName _autodiscover._tcp.contoso.com -Type SRV
```

## How hybridge cures it

It does not: publishing is yours. It prints the steps.

## How to undo

Publish the names as they were before.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.autodiscover.discovery import published, seen_host, steps_by
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import DiscoveryStepProbe
from hybridge.org.records import PublishedPath
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES


def _only_port_80(organization: Organization) -> Organization:
    host, mail = seen_host(organization, "autodiscover."), seen_host(organization, "mail.")
    closed = organization.edit(
        PublishedPath, lambda one: one.host == host and one.path == "/autodiscover", answered_by="nothing-there"
    )
    return published(closed, host, plain_http="redirect", redirects_to=mail)


class RedirectOnly(Check):
    """Judges whether Autodiscover is reached without the redirect of port 80."""

    title = "Is Autodiscover reached by https, not by the redirect of port 80 alone?"
    why = "Teams does not follow the redirect of port 80: everything else works, and Teams finds no mailbox."
    scope = Scope.ORGANIZATION
    needs = ((DiscoveryStepProbe, ON),)
    symptom = True
    covers = ("ADV2-07", "X-03")
    needs_publishing = True
    sources = (sources.HTTP_REDIRECT_ISSUE, sources.AUTODISCOVER_CLIENTS)
    causes = (
        Cause(
            slug="only-by-plain-redirect",
            says="Only the redirect of port 80 leads to Autodiscover, which Teams does not follow.",
            breaks=_only_port_80,
            heals=steps(
                "Let https answer for Autodiscover at <host>, or publish an SRV record.",
                "Publish https://<host>/autodiscover/ to Exchange, with <host> in the certificate.",
                "Or remove the address record <host> and add the SRV record _autodiscover._tcp.<domain>: 0 0 443 "
                "<target>.",
                verify="https://<host>/autodiscover/autodiscover.xml answers 401, or the SRV record is found.",
            ),
            symptoms=tuple(Symptom),
            healable=False,
            covers=("X-03",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding at most."""
        asked = evidence.all(DiscoveryStepProbe, ON)
        if isinstance(asked, Unseen):
            yield asked
            return
        others = [one for method in ("root", "host", "srv") for one in steps_by(asked, method)]
        reached = next((one for one in steps_by(asked, "redirected") if one.usable), None)
        if reached is None or any(one.usable for one in others):
            return
        host = f"autodiscover.{evidence.domain}"
        target = reached.url.partition("://")[2].partition("/")[0]
        yield self.finding(
            "only-by-plain-redirect",
            subject,
            f"Autodiscover answers at {reached.url}, but nothing leads there except the redirect of port 80 of {host}.",
            facts={"host": host, "domain": evidence.domain, "target": target},
            origins=(asked.origin,),
        )
