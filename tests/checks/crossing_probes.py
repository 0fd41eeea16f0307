"""What each side of a healthy Contoso gets of the other."""

from __future__ import annotations

from hybridge.lab.contoso import EWS_URL, MAIL_HOST
from hybridge.org import probes as p
from hybridge.org.organization import Organization
from hybridge.org.records import ExchangeCertificate, Mailbox, Record
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
AUTODISCOVER = "https://autodiscover.contoso.com/autodiscover"
KINDS: tuple[tuple[type[Record], Premises], ...] = (
    (p.FreeBusyProbe, ON),
    (p.FreeBusyProbe, ONLINE),
    (p.OAuthTestProbe, ON),
    (p.OAuthTestProbe, ONLINE),
    (p.EwsEndpointProbe, ON),
    (p.AutodiscoverOfferProbe, ON),
    (p.HealthPageProbe, ON),
    (p.AuthMetadataProbe, ON),
)


def crossing_probes(organization: Organization) -> list[Record]:
    """Free/busy in both directions, both tests, and what the public addresses say to anybody."""
    certificates = organization.all(ExchangeCertificate, ON)
    found: list[Record] = [
        p.EwsEndpointProbe(premises=ON, identity=EWS_URL, status=200, server_version=(15, 2, 2562, 37)),
        p.AutodiscoverOfferProbe(
            premises=ON,
            identity=f"{AUTODISCOVER}/autodiscover.xml",
            status=401,
            oauth_enabled=True,
            ws_security_enabled=True,
        ),
        p.HealthPageProbe(premises=ON, identity=f"https://{MAIL_HOST}/ews/healthcheck.htm", status=200),
        p.AuthMetadataProbe(
            premises=ON,
            identity=f"{AUTODISCOVER}/metadata/json/1",
            status=200,
            signing_certificates=tuple(one.raw_data for one in certificates),
        ),
    ]
    for side, other in ((ON, ONLINE), (ONLINE, ON)):
        found.append(
            p.OAuthTestProbe(premises=side, identity="Checking EWS API Call Under Oauth", result_type="Success")
        )
        boxes = organization.all(Mailbox, other)
        found += [p.FreeBusyProbe(premises=side, identity=box.identity, mailbox=box.identity) for box in boxes]
    return found
