"""The endpoint service of Microsoft 365: the version and the address ranges of the worldwide cloud and of GCC High.

It has the ranges hybridge came with under a version of its own, so that a refresh always finds something to say.
"""

from __future__ import annotations

import msgspec

from hybridge.lab.apps import base
from hybridge.lab.apps.base import Request
from hybridge.lab.estate import Estate
from hybridge.rules import Instance, built_in
from hybridge.wire import endpoint_service
from hybridge.wire.ask import HttpAnswer

SERVED = ("Worldwide", "USGovGCCHigh")


def served(name: str, version: str) -> Instance:
    """Instance ``name`` as the lab's service has it."""
    return msgspec.structs.replace(built_in().endpoints.instances[name], version=version)


def answer(estate: Estate, request: Request) -> HttpAnswer:
    """The version of the lab's present day, or the sets."""
    asked = endpoint_service.read_ask(request.path, request.query)
    if isinstance(asked, str) or asked[1] not in SERVED:
        return base.text(asked if isinstance(asked, str) else "There is no such instance here.", 400)
    what, name = asked
    version = f"{estate.now():%Y%m}2800"
    if what == "version":
        return endpoint_service.write_version(endpoint_service.Version(instance=name, latest=version))
    return endpoint_service.write_endpoints(served(name, version))
