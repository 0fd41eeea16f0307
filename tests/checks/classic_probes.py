"""What classic Autodiscover and MAPI over HTTP answer on a healthy day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hybridge.lab.contoso import AUTODISCOVER_HOST, DOMAIN, EWS_URL, MAIL_HOST
from hybridge.org import probes as p
from hybridge.org.records import Record
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
KINDS: tuple[tuple[type[Record], Premises], ...] = (
    (p.DiscoveryNameProbe, ON),
    (p.DiscoveryStepProbe, ON),
    (p.PoxProbe, ON),
    (p.AutodiscoverSoapProbe, ON),
    (p.MapiProbe, ON),
)
POX_URL = f"https://{AUTODISCOVER_HOST}/autodiscover/autodiscover.xml"
MAPI_URL = f"https://{MAIL_HOST}/mapi/emsmdb/"
SCHEMES = ("bearer", "negotiate", "ntlm", "basic")


def step(method: str, url: str, **facts: object) -> p.DiscoveryStepProbe:
    """One step of the discovery order; a challenge of Exchange without more said."""
    shown: dict[str, object] = {"status": 401, "schemes": SCHEMES, "reached_exchange": True} | facts
    return p.DiscoveryStepProbe(premises=ON, identity=f"{method}/{url}", method=method, url=url, **shown)  # type: ignore[arg-type]


def pox(mailbox: str, **facts: object) -> p.PoxProbe:
    """The settings of one mailbox."""
    protocols = (
        p.PoxProtocol(type="EXCH", server="id@contoso.com", auth_package="Ntlm", ews_url=EWS_URL),
        p.PoxProtocol(type="EXPR", server=MAIL_HOST, auth_package="Negotiate", ews_url=EWS_URL),
        p.PoxProtocol(type="mapiHttp", mapi_url=MAPI_URL),
    )
    shown: dict[str, object] = {
        "outcome": "settings",
        "status": 200,
        "hops": (POX_URL,),
        "protocols": protocols,
    } | facts
    return p.PoxProbe(premises=ON, identity=mailbox, mailbox=mailbox, **shown)  # type: ignore[arg-type]


def soap(mailbox: str, **facts: object) -> p.AutodiscoverSoapProbe:
    """What SOAP says of one mailbox."""
    url = POX_URL.replace(".xml", ".svc")
    shown: dict[str, object] = {"url": url, "status": 200, "code": "NoError", "external_ews_url": EWS_URL} | facts
    return p.AutodiscoverSoapProbe(premises=ON, identity=mailbox, mailbox=mailbox, **shown)  # type: ignore[arg-type]


def name(host: str, rdtype: str, *records: str, reason: str = "") -> p.DiscoveryNameProbe:
    """What DNS says of one name."""
    return p.DiscoveryNameProbe(
        premises=ON, identity=f"{host}/{rdtype}", name=host, rdtype=rdtype, records=records, reason=reason
    )


def classic_probes(boxes: Iterable[str]) -> Iterator[Record]:
    """Everything for the mailboxes ``boxes``."""
    yield name(DOMAIN, "A", "203.0.113.13")
    yield name(AUTODISCOVER_HOST, "A", "203.0.113.11")
    yield name(f"_autodiscover._tcp.{DOMAIN}", "SRV", reason="name-not-found")
    yield step("scp", POX_URL)
    root = f"https://{DOMAIN}/autodiscover/autodiscover.xml"
    yield step("root", root, status=404, schemes=(), reached_exchange=False, page=True)
    yield step("host", POX_URL)
    closed = {
        "status": 0,
        "schemes": (),
        "reached_exchange": False,
        "reason": "unreachable",
        "says": "Nothing listens.",
    }
    yield step("redirect", f"http://{AUTODISCOVER_HOST}/autodiscover/autodiscover.xml", **closed)
    yield p.MapiProbe(
        premises=ON,
        identity=MAPI_URL,
        status=401,
        schemes=("negotiate", "ntlm"),
        reached_exchange=True,
        server_application="Exchange/15.02.2562.037",
    )
    for box in boxes:
        yield pox(box)
        yield soap(box)
