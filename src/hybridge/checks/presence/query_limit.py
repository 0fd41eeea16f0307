r"""The presence service asks with long queries; ASP.NET refuses them unless web.config of the REST proxy allows them.

## How it is decided

`maxQueryStringLength` of `httpRuntime` in `FrontEnd\HttpProxy\Rest\web.config` is read from an export of each server
(`hybridge snapshot commands` prints the line; no cmdlet shows it). Where it is absent ASP.NET takes 2,048 characters,
too few; 4,096 are enough. Updates of Exchange write the file anew and lose the value.

Without an export it is said that the values are not known; `presence/long-query` asks the server itself.

## How to cure it by hand

On each server, in the folder of Exchange, add the attribute to `<httpRuntime>` of
`FrontEnd\HttpProxy\Rest\web.config`:

```
<httpRuntime maxQueryStringLength="4096" />
```

Keep what else is in that element. Do it again after each cumulative or security update. Event 1309 of ASP.NET in the
log of applications stops.

## How hybridge cures it

It does not change files of servers: it prints where to add what.

## How to undo

Remove the attribute.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import NotApplicable, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import ServerSettings
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
ENOUGH = 4096
DEFAULT = 2048
FILE = "FrontEnd\\HttpProxy\\Rest\\web.config"


def _written_anew(organization: Organization) -> Organization:
    return organization.edit(ServerSettings, max_query_string_length=None)


class QueryLimit(Check):
    """Judges the longest query every server takes."""

    title = "Does every Exchange server take queries as long as those of the presence service?"
    why = "A server that does not answers the presence service with an error: presence never follows the calendar."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((ServerSettings, ON),)
    sources = (sources.LONG_QUERY, sources.RESOLVE)
    covers = ("PRES-04", "X-14")
    causes = (
        Cause(
            slug="too-low",
            says="web.config of a server does not allow queries as long as those of the presence service.",
            breaks=_written_anew,
            heals=steps(
                "Allow queries of 4,096 characters on <server>, which takes <length>.",
                f'On <server>, add maxQueryStringLength="4096" to httpRuntime in {FILE} below the folder of Exchange.',
                "Keep a note: every cumulative or security update writes the file anew.",
                verify="No event 1309 of ASP.NET in <server>'s log of applications; presence follows the calendar.",
            ),
            symptoms=(Symptom.PRESENCE_STUCK,),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per server."""
        reading = evidence.all(ServerSettings, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        if not reading.records:
            yield NotApplicable("There is no Exchange server on-premises.")
        for one in reading.records:
            length = one.max_query_string_length
            if length is None or length < ENOUGH:
                said = f"allows {length}" if length is not None else f"says nothing, and so allows {DEFAULT}"
                yield self.finding(
                    "too-low",
                    subject,
                    f"web.config of the REST proxy on {one.identity} {said} characters of a query, not {ENOUGH}.",
                    address=one.address,
                    facts={"server": one.identity, "length": str(length or DEFAULT)},
                    origins=(reading.origin,),
                )
