r"""Something on the way to the REST API may cut long queries, though it lets short ones through.

## How it is decided

`https://<host>/api/v2.0/me/calendarView` is asked without credentials and with a query of 2,500 characters, as long
as those of the presence service. Exchange answers 401. Another answer, where the short question of
`presence/rest-api-published` is answered 401, means that the length is the reason: 404 (404.15), 400, 414 or 500. An
answer without Exchange's own headers comes from a device in front; one with them from IIS or ASP.NET of a server, whose
web.config `presence/query-limit` judges.

401 is no full proof: a server that signs callers in before it looks at the length answers a stranger so too.

## How to cure it by hand

On the device that publishes the host, allow queries of 4,096 characters for /api/*. On the servers see
`presence/query-limit`.

## How hybridge cures it

It does not: it prints what to look for.

## How to undo

Set the limit of the device back.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps, symptom_of
from hybridge.evidence import Evidence, Origin, Seen, Unseen
from hybridge.findings import NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import LongQueryProbe, RestApiProbe
from hybridge.org.records import PublishedPath
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES


def _cut(organization: Organization) -> Organization:
    return organization.edit(PublishedPath, lambda one: one.path == "/api", longest_query=2048)


class LongQuery(Check):
    """Judges the answer to a long query."""

    title = "Do long queries, as the presence service sends them, get through to the REST API?"
    why = "The presence service asks with long queries: cut, they never reach the calendar."
    scope = Scope.ORGANIZATION
    needs = ((LongQueryProbe, ON), (RestApiProbe, ON))
    symptom = True
    explained_by = ("presence/query-limit",)
    sources = (sources.LONG_QUERY, sources.HYBRID_REST)
    covers = ("PRES-03", "X-14")
    causes = (
        Cause(
            slug="cut-by-device",
            says="A device in front of Exchange refuses long queries.",
            breaks=_cut,
            heals=steps(
                "Let the device in front of <host> pass queries of 4,096 characters for /api/*.",
                "In its log find the rule that answered HTTP <status> to a long query for /api/v2.0/me/calendarView.",
                "Raise its limit for the length of a query, or of a URL, to 4,096 characters at the least.",
                verify="hybridge doctor no longer finds presence/long-query.",
            ),
            symptoms=(Symptom.PRESENCE_STUCK,),
            healable=False,
        ),
        Cause(
            slug="cut-by-exchange",
            says="A server refuses long queries.",
            breaks=None,
            heals=symptom_of,
            symptoms=(Symptom.PRESENCE_STUCK,),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per host."""
        reading = evidence.all(LongQueryProbe, ON)
        short = evidence.all(RestApiProbe, ON)
        gaps = [one for one in (reading, short) if isinstance(one, Unseen)]
        yield from gaps
        if isinstance(reading, Unseen) or isinstance(short, Unseen):
            return
        if not any(one.status == 401 for one in short.records):
            yield NotApplicable("The REST API does not answer short queries as it should; that is judged elsewhere.")
            return
        yield from self._judge(reading, subject)

    def _judge(self, reading: Seen[LongQueryProbe], subject: Subject) -> Iterator[Saying]:
        for probe in reading.records:
            if probe.status != 401:
                yield self._found(probe, reading.origin, subject)

    def _found(self, probe: LongQueryProbe, origin: Origin, subject: Subject) -> Saying:
        slug = "cut-by-exchange" if probe.reached_exchange else "cut-by-device"
        who = "Exchange" if probe.reached_exchange else "something in front of Exchange"
        status = probe.substatus or str(probe.status)
        return self.finding(
            slug,
            subject,
            f"A query of {probe.length:,} characters for the calendar at {probe.identity} was answered HTTP {status} "
            f"by {who}; a short one is answered 401.",
            facts={"host": probe.identity, "status": status},
            origins=(origin,),
        )
