"""Port 80 of a public name: what ``PublishedHost.plain_http`` says it does. Nothing listens unless it says so."""

from __future__ import annotations

from hybridge.org.organization import Organization
from hybridge.org.records import PublishedHost
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAnswer

_HTML = (("content-type", "text/html; charset=utf-8"), ("server", "Microsoft-IIS/10.0"))
_SSL_REQUIRED = b"<html><body><h1>403.4 - Forbidden: SSL is required to view this resource.</h1></body></html>"


def answer_plain(organization: Organization, host: str, path: str) -> HttpAnswer | None:
    """The answer to a plain request for ``path`` at ``host``; None where nothing listens."""
    published = organization.one(PublishedHost, Premises.ON_PREMISES, host)
    if published is None or published.network != "good":
        return None
    match published.plain_http:
        case "redirect":
            location = f"https://{published.redirects_to or host}{path}"
            return HttpAnswer(status=302, headers=(("location", location), ("server", "Microsoft-IIS/10.0")))
        case "page":
            return HttpAnswer(status=200, headers=_HTML, body=b"<html><body><h1>Welcome</h1></body></html>")
        case "ssl-required":
            return HttpAnswer(status=403, headers=_HTML, body=_SSL_REQUIRED)
        case _:
            return None
