r"""The settings Autodiscover gives must hold what Outlook needs: EXCH, EXPR with a sign-in, and MAPI over HTTP.

## How it is decided

The answer of POX Autodiscover for the mailbox is looked through. EXCH is missing where MAPI is switched off for the
mailbox; EXPR where Outlook Anywhere has no external host name or the provider EXPR is gone; AuthPackage of EXPR where
no sign-in is named for external clients; mapiHttp, or its external address, where MAPI over HTTP is switched off for
the mailbox or its virtual directory has no external URL.

These are effects: the settings behind them are judged by the checks of this area, and the finding hangs under theirs.

## How to cure it by hand

```powershell
Get-CASMailbox -Identity "ada@contoso.com" | Format-List MAPIEnabled, MapiHttpEnabled
Get-OutlookAnywhere -ADPropertiesOnly | Format-List Identity, External*
Get-OutlookProvider | Format-List Name
Get-MapiVirtualDirectory -ADPropertiesOnly | Format-List Identity, ExternalUrl
```

## How hybridge cures it

It does not: it heals the causes found beside it where it can.

## How to undo

Nothing was changed, so there is nothing to undo.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import symptom_of
from hybridge.checks.location import MAILBOX_NEEDS, on_premises_mailbox
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Severity, Subject
from hybridge.org.probes import PoxProbe
from hybridge.org.records import Mailbox
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


class PoxSettings(Check):
    """Judges what is in the settings of one mailbox."""

    title = "Do Autodiscover's settings hold what Outlook needs?"
    why = "Outlook finds Autodiscover and is told too little: inside it works, outside it does not, or the other way."
    scope = Scope.MAILBOX
    severity = Severity.WARNING
    needs = ((PoxProbe, ON), *MAILBOX_NEEDS)
    symptom = True
    explained_by = (
        "outlook/mapi-allowed",
        "outlook/outlook-anywhere",
        "outlook/providers",
        "outlook/mapi-answer",
        "autodiscover/v2-route",
    )
    sources = (sources.POX_AUTODISCOVER, sources.CONNECTIVITY_ANALYZER)
    causes = (
        Cause(
            slug="exch-missing",
            says="Autodiscover's answer lacks EXCH.",
            breaks=None,
            heals=symptom_of,
            healable=False,
            covers=("MRCA-34",),
        ),
        Cause(
            slug="expr-missing",
            says="Autodiscover's answer lacks EXPR.",
            breaks=None,
            heals=symptom_of,
            healable=False,
            covers=("MRCA-35",),
        ),
        Cause(
            slug="auth-package-missing",
            says="Autodiscover's answer lacks AuthPackage in EXPR.",
            breaks=None,
            heals=symptom_of,
            healable=False,
            covers=("MRCA-33",),
        ),
        Cause(
            slug="mapi-http-missing",
            says="Autodiscover's answer has no external address for MAPI over HTTP.",
            breaks=None,
            heals=symptom_of,
            healable=False,
        ),
        Cause(
            slug="ews-address-missing",
            says="Autodiscover's answer has no EWS address.",
            breaks=None,
            heals=symptom_of,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per thing that is missing."""
        place = on_premises_mailbox(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield place
            return
        reading = evidence.all(PoxProbe, ON, subject.mailbox)
        if isinstance(reading, Unseen):
            yield reading
            return
        for probe in reading.records:
            if probe.outcome == "settings":
                for slug, what in _missing(probe):
                    says = f"The settings Autodiscover gives for {probe.mailbox} lack {what}."
                    yield self.finding(slug, subject, says, facts={"what": what}, origins=(reading.origin,))


def _missing(probe: PoxProbe) -> Iterator[tuple[str, str]]:
    """Cause and name of everything missing."""
    exch, expr, mapi = (probe.protocol(kind) for kind in ("EXCH", "EXPR", "mapiHttp"))
    if exch is None:
        yield "exch-missing", "EXCH"
    if expr is None:
        yield "expr-missing", "EXPR"
    elif not expr.auth_package:
        yield "auth-package-missing", "AuthPackage in EXPR"
    if mapi is None or not mapi.mapi_url:
        yield "mapi-http-missing", "an external address for MAPI over HTTP"
    if not any(one.ews_url for one in (exch, expr) if one is not None):
        yield "ews-address-missing", "EwsUrl"
