r"""Microsoft 365 speaks TLS 1.2 and newer only: a server whose Windows or .NET does not, cannot call it.

## How it is decided

The registry of each server is read from an export (`hybridge snapshot commands` prints the line; no cmdlet of
Exchange shows it):

* `SchUseStrongCrypto` and `SystemDefaultTlsVersions` of .NET Framework 4 must both be 1: .NET then takes what Windows
  offers, and leaves out what is broken;
* TLS 1.2 must not be switched off, neither for the client nor for the server (`SCHANNEL\Protocols\TLS 1.2`); where
  nothing is set, Windows has it on.

All servers must be alike: Extended Protection and free/busy fail between servers that are not. Without an export it
is said that the settings are not known.

## How to cure it by hand

```powershell
$net = 'HKLM:\SOFTWARE\Microsoft\.NETFramework\v4.0.30319'
Set-ItemProperty -Path $net -Name SchUseStrongCrypto -Value 1 -Type DWord
Set-ItemProperty -Path $net -Name SystemDefaultTlsVersions -Value 1 -Type DWord
```

The same below `HKLM:\SOFTWARE\Wow6432Node`, on every server, then restart it. For TLS 1.2, set `Enabled` to 1 and
`DisabledByDefault` to 0 below `SCHANNEL\Protocols\TLS 1.2\Client` and `\Server`.

## How hybridge cures it

It does not write to the registry of servers: it prints what to set where.

## How to undo

Set the values that were there before, and restart the server.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Origin, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import ServerSettings
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def _last(organization: Organization, **values: object) -> Organization:
    last = organization.all(ServerSettings, ON)[-1].identity
    return organization.edit(ServerSettings, lambda one: one.identity == last, **values)


class ServerTls(Check):
    """Judges the TLS settings of every server."""

    title = "Can every Exchange server speak today's TLS to Microsoft 365?"
    why = "Where it cannot, free/busy and tokens end with 'The underlying connection was closed'."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((ServerSettings, ON),)
    sources = (sources.TLS_GUIDANCE, sources.TLS_FREE_BUSY, sources.HEALTH_CHECKER)
    covers = ("X-05",)
    causes = (
        Cause(
            slug="net-framework",
            says=".NET Framework on a server does not take the TLS versions Windows offers.",
            breaks=lambda organization: _last(organization, strong_crypto=None, system_default_tls=False),
            heals=steps(
                "Set <missing> to 1 on <server>, as on every other server.",
                "Below HKLM:\\SOFTWARE\\Microsoft\\.NETFramework\\v4.0.30319 set <missing> to 1 (DWORD).",
                "The same below HKLM:\\SOFTWARE\\Wow6432Node\\Microsoft\\.NETFramework\\v4.0.30319.",
                "Restart <server>.",
                verify="HealthChecker shows the same TLS settings on every server.",
            ),
            healable=False,
        ),
        Cause(
            slug="tls-switched-off",
            says="TLS 1.2 is switched off on a server.",
            breaks=lambda organization: _last(organization, tls12_client=False),
            heals=steps(
                "Switch TLS 1.2 on for the <missing> side of <server>.",
                "Below HKLM:\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL\\Protocols\\TLS 1.2, for "
                "<missing>, set Enabled to 1 and DisabledByDefault to 0 (DWORD).",
                "Restart <server>.",
                verify="HealthChecker shows TLS 1.2 enabled for client and server on <server>.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """At most one finding per server and cause."""
        reading = evidence.all(ServerSettings, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        if not reading.records:
            yield NotApplicable("There is no Exchange server on-premises.")
        for one in reading.records:
            yield from self._judge(one, reading.origin, subject)

    def _judge(self, one: ServerSettings, origin: Origin, subject: Subject) -> Iterator[Finding]:
        values = {"SchUseStrongCrypto": one.strong_crypto, "SystemDefaultTlsVersions": one.system_default_tls}
        unset = " and ".join(name for name, value in values.items() if value is not True)
        sides = {"Client": one.tls12_client, "Server": one.tls12_server}
        off = " and ".join(name for name, value in sides.items() if value is False)
        for slug, missing, says in (
            ("net-framework", unset, f"{one.identity} has not set {unset} of .NET Framework 4 to 1."),
            ("tls-switched-off", off, f"TLS 1.2 is switched off on {one.identity} ({off})."),
        ):
            if missing:
                facts = {"server": one.identity, "missing": missing}
                yield self.finding(slug, subject, says, address=one.address, facts=facts, origins=(origin,))
