"""Realm discovery at Microsoft's sign-in: how the people of a domain sign in, both halves.

``GET https://<login>/getuserrealm.srf?login=<name>&json=1`` answers anybody. ``NameSpaceType`` is Managed, Federated
or Unknown; a federated one comes with the AuthURL people are sent to. Sources: answers printed in public tools.
"""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.json_body import JsonRefused, json_answer, read_object, text
from hybridge.wire.xml import malformed

PATH = "/getuserrealm.srf"
NOBODY = "hybridge"
"""Local part of the name asked with: no person is named to ask about a domain."""
LIMIT = 64 * 1024


class Realm(msgspec.Struct, frozen=True):
    """What was told; ``auth_url`` is "" for a domain that is not federated."""

    name_space_type: str
    domain: str = ""
    auth_url: str = ""
    cloud_instance: str = ""
    brand: str = ""


def ask(login_host: str, domain: str) -> HttpAsk:
    """Ask how people of ``domain`` sign in."""
    url = f"https://{login_host}{PATH}?login={quote(f'{NOBODY}@{domain}', safe='@')}&json=1"
    return HttpAsk(method="GET", url=url, headers=(("Accept", "application/json"),), limit=LIMIT)


def read_answer(answer: HttpAnswer) -> Realm | Failure:
    """What the sign-in told, or why it is not known."""
    if answer.failure:
        return answer.failure
    try:
        said = read_object(answer.body, LIMIT)
    except JsonRefused as error:
        return malformed(f"Realm discovery (HTTP {answer.status}) cannot be read: {error}")
    kind = text(said.get("NameSpaceType"))
    if answer.status != 200 or not kind:
        return malformed(f"Realm discovery told no NameSpaceType (HTTP {answer.status}).")
    return Realm(
        kind,
        text(said.get("DomainName")),
        text(said.get("AuthURL")),
        text(said.get("CloudInstanceName")),
        text(said.get("FederationBrandName")),
    )


def read_domain(login: str) -> str:
    """The domain a request asks about, in lower case."""
    return login.rpartition("@")[2].lower()


def write_answer(realm: Realm, login: str) -> HttpAnswer:
    """The answer that tells ``realm`` to whoever asked about ``login``."""
    if realm.name_space_type == "Unknown":
        return json_answer(200, {"State": 4, "UserState": 1, "Login": login, "NameSpaceType": "Unknown"})
    told = {
        "State": 3 if realm.auth_url else 4,
        "UserState": 2 if realm.auth_url else 1,
        "Login": login,
        "NameSpaceType": realm.name_space_type,
        "DomainName": realm.domain,
        "FederationBrandName": realm.brand,
        "CloudInstanceName": realm.cloud_instance,
    }
    if realm.auth_url:
        told |= {"FederationGlobalVersion": -1, "AuthURL": realm.auth_url}
    return json_answer(200, told)
