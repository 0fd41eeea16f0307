r"""Extended Protection ties a Windows sign-in to its TLS connection; set wrongly, it refuses good clients.

## How it is decided

`ExtendedProtectionTokenChecking` of the virtual directories is compared with what Microsoft's own script sets:

| virtual directory (Default Web Site) | value |
| --- | --- |
| Autodiscover | None |
| EWS | Allow |
| MAPI | Require |

With an export of the servers' own settings (`hybridge snapshot commands` prints the line) every other directory of
front end and back end is compared too, and whether it wants TLS: without, a device in front has ended it (offloading),
and Extended Protection cannot work.

A stricter value refuses clients that reach Exchange through a device which ends TLS, or that do not bind their
sign-in: the MRS and free/busy of other organizations, Outlook through a bridging load balancer. A looser one leaves
the directory open to relayed sign-ins. Where every directory of a server says None, Extended Protection is not in use
there, and nothing is found. Servers too old for it are judged by `platform/exchange-updates` and its neighbours.

Extended Protection concerns Windows sign-in only; the services of Teams come with tokens and are not touched by it.
Whether a device in front ends TLS and opens it again (bridging) with another certificate cannot be seen from
Exchange: with Extended Protection in use it must have the same certificate.

## How to cure it by hand

```powershell
Get-WebServicesVirtualDirectory | Format-Table Identity, ExtendedProtectionTokenChecking
Set-WebServicesVirtualDirectory -Identity "EX1\EWS (Default Web Site)" -ExtendedProtectionTokenChecking Allow
```

Better let Microsoft's script ExchangeExtendedProtectionManagement.ps1 set all of them: it knows every directory of
the front end and the back end, and checks TLS first.

## How hybridge cures it

It does not: it prints the steps, for the values of front end and back end belong together.

## How to undo

Set the value that was there before; the finding names it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Origin, Seen, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import (
    Address,
    AutodiscoverVirtualDirectory,
    MapiVirtualDirectory,
    ServerSettings,
    WebServicesVirtualDirectory,
)
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
Directory = AutodiscoverVirtualDirectory | MapiVirtualDirectory | WebServicesVirtualDirectory
EXPECTED: dict[type[Directory], str] = {
    AutodiscoverVirtualDirectory: "None",
    WebServicesVirtualDirectory: "Allow",
    MapiVirtualDirectory: "Require",
}
"""Value of a directory's kind on the front end, with Extended Protection in use."""
STRICTNESS = ("none", "allow", "require")
ELSEWHERE: dict[str, str] = {
    "default web site/api": "Require",
    "default web site/ecp": "Require",
    "default web site/microsoft-server-activesync": "Allow",
    "default web site/oab": "Allow",
    "default web site/owa": "Require",
    "default web site/powershell": "Require",
    "default web site/rpc": "Require",
    "exchange back end/api": "Require",
    "exchange back end/autodiscover": "None",
    "exchange back end/ews": "Require",
    "exchange back end/rest": "Require",
}
"""Value of the directories no cmdlet above shows, by their names in IIS, lower case."""


def _too_strict(organization: Organization) -> Organization:
    last = organization.all(WebServicesVirtualDirectory, ON)[-1].identity
    return organization.edit(
        WebServicesVirtualDirectory, lambda one: one.identity == last, extended_protection_token_checking="Require"
    )


def _too_loose(organization: Organization) -> Organization:
    last = organization.all(MapiVirtualDirectory, ON)[-1].identity
    return organization.edit(
        MapiVirtualDirectory, lambda one: one.identity == last, extended_protection_token_checking="None"
    )


def _offloaded(organization: Organization) -> Organization:
    """On the last server the front end's EWS does not want TLS."""
    last = organization.all(ServerSettings, ON)[-1]
    directories = tuple(
        msgspec.structs.replace(one, ssl_required=False) if one.name == "Default Web Site/EWS" else one
        for one in last.directories or ()
    )
    return organization.edit(ServerSettings, lambda one: one.identity == last.identity, directories=directories)


_STEPS = (
    "Look at all directories: ExchangeExtendedProtectionManagement.ps1 -ShowExtendedProtection",
    "Let the script set them: ExchangeExtendedProtectionManagement.ps1",
    "Or set this one by its own cmdlet, -ExtendedProtectionTokenChecking <expected>, and run iisreset /noforce.",
)


