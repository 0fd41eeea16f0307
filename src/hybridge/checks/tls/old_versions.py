r"""TLS 1.0 and 1.1 are no longer safe, and no service of Microsoft 365 needs them.

## How it is decided

Handshakes that offer TLS 1.0 and TLS 1.1 alone are made with each public name. One that succeeds is found, as long as
newer versions are spoken too (else `tls/version` says so). Whether this machine can offer the old versions depends on
its OpenSSL; what it cannot offer is not judged.

## How to cure it by hand

Disable both versions for incoming connections on the servers, and on the device in front; then restart:

```powershell
foreach ($version in "TLS 1.0", "TLS 1.1") {
  $path = "HKLM:\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\$version\Server"
  New-Item -Path $path -Force
  Set-ItemProperty -Path $path -Name Enabled -Value 0 -Type DWord
}
```

Look first for old clients and devices that know nothing newer.

## How hybridge cures it

It does not: the registry and devices are yours. It prints the steps.

## How to undo

Set `Enabled` to 1, and restart.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.tls.hosts import ON, broken, connected
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Severity, Subject
from hybridge.org.probes import PublishedHostProbe

_OLD = ("1.0", "1.1")


class OldVersions(Check):
    """Judges whether versions of TLS are on that nobody should use any more."""

    title = "Are TLS 1.0 and 1.1 switched off at every public name?"
    why = "A version that can be broken is a way in, and auditors ask for it; nothing of Microsoft 365 needs it."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((PublishedHostProbe, ON),)
    symptom = True
    needs_publishing = True
    sources = (sources.EXCHANGE_TLS,)
    covers = ("TLS-02",)
    causes = (
        Cause(
            slug="still-on",
            says="TLS 1.0 or 1.1 is still accepted.",
            breaks=broken(oldest_tls="1.0"),
            heals=steps(
                "Switch <old> off at <host>.",
                "Look for clients and devices that know nothing newer than <old>, and renew them.",
                "On the device that ends TLS for <host>, forbid these versions.",
                "On every server disable them for Schannel (Enabled 0 below Server), and restart it.",
                verify="hybridge doctor no longer finds tls/old-versions.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per host that accepts an old version beside a new one."""
        for one in connected(evidence):
            if not isinstance(one, tuple):
                yield one
                continue
            probe, origin = one
            old = [version for version in _OLD if version in probe.accepted]
            unknown = [version for version in _OLD if version in probe.untried]
            if old and len(old) < len(probe.accepted):
                said = " and ".join(f"TLS {version}" for version in old)
                yield self.finding(
                    "still-on",
                    subject,
                    f"{probe.identity} still accepts {said}.",
                    facts={"host": probe.identity, "old": said},
                    origins=(origin,),
                )
            elif unknown:
                yield Unseen(
                    what=PublishedHostProbe.__name__,
                    reason="not-asked",
                    says=f"It could not be seen whether {probe.identity} accepts TLS {' or '.join(unknown)}.",
                    how="openssl s_client -tls1",
                )
