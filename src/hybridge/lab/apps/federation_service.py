"""The lab's federation service (AD FS): its metadata, and a sign-in page that lets nobody in."""

from __future__ import annotations

from hybridge.lab.apps import base
from hybridge.lab.apps.base import Request
from hybridge.lab.estate import Estate
from hybridge.org.records import FederationService
from hybridge.terms.premises import Premises
from hybridge.wire import federation_metadata
from hybridge.wire.ask import HttpAnswer


def answer(estate: Estate, request: Request) -> HttpAnswer:
    """What the federation service answers."""
    service = estate.organization.one(FederationService, Premises.ON_PREMISES, request.host)
    if service is None:
        return base.text("The service is not running.", 503)
    if request.path.lower() == federation_metadata.PATH.lower():
        entity = f"http://{request.host}/adfs/services/trust"
        return federation_metadata.write_answer(federation_metadata.Metadata(entity, service.signing_certificates))
    if request.path.lower().startswith("/adfs/ls"):
        page = b"<html><body><h1>Sign in</h1></body></html>"
        return HttpAnswer(status=200, headers=(("content-type", "text/html; charset=utf-8"),), body=page)
    return base.not_found()
