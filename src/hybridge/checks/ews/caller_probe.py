"""Asking EWS under the name of each service of Teams shows who is refused, whatever the settings say.

## How it is decided

One EWS request is sent several times; only the User-Agent differs. Allowed callers get 200, or 401 where no
credentials are configured. A refusal (403) tells by its headers who refused:

* with Exchange's own headers, or with `X-EWS-Policy-Reason`: Exchange's access policy. The settings are judged by
  `ews/allow-list-organization` and `ews/allow-list-mailbox`;
* without them, while other callers or the request without credentials reach Exchange: a device in front filters by
  User-Agent. Those of Teams hold `$`, `+` and `*`, which some devices take for an attack;
* everybody alike: nothing about callers (see `oauth/bearer-challenge`).

A 200 without Exchange's own headers proves nothing: it may be a page that wants a sign-in.

## How to cure it by hand

On the device in front (web application firewall, load balancer, reverse proxy) make an exception from User-Agent rules
for `/ews/*`, `/api/*` and `/autodiscover/*`. This shows the difference from outside; both must print 401:

```powershell
foreach ($agent in 'SkypeSpaces/1.0a$*+', 'test') {
  try { Invoke-WebRequest -Uri "https://mail.contoso.com/EWS/Exchange.asmx" -UserAgent $agent -UseBasicParsing }
  catch { [int]$_.Exception.Response.StatusCode }
}
```

## How hybridge cures it

It does not: the device is yours. It prints the steps. What Exchange's own policy refuses is cured by the two checks
named above.

## How to undo

Take the exception away again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps, symptom_of
from hybridge.checks.edge import EDGE
from hybridge.checks.ews.policy import SYMPTOM_OF
from hybridge.checks.location import MAILBOX_NEEDS, on_premises_mailbox
from hybridge.evidence import Evidence, Origin, Seen, Unseen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import BearerChallengeProbe, EwsCallerProbe
from hybridge.org.records import Mailbox, PublishedPath
from hybridge.rules import CALLERS
from hybridge.terms.callers import EwsCaller, Feature
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES


def _filter(organization: Organization) -> Organization:
    """A device refuses every user agent of Teams, at EWS and at the REST API."""
    patterns = tuple(dict.fromkeys(caller.pattern for caller in CALLERS))
    return organization.put(
        *(
            msgspec.structs.replace(one, refused_user_agents=patterns)
            for one in organization.all(PublishedPath, ON)
            if one.path in ("/ews", "/api")
        )
    )


class CallerProbe(Check):
    """Judges what each caller of Teams got."""

    title = "Do all services of Teams get through to EWS?"
    why = "A filter by User-Agent stops the services of Teams alone: every other test of the server succeeds."
    scope = Scope.MAILBOX
    needs = ((EwsCallerProbe, ON), (BearerChallengeProbe, ON), *MAILBOX_NEEDS)
    symptom = True
    explained_by = (
        *EDGE,
        "network/sign-in-methods",
        "ews/endpoint-answer",
        "ews/allow-list-organization",
        "ews/allow-list-mailbox",
        "oauth/bearer-challenge",
        "autodiscover/v2-route",
    )
    needs_publishing = True
    sources = (sources.CONTROL_EWS, sources.RESOLVE)
    covers = ("EWS-05",)
    causes = (
        Cause(
            slug="filtered-by-device",
            says="A device in front of Exchange refuses services of Teams by their User-Agent.",
            breaks=_filter,
            heals=steps(
                "Let the device in front of Exchange pass these User-Agents: <user_agents>.",
                "In the log of the web application firewall, load balancer or reverse proxy find the rule that "
                "answered 403 to one of them.",
                "Exempt /ews/*, /api/* and /autodiscover/* from rules about User-Agents.",
                verify="hybridge doctor <mailbox> no longer finds ews/caller-probe.",
            ),
            symptoms=tuple(Symptom),
            healable=False,
            covers=("X-11", "NET-05"),
        ),
        Cause(
            slug="refused-by-policy",
            says="Exchange refuses a service of Teams by its EWS access policy.",
            breaks=None,
            heals=symptom_of,
            symptoms=tuple(Symptom),
            healable=False,
        ),
        Cause(
            slug="refused",
            says="EWS answers every caller with an error, or with somebody else's page.",
            breaks=None,
            heals=symptom_of,
            symptoms=tuple(Symptom),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per way of refusal and feature."""
        place = on_premises_mailbox(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield place
            return
        reading = evidence.all(EwsCallerProbe, ON, subject.mailbox)
        if isinstance(reading, Unseen):
            yield reading
            return
        callers = {caller.name: caller for caller in evidence.rules.callers.callers}
        if any(probe.fault.startswith("ErrorImpersonat") for probe in reading.records):
            yield Unseen(
                what="EwsCallerProbe",
                reason="refused",
                says=f"Our own account may not act for {subject.mailbox}: no caller was put to the test.",
                how="see ews/service-account",
            )
            return
        answered = [probe for probe in reading.records if probe.status and probe.caller in callers]
        if len({probe.caller for probe in answered}) < len(callers):
            yield Unseen(
                what="EwsCallerProbe",
                reason="unreachable" if reading.records else "not-asked",
                says=f"Not every caller's request about {subject.mailbox} was answered.",
                how=EwsCallerProbe.cmdlet,
            )
        if any(probe.status == 200 and not probe.reached_exchange for probe in answered):
            yield Unseen(
                what="EwsCallerProbe",
                reason="malformed",
                says=f"EWS for {subject.mailbox} answered 200 without Exchange's own headers: Exchange, or a page.",
                how="look into the log of the device in front, or compare with an answer from inside",
            )
        reached = any(_allowed(probe) for probe in answered) or _strangers_reach(evidence)
        verdicts: dict[tuple[str, Feature], list[EwsCallerProbe]] = {}
        for probe in answered:
            if slug := _verdict(probe, reached):
                verdicts.setdefault((slug, callers[probe.caller].feature), []).append(probe)
        for (slug, _), probes in verdicts.items():
            yield self._found(slug, [callers[one.caller] for one in probes], probes[0], reading.origin, subject)

    def _found(
        self, slug: str, callers: Sequence[EwsCaller], first: EwsCallerProbe, origin: Origin, subject: Subject
    ) -> Finding:
        """The finding about ``callers`` of one feature, all answered as ``first`` was."""
        feature = callers[0].feature
        agents = ", ".join(f"'{caller.user_agent}'" for caller in callers)
        who = {
            "filtered-by-device": "without Exchange's own headers: a device in front refuses it by its name",
            "refused-by-policy": "from Exchange itself" + (f" ({first.policy_reason})" if first.policy_reason else ""),
        }.get(slug, "as to every caller")
        return self.finding(
            slug,
            subject,
            f"EWS for {subject.mailbox} answered {agents} ({feature}) with HTTP {first.status}, {who}.",
            facts={
                "mailbox": subject.mailbox,
                "feature": str(feature),
                "callers": ", ".join(caller.name for caller in callers),
                "user_agents": " | ".join(caller.user_agent for caller in callers),
                "status": str(first.status),
            },
            symptoms=(SYMPTOM_OF[feature],),
            origins=(origin,),
        )


def _allowed(probe: EwsCallerProbe) -> bool:
    return probe.status == 401 or (probe.status == 200 and probe.reached_exchange)


def _verdict(probe: EwsCallerProbe, reached: bool) -> str:
    if probe.status in (200, 401):
        return ""
    if probe.status == 403 and (probe.policy_reason or probe.reached_exchange):
        return "refused-by-policy"
    return "filtered-by-device" if probe.status == 403 and reached else "refused"


def _strangers_reach(evidence: Evidence) -> bool:
    """Whether a request under another name reached Exchange, so that a refusal is about the caller."""
    challenges = evidence.all(BearerChallengeProbe, ON)
    return isinstance(challenges, Seen) and any(
        one.reached_exchange and one.status == 401 for one in challenges.records
    )
