"""The list of known tests and known failures, and which check or cause answers each.

Rows are grouped: how a mailbox is found (ADV2, ADC), the line to it (TLS, NET, PROBE), who may use EWS (EWS), delegates
(DEL) and partner applications (PA), trust (OAUTH), free/busy (FB), the calendar app (CAL), presence (PRES), versions
(VER), cases from the field (X), and the failure classes that Microsoft's Remote Connectivity Analyzer documents (MRCA).

A check names the rows it answers as a whole in ``covers``, a cause those it is by itself. ``BY_NO_SOFTWARE`` says why a
row cannot be answered by any program.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hybridge.checks.base import Check

ROWS: dict[str, str] = {
    "ADV2-01": "Exchange Online sends an on-premises mailbox on to the organization",
    "ADV2-02": "The host it is sent to resolves and is the organization's",
    "ADV2-03": "The organization answers with its EWS address",
    "ADV2-04": "The organization answers for Autodiscover V1",
    "ADV2-05": "The organization answers with its REST address",
    "ADV2-06": "Autodiscover V2, the virtual directory and POX name the same address",
    "ADV2-07": "Nothing depends on a redirect by plain HTTP, which Teams does not follow",
    "ADC-01": "Names for Autodiscover are published, and no foreign web site answers for them",
    "ADC-02": "POX Autodiscover gives settings",
    "ADC-03": "SOAP Autodiscover gives the external EWS address",
    "ADC-04": "Autodiscover redirects end",
    "ADC-05": "The service connection point names a server that exists",
    "ADC-06": "No device asks for a sign-in before Exchange does",
    "TLS-01": "Certificates of published names are valid, trusted and complete",
    "TLS-02": "TLS 1.2 is spoken, older versions are not",
    "TLS-03": "No client certificate is asked for",
    "TLS-04": "Offloading and bridging of TLS fit Extended Protection",
    "TLS-05": "The servers' clocks are right",
    "EWS-01": "EWS is on for the organization",
    "EWS-02": "The organization's lists let the services of Teams in",
    "EWS-03": "EWS is on for the mailbox",
    "EWS-04": "The mailbox's lists let the services of Teams in",
    "EWS-05": "EWS really answers each caller alike",
    "EWS-06": "EWS offers OAuth, with the right tenant",
    "EWS-07": "The EWS virtual directory has its external address and methods",
    "DEL-01": "The delegate is a delegate with a right that Teams accepts",
    "DEL-02": "The delegate may send on behalf",
    "DEL-03": "The calendar folder is found whatever its language",
    "DEL-04": "Both mailboxes lie on the same side",
    "DEL-05": "Both mailboxes can be discovered",
    "DEL-06": "The delegator is not hidden from address lists",
    "DEL-07": "No group or orphan is among the delegates",
    "DEL-08": "The partner applications of delegation are in order",
    "DEL-09": "The delegate may use EWS too",
    "DEL-10": "The cloud supports delegation for on-premises mailboxes",
    "DEL-11": "A meeting was made without its Teams block, without any error",
    "PA-01": "The scheduler's partner application is there, enabled and linked",
    "PA-02": "The scheduler's role holds what it needs and no more",
    "PA-03": "The voicemail partner application is there",
    "PA-04": "The legacy partner application is as it should be",
    "PA-05": "Exchange Online's partner application is as the wizard makes it",
    "PA-06": "The linked accounts exist with their roles",
    "PA-07": "The service principals hold the key of the authentication certificate",
    "OAUTH-01": "The authentication configuration names its service and certificate",
    "OAUTH-02": "The authentication certificate is valid on every server",
    "OAUTH-03": "The next authentication certificate is prepared in time",
    "OAUTH-04": "Both authentication servers are there and enabled",
    "OAUTH-05": "The authentication server is of the tenant's domains, without overlap",
    "OAUTH-06": "The on-premises intra-organization connector points to the cloud",
    "OAUTH-07": "The cloud's intra-organization connector points to published servers",
    "OAUTH-08": "Exchange's own OAuth test succeeds",
    "OAUTH-09": "The service principal of Exchange has the organization's addresses",
    "OAUTH-10": "What a server says when it refuses a token is understood",
    "OAUTH-11": "The dedicated hybrid application is in use",
    "OAUTH-12": "The hybrid configuration is sound",
    "OAUTH-13": "Directory synchronization writes Exchange hybrid attributes back",
    "PROBE-01": "Autodiscover says of itself that OAuth and WS-Security are on",
    "PROBE-02": "The authentication metadata shows the current certificate",
    "PROBE-03": "The anonymous Bearer challenge shows tenant and trust",
    "PROBE-04": "The health pages of the protocols",
    "PROBE-05": "The version seen from outside",
    "PROBE-06": "The tenant of the domain, as the sign-in service tells it",
    "FB-01": "Organization relationships of both sides share free/busy",
    "FB-02": "The path free/busy takes is the right one, and federation is fresh",
    "FB-03": "WS-Security is on for EWS and Autodiscover",
    "FB-04": "Free/busy is really answered in both directions",
    "FB-05": "Remote routing addresses are those of the tenant",
    "FB-06": "Versions, clocks and publishing that free/busy needs",
    "FB-07": "Free/busy from on-premises uses the dedicated application",
    "FB-08": "The external EWS address is there",
    "CAL-01": "The calendar app is pinned",
    "CAL-02": "No permission policy blocks the calendar app",
    "CAL-03": "The coexistence mode shows the calendar app",
    "CAL-04": "The person has the licences",
    "CAL-05": "There is one mailbox, in good state, known to both sides",
    "CAL-06": "Exchange is new enough for the calendar app",
    "CAL-07": "The meeting policy allows scheduling",
    "CAL-08": "The Outlook add-in is allowed and loaded",
    "CAL-09": "The kind of hybrid supports the calendar app",
    "CAL-10": "The middle tier of Teams remembers a failed discovery",
    "PRES-01": "Autodiscover answers for REST",
    "PRES-02": "REST is published",
    "PRES-03": "Long queries reach REST",
    "PRES-04": "The server accepts long queries",
    "PRES-05": "The presence service may use EWS",
    "PRES-06": "No Exchange 2013 stands beside newer servers",
    "PRES-07": "Automatic replies and presence agree",
    "PRES-08": "Extended Protection of REST is as expected",
    "NET-01": "The firewall admits the ranges of the services",
    "NET-02": "The list of ranges is current",
    "NET-03": "No range is admitted that the services gave up",
    "NET-04": "The servers reach the services they need",
    "NET-05": "No device filters by place, pattern or sign-in",
    "VER-01": "Every server is new enough for Teams",
    "VER-02": "Every server is supported",
    "VER-03": "Every server has the latest security update",
    "VER-04": "Every server is new enough for the dedicated application",
    "VER-05": "One generation of Exchange stands behind one name",
    "X-01": "Extended Protection breaks NTLM or bridging",
    "X-02": "The Hybrid Agent publishes the servers",
    "X-03": "Discovery works for others by redirect on port 80, not for Teams",
    "X-04": "A device in front asks for a sign-in",
    "X-05": "TLS 1.2 is off in the operating system",
    "X-06": "The authentication certificate was renewed, its key not uploaded",
    "X-07": "WS-Security is missing, free/busy fails",
    "X-08": "The address is no audience of Exchange's service principal",
    "X-09": "Federation metadata are stale",
    "X-10": "An allow list was switched on by accident",
    "X-11": "A device filters user agents",
    "X-12": "The EWS virtual directory refuses to create items",
    "X-13": "The shared service principal is blocked",
    "X-14": "Presence is stuck because its query is too long",
    "X-15": "Delegator and delegate lie on different sides",
    "X-16": "Exchange Online blocks EWS by policy",
    "X-17": "Names resolve otherwise inside than outside",
    "X-18": "Teams keeps calling a mailbox undiscoverable after the cure",
    "X-19": "The delegator is hidden from address lists",
    "X-20": "Only the legacy partner application is there",
    "MRCA-1": "The account that acts for others cannot create items in the folder",
    "MRCA-2": "The account that acts for others cannot delete items",
    "MRCA-3": "The account that acts for others cannot open the folder",
    "MRCA-4": "The name of AD FS does not resolve",
    "MRCA-5": "AD FS is down or cannot be reached",
    "MRCA-6": "The certificate of AD FS has expired",
    "MRCA-7": "The certificate of AD FS is of another name",
    "MRCA-8": "The certificate of AD FS is not trusted",
    "MRCA-9": "Tokens of AD FS are not accepted",
    "MRCA-10": "The token-signing certificate of AD FS has expired",
    "MRCA-11": "None of the sign-in methods needed is offered",
    "MRCA-12": "The refusal names no sign-in method",
    "MRCA-13": "A sign-in method is offered that clients do not support",
    "MRCA-14": "A virtual directory lets anybody in",
    "MRCA-15": "The server wants TLS where plain HTTP is published (403.4)",
    "MRCA-16": "A proxy denies the address (403)",
    "MRCA-17": "The certificate behind a publishing rule is another one (500)",
    "MRCA-18": "A redirect where an answer is expected",
    "MRCA-19": "An answer where a redirect is expected",
    "MRCA-20": "There is no SRV record",
    "MRCA-21": "A host name does not resolve",
    "MRCA-22": "The connection breaks in mid-answer",
    "MRCA-23": "The certificate is of another name",
    "MRCA-24": "The certificate is not trusted",
    "MRCA-25": "Intermediate certificates are missing",
    "MRCA-26": "The certificate principal name does not match",
    "MRCA-27": "The certificate principal name matches an alternative name only",
    "MRCA-28": "A firewall signs callers in before Exchange",
    "MRCA-29": "A clock is wrong by more than five minutes",
    "MRCA-30": "The EWS address leads to an older server",
    "MRCA-31": "Client and server speak different versions",
    "MRCA-32": "MAPI is not allowed for the mailbox",
    "MRCA-33": "Autodiscover's answer lacks the authentication package",
    "MRCA-34": "Autodiscover's answer lacks the provider EXCH",
    "MRCA-35": "Autodiscover's answer lacks the provider EXPR",
    "MRCA-36": "The Outlook provider of Autodiscover returns an error",
    "MRCA-37": "An answer on availability or automatic replies is no valid XML",
    "MRCA-38": "A name matches nobody in the address list",
    "MRCA-39": "The domain is federated, the user is unknown online",
    "MRCA-40": "The domain is not federated",
    "MRCA-41": "User name, user principal name or password is wrong",
    "MRCA-42": "The service account may not impersonate",
}
"""Row -> what it asks or what failed, in our words."""

BY_NO_SOFTWARE: dict[str, str] = {
    "CAL-10": "What Teams remembers can be asked by nobody: after a cure, wait and look again.",
    "DEL-11": "It leaves no trace that can be read: the checks of delegates find what makes it happen.",
    "OAUTH-13": "Only the server that runs Entra Connect knows its option for Exchange hybrid: look there.",
    "X-18": "What Teams remembers can be asked by nobody: after a cure, wait and look again.",
}
"""Row -> why no program can answer it."""


class Cover(NamedTuple):
    """What answers a row: ``check`` by name; ``cause`` is its slug, "" when the whole check does."""

    check: str
    cause: str = ""

    def __str__(self) -> str:
        return f"{self.check}:{self.cause}" if self.cause else self.check


def rows_of(check: Check) -> frozenset[str]:
    """Every row ``check`` or one of its causes covers."""
    return frozenset((*check.covers, *(row for cause in check.causes for row in cause.covers)))


def covered(checks: Iterable[Check]) -> dict[str, tuple[Cover, ...]]:
    """Every row of the list with the checks and causes that answer it, none for what nobody answers."""
    found: dict[str, list[Cover]] = {row: [] for row in ROWS}
    for check in checks:
        for row in check.covers:
            found.setdefault(row, []).append(Cover(check.name))
        for cause in check.causes:
            for row in cause.covers:
                found.setdefault(row, []).append(Cover(check.name, cause.slug))
    return {row: tuple(covers) for row, covers in found.items()}


def unknown(checks: Iterable[Check]) -> tuple[str, ...]:
    """Rows that checks name and the list does not have, with who names them."""
    return tuple(f"{row} ({', '.join(map(str, covers))})" for row, covers in covered(checks).items() if row not in ROWS)


def open_rows(checks: Iterable[Check]) -> tuple[str, ...]:
    """Rows that neither a check, a cause nor a reason answers."""
    return tuple(row for row, covers in covered(checks).items() if not covers and row not in BY_NO_SOFTWARE)
