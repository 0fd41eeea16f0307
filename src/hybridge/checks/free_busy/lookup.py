r"""Free/busy is asked from the other side, as people there would see it; the code of the answer names the reason.

## How it is decided

Of a person online the servers are asked (EWS `GetUserAvailability` on-premises), of a person on-premises the cloud
(Microsoft Graph `getSchedule`, as a person online). Both directions are asked in one run. Known codes:

* 5009: the side that was asked knows no such recipient;
* 5016: Autodiscover of the other side failed, or the recipient has no routing address;
* 5037: no connector and no relationship holds the recipient's domain;
* 5039: the request to the other side failed; the text behind it says how (401, 403, a token, the clock);
* `ErrorNoFreeBusyAccess`: the other side's relationship shows nothing.

Why it is so is judged in an order: the version of the servers, the clock, pre-authentication, Autodiscover, then OAuth
where a connector is enabled, federation where not. The causes found are named beside the answer.

## How to cure it by hand

Heal the causes named beside it. `Get-IntraOrganizationConnector`, `Get-OrganizationRelationship` and
`Test-OAuthConnectivity` on both sides show where to begin.

## How hybridge cures it

It heals the causes, as far as they can be healed from here.

## How to undo

Nothing is changed by this check.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import symptom_of
from hybridge.checks.location import MAILBOX_NEEDS, on_premises_mailbox
from hybridge.checks.sharing.explaining import BETWEEN
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import NotApplicable, Scope, Subject
from hybridge.org.probes import FreeBusyProbe
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
_BY_NUMBER = {5009: "recipient-unknown", 5016: "autodiscover-failed", 5037: "no-relationship", 5039: "request-failed"}
_BY_CODE = {
    "errormailrecipientnotfound": "recipient-unknown",
    "errorautodiscoverfailed": "autodiscover-failed",
    "errorservicediscoveryfailed": "autodiscover-failed",
    "erroravailabilityconfignotfound": "no-relationship",
    "errorinvalidorganizationrelationshipforfreebusy": "no-relationship",
    "erroruserwithoutfederatedproxyaddress": "no-relationship",
    "errorproxyrequestprocessingfailed": "request-failed",
    "errorproxyrequestnotallowed": "request-failed",
    "errortimeoutexpired": "request-failed",
    "errornofreebusyaccess": "no-access",
}
_SAYS = {
    "recipient-unknown": "The side that was asked does not know the person.",
    "autodiscover-failed": "The side that was asked does not find the other side.",
    "no-relationship": "The side that was asked has no connector and no relationship for the domain.",
    "request-failed": "The request to the other side failed.",
    "no-access": "The other side does not show its free/busy.",
    "other-error": "Free/busy failed with another error.",
}


class Lookup(Check):
    """Judges what the other side is shown of a mailbox."""

    title = "Does the other side see when this person is free?"
    why = "People of the other side see a hatched calendar and book meetings blindly."
    scope = Scope.MAILBOX
    needs = ((FreeBusyProbe, ON), (FreeBusyProbe, ONLINE), *MAILBOX_NEEDS)
    symptom = True
    explained_by = (*BETWEEN, "oauth/test-connectivity")
    sources = (sources.FREE_BUSY_CHECKER, sources.RESOLVE_FREE_BUSY, sources.GET_SCHEDULE)
    covers = ("FB-04", "FB-06")
    needs_online = True
    needs_on_premises = True
    causes = tuple(
        Cause(slug=slug, says=says, breaks=None, heals=symptom_of, healable=False) for slug, says in _SAYS.items()
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """The direction follows from where the mailbox is."""
        box = subject.mailbox
        place = on_premises_mailbox(evidence, box)
        if isinstance(place, Unseen):
            yield place
            return
        asked_at = ON if isinstance(place, NotApplicable) else ONLINE
        reading = evidence.all(FreeBusyProbe, asked_at, box)
        if isinstance(reading, Unseen):
            yield reading
            return
        if reading.first is None:
            yield NotApplicable("Nobody of the other side is examined, as whom this could be asked.")
            return
        one = reading.first
        if one.code:
            slug = _BY_NUMBER.get(one.exception_code) or _BY_CODE.get(one.code.lower(), "other-error")
            where = "On-premises" if asked_at is ON else "In Exchange Online"
            number = f" ({one.exception_code})" if one.exception_code else ""
            says = f"{where} nobody sees when {box} is free: {one.code}{number}: {one.message.rstrip('.')}."
            facts = {"code": one.code, "number": str(one.exception_code)}
            yield self.finding(slug, subject, says, facts=facts, origins=(reading.origin,))
