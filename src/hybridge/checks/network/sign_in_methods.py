r"""Exchange asks a stranger to sign in, and offers methods that services have.

## How it is decided

`/autodiscover/autodiscover.xml`, EWS and the REST API are asked without credentials. Exchange answers 401 and offers
Negotiate, NTLM or Basic, and Bearer for tokens. Otherwise:

| seen | means |
| --- | --- |
| 200 with Exchange's headers | anonymous authentication is enabled |
| 401 that offers nothing | every method is off |
| 401 that offers Digest alone, or a redirect to Exchange's own form | only a method that no service can use |
| 401 from Exchange with neither Negotiate nor NTLM | Windows authentication is off |

A missing Bearer is found by `oauth/bearer-challenge`.

## How to cure it by hand

Set the methods back to what setup makes:

```powershell
Get-WebServicesVirtualDirectory -ADPropertiesOnly | Format-List Identity, *Authentication*
Set-WebServicesVirtualDirectory -Identity "EX1\\EWS (Default Web Site)" -WindowsAuthentication $true
```

Anonymous authentication of the front end stays on in IIS for Exchange's own modules; what must not happen is that a
stranger gets more than a 401.

## How hybridge cures it

It does not: what stands in IIS is not what cmdlets show. It prints the steps.

## How to undo

Set the former methods again with the same cmdlet.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.network.strangers import (
    REDIRECTS,
    answered_strangely,
    answers,
    asks_to_sign_in,
    felt,
    is_rest,
)
from hybridge.checks.tls.hosts import ON
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.probes import PublishedPathProbe
from hybridge.terms.symptoms import Symptom

_EVERY = tuple(Symptom)
_USABLE = frozenset({"bearer", "negotiate", "ntlm", "basic", "kerberos"})
_WINDOWS = frozenset({"negotiate", "ntlm", "kerberos"})
_AGAIN = "hybridge doctor no longer finds network/sign-in-methods."


class SignInMethods(Check):
    """Judges with which sign-in Exchange meets a stranger."""

    title = "Does Exchange ask strangers to sign in, by a method that services can use?"
    why = "Where no method is left that services have, Teams stays outside; where none is asked for, anybody comes in."
    scope = Scope.ORGANIZATION
    needs = ((PublishedPathProbe, ON),)
    symptom = True
    needs_publishing = True
    sources = (sources.CONNECTIVITY_ANALYZER, sources.HYBRID_PREREQUISITES)
    causes = (
        Cause(
            slug="anonymous",
            says="A stranger is let in: anonymous authentication is enabled.",
            breaks=answered_strangely("anonymous"),
            heals=steps(
                "Let <path> at <host> ask strangers to sign in: it answers 200.",
                "In IIS on every server, compare the authentication of the virtual directory with a server where it is "
                "right, below Default Web Site and below Exchange Back End.",
                "Where nobody knows what was changed, remove the virtual directory and make it again: "
                "Remove-WebServicesVirtualDirectory, New-WebServicesVirtualDirectory.",
                verify=_AGAIN,
            ),
            healable=False,
            covers=("MRCA-14",),
        ),
        Cause(
            slug="no-method",
            says="A sign-in is wanted, but no method is offered.",
            breaks=answered_strangely("no-methods"),
            heals=steps(
                "Let <path> at <host> offer a sign-in: its 401 names none.",
                "Get-WebServicesVirtualDirectory -ADPropertiesOnly | Format-List Identity, *Authentication*",
                "Set WindowsAuthentication and OAuthAuthentication to $true on the virtual directory.",
                "Where they are, look for a device in front that takes the header WWW-Authenticate out.",
                verify=_AGAIN,
            ),
            symptoms=_EVERY,
            healable=False,
            covers=("MRCA-12",),
        ),
        Cause(
            slug="unusable-method",
            says="Only methods of sign-in are offered that no service can use.",
            breaks=answered_strangely("only-digest"),
            heals=steps(
                "Let <path> at <host> offer Negotiate, NTLM and Bearer: it offers <offered> alone.",
                "Set-WebServicesVirtualDirectory -Identity <directory> -DigestAuthentication $false "
                "-WindowsAuthentication $true -OAuthAuthentication $true",
                "Where a form is shown, switch forms-based authentication off for this path: it is for OWA and ECP.",
                verify=_AGAIN,
            ),
            symptoms=_EVERY,
            healable=False,
            covers=("MRCA-13",),
        ),
        Cause(
            slug="method-missing",
            says="Neither Negotiate nor NTLM is offered.",
            breaks=answered_strangely("lacks-negotiate"),
            heals=steps(
                "Switch Windows authentication on for <path> at <host>: it offers <offered> alone.",
                "Set-WebServicesVirtualDirectory -Identity <directory> -WindowsAuthentication $true",
                "Look into Providers of Windows Authentication in IIS: Negotiate and NTLM belong there.",
                verify=_AGAIN,
            ),
            healable=False,
            covers=("MRCA-11",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per path."""
        for answer in answers(evidence):
            if isinstance(answer, Unseen):
                yield answer
                continue
            probe, origin = answer
            slug = judge(probe)
            if not slug:
                continue
            yield self.finding(
                slug,
                subject,
                _says(slug, probe),
                facts={
                    "host": probe.host,
                    "path": probe.path,
                    "status": str(probe.status),
                    "offered": ", ".join(probe.schemes) or "a form",
                },
                symptoms=felt(probe) if self.cause(slug).symptoms else (),
                origins=(origin,),
            )


def judge(probe: PublishedPathProbe) -> str:
    """The cause the answer shows; "" for a good one, and for what another check tells."""
    if probe.status == 401:
        return _methods(probe)
    if not probe.reached_exchange:
        return ""
    if probe.status in REDIRECTS:
        return "unusable-method" if asks_to_sign_in(probe) else ""
    return "anonymous" if probe.status == 200 else ""


def _methods(probe: PublishedPathProbe) -> str:
    offered = set(probe.schemes)
    if not offered:
        return "no-method"
    if not offered & _USABLE:
        return "unusable-method"
    windows = probe.reached_exchange and not is_rest(probe)
    return "method-missing" if windows and not offered & _WINDOWS else ""


def _says(slug: str, probe: PublishedPathProbe) -> str:
    answered = f"{probe.identity} answered a stranger with HTTP {probe.status}"
    match slug:
        case "anonymous":
            return f"{answered}, from Exchange itself, where it should ask for a sign-in."
        case "no-method":
            return f"{answered} that offers no method of sign-in."
        case "unusable-method":
            return f"{answered}, and offers {', '.join(probe.schemes) or 'a form for people'} alone."
        case _:
            return f"{answered}, and offers {', '.join(probe.schemes)}, but neither Negotiate nor NTLM."
