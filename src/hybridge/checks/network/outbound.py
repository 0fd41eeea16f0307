r"""Exchange must itself reach Microsoft 365: for the keys of tokens, for tokens of its own, for free/busy of the cloud.

## How it is decided

From an export made on the servers (`hybridge snapshot commands` prints the line): each server tries TCP 443 of the
hosts it needs, such as `login.microsoftonline.com` and `outlook.office365.com`. From `Get-ExchangeServer`:
`InternetWebProxy`, the proxy Exchange's own requests take; servers that do not have the same one reach different
things. Without an export it is said that it is not known what the servers reach.

## How to cure it by hand

On each server:

```powershell
Test-NetConnection login.microsoftonline.com -Port 443
Test-NetConnection outlook.office365.com -Port 443
netsh winhttp show proxy
Get-ExchangeServer | Format-Table Name, InternetWebProxy
```

Let the firewall pass TCP 443 from the servers to Microsoft's ranges (sets 1 and 56), to
`accounts.accesscontrol.windows.net`, and to the hosts of revocation lists; or set the same proxy on every server:

```powershell
Set-ExchangeServer -Identity EX1 -InternetWebProxy "http://proxy.contoso.com:8080"
```

## How hybridge cures it

It does not: the way out is the network's.

## How to undo

Take the rule of the firewall back, or set `InternetWebProxy` to what it was.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.platform.versions import is_edge
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import ExchangeServer, ServerSettings
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def _shut_in(organization: Organization) -> Organization:
    """The last server reaches nothing of Microsoft 365."""
    last = organization.all(ServerSettings, ON)[-1]
    return organization.edit(
        ServerSettings,
        lambda one: one.identity == last.identity,
        reached=(),
        not_reached=(*(last.reached or ()), *(last.not_reached or ())),
    )


def _own_proxy(organization: Organization) -> Organization:
    last = organization.all(ExchangeServer, ON)[-1].identity
    return organization.edit(
        ExchangeServer, lambda one: one.identity == last, internet_web_proxy="http://proxy.contoso.com:8080"
    )


class Outbound(Check):
    """Judges what the servers reach, and by which proxy."""

    title = "Does every Exchange server reach Microsoft 365?"
    why = "A server that cannot fetch keys refuses tokens of Teams sooner or later, and has no free/busy of the cloud."
    scope = Scope.ORGANIZATION
    needs = ((ServerSettings, ON), (ExchangeServer, ON))
    needs_online = True
    sources = (sources.ENDPOINTS, sources.HEALTH_CHECKER)
    covers = ("NET-04",)
    causes = (
        Cause(
            slug="not-reached",
            says="A server does not reach hosts of Microsoft 365.",
            breaks=_shut_in,
            heals=steps(
                "Let <server> reach <hosts>, TCP 443.",
                "On <server>: Test-NetConnection <host> -Port 443",
                "Admit <server> to <hosts> on the firewall, or set the proxy the other servers use: "
                "Get-ExchangeServer | Format-Table Name, InternetWebProxy",
                verify="Test-NetConnection <host> -Port 443 on <server> says TcpTestSucceeded True.",
            ),
            healable=False,
        ),
        Cause(
            slug="proxies-differ",
            says="The servers do not all use the same proxy.",
            breaks=_own_proxy,
            heals=steps(
                "Give every server the same InternetWebProxy, or none: <proxies>.",
                "Get-ExchangeServer | Format-Table Name, InternetWebProxy",
                'Set-ExchangeServer -Identity <server> -InternetWebProxy "<proxy>"',
                verify="Get-ExchangeServer shows the same InternetWebProxy for every server.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per server that is shut in, one for proxies that differ."""
        settings, servers = evidence.all(ServerSettings, ON), evidence.all(ExchangeServer, ON)
        if isinstance(servers, Seen):
            yield from self._proxies(servers, subject)
        else:
            yield servers
        if isinstance(settings, Unseen):
            yield settings
            return
        for one in settings.records:
            if one.not_reached is None:
                yield Unseen(
                    what="what the server reaches",
                    reason="not-exported",
                    says=f"It was not tried what {one.identity} reaches of Microsoft 365.",
                    how="on the server: Test-NetConnection login.microsoftonline.com -Port 443",
                )
            elif one.not_reached:
                hosts = ", ".join(one.not_reached)
                yield self.finding(
                    "not-reached",
                    subject,
                    f"{one.identity} does not reach {hosts} on TCP 443.",
                    address=one.address,
                    facts={"server": one.identity, "hosts": hosts, "host": one.not_reached[0]},
                    origins=(settings.origin,),
                )

    def _proxies(self, servers: Seen[ExchangeServer], subject: Subject) -> Iterator[Finding]:
        mine = [one for one in servers.records if not is_edge(one)]
        proxies = {one.internet_web_proxy.lower() for one in mine}
        if len(proxies) < 2:
            return
        told = ", ".join(f"{one.identity} {one.internet_web_proxy or 'none'}" for one in mine)
        other = next(one for one in mine if one.internet_web_proxy.lower() != mine[0].internet_web_proxy.lower())
        yield self.finding(
            "proxies-differ",
            subject,
            f"The servers use different proxies: {told}.",
            address=other.address,
            facts={"proxies": told, "server": other.identity, "proxy": mine[0].internet_web_proxy},
            origins=(servers.origin,),
        )