class ExtendedProtection(Check):
    """Compares every directory's value with the expected one."""

    title = "Does Extended Protection of the virtual directories fit what their clients can do?"
    why = "Too strict, it refuses sign-ins of good clients behind devices; too loose, it protects nobody."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = tuple((kind, ON) for kind in EXPECTED)
    sources = (sources.EXTENDED_PROTECTION, sources.HEALTH_CHECKER)
    covers = ("X-01", "PRES-08", "TLS-04")
    causes = (
        Cause(
            slug="too-strict",
            says="Extended Protection of a virtual directory is stricter than its clients can stand.",
            breaks=_too_strict,
            heals=steps(
                "Set Extended Protection of <directory> from <value> to <expected>.",
                *_STEPS,
                verify="The directory's ExtendedProtectionTokenChecking is <expected>.",
            ),
            healable=False,
        ),
        Cause(
            slug="too-loose",
            says="Extended Protection is in use, and a virtual directory has less of it than it should.",
            breaks=_too_loose,
            heals=steps(
                "Set Extended Protection of <directory> from <value> to <expected>.",
                *_STEPS,
                verify="The directory's ExtendedProtectionTokenChecking is <expected>.",
            ),
            healable=False,
        ),
        Cause(
            slug="ssl-offloaded",
            says="Extended Protection is in use on a virtual directory that does not want TLS.",
            breaks=_offloaded,
            heals=steps(
                "Let <directory> on <server> want TLS: Extended Protection and SSL offloading exclude each other.",
                "On the load balancer, forward HTTPS to the servers, with the same certificate as outside.",
                "In IIS on <server>, switch on 'Require SSL' for <directory>; for Outlook Anywhere: "
                "Set-OutlookAnywhere -SSLOffloading $false",
                verify="ExchangeExtendedProtectionManagement.ps1 -ShowExtendedProtection shows Ssl for <directory>.",
            ),
            healable=False,
            covers=("TLS-04",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per directory whose value differs, on servers that use Extended Protection at all."""
        found: list[tuple[Directory, Origin]] = []
        for kind in EXPECTED:
            reading = evidence.all(kind, ON)
            if isinstance(reading, Unseen):
                yield reading
            else:
                found += [(one, reading.origin) for one in reading.records if _on_the_front_end(one)]
        in_use = {one.server.lower() for one, _ in found if _value(one) != "none"}
        if found and not in_use:
            yield NotApplicable("Extended Protection is not in use.")
        for one, origin in found:
            if one.server.lower() in in_use:
                place = {"directory": one.identity, "server": one.server}
                value, expected = one.extended_protection_token_checking, EXPECTED[type(one)]
                yield from self._judge(place, value, expected, one.address, origin, subject)
        settings = evidence.all(ServerSettings, ON)
        if isinstance(settings, Seen):
            for server in settings.records:
                if server.identity.lower() in in_use:
                    yield from self._in_iis(server, settings.origin, subject)

    def _in_iis(self, server: ServerSettings, origin: Origin, subject: Subject) -> Iterator[Finding]:
        for one in server.directories or ():
            place = {"directory": one.name, "server": server.identity}
            expected = ELSEWHERE.get(one.name.lower(), "")
            if expected:
                yield from self._judge(place, one.token_checking, expected, server.address, origin, subject)
            if one.ssl_required is False and one.token_checking.lower() in STRICTNESS[1:]:
                says = f"{one.name} on {server.identity} has Extended Protection {one.token_checking} and wants no TLS."
                facts = {**place, "value": one.token_checking}
                yield self.finding(
                    "ssl-offloaded", subject, says, address=server.address, facts=facts, origins=(origin,)
                )

    def _judge(
        self, place: dict[str, str], value: str, expected: str, address: Address, origin: Origin, subject: Subject
    ) -> Iterator[Finding]:
        if value.lower() not in STRICTNESS or value.lower() == expected.lower():
            return
        strict = STRICTNESS.index(value.lower()) > STRICTNESS.index(expected.lower())
        yield self.finding(
            "too-strict" if strict else "too-loose",
            subject,
            f"{place['directory']} on {place['server']} has Extended Protection {value}, where {expected} is expected.",
            address=address,
            facts={**place, "value": value, "expected": expected},
            origins=(origin,),
        )


def _value(one: Directory) -> str:
    return one.extended_protection_token_checking.lower()


def _on_the_front_end(one: Directory) -> bool:
    return "back end" not in one.identity.lower()
