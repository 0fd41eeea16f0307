"""Replies of both doors: a page of objects, or a refusal. Both halves.

A page is ``{"@adminapi.warnings": [...], "value": [...], "@odata.nextLink": "..."}``; an object whose cmdlet gives one
may stand alone. A refusal is ``{"error": {"code", "message", "details": [{"message": "|<.NET type>|<text>"}],
"innererror": {"message", "type", "internalexception": {"message"}}}}``; the most telling text is that of the details,
then of the inner exception, then of the error itself.

What the status means: 404 with such a body is an object that does not exist; 401 is a token that is not taken, or
(then the message says "not allowed to call") a role that is missing, as 403 is. Sources: the Admin API's pages, issues
of Microsoft's PowerShell documentation, and public clients.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from hybridge.wire.ask import CmdletAsk, Failure, FailureReason, HttpAnswer
from hybridge.wire.json_body import JsonRefused, json_answer, mapping, objects, read_object, text, texts

NEXT = "@odata.nextLink"
WARNINGS = "@adminapi.warnings"
NOT_FOUND_TYPES = ("ManagementObjectNotFoundException", "UserNotFoundInPermissionEntryException")
"""Exceptions that say: what was asked for does not exist."""
DENIED_TYPES = ("CmdletAccessDeniedException", "CommandNotFoundException", "ParameterBindingException")
"""Exceptions that say: this application may not use the cmdlet or one of its parameters, or there is none."""
_DENIED_WORDS = ("is not allowed to call", "isn't supported in this scenario", "isn't assigned to any management role")
_TYPED = re.compile(r"[^|]*\|([\w.]+)\|(.*)", re.DOTALL)
_LONGEST = 500


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page: ``objects`` without annotations, and the address of the next page, "" for the last."""

    objects: tuple[dict[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    next_link: str = ""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The cmdlet was refused: HTTP ``status``, and what the body says. ``type`` is the .NET exception, "" if unknown.

    ``told`` tells whether the body was an error of these services at all.
    """

    status: int
    code: str = ""
    message: str = ""
    type: str = ""
    told: bool = False

    @property
    def not_found(self) -> bool:
        """Whether the object does not exist."""
        return self.told and not self.denied and (self.status == 404 or self.type.endswith(NOT_FOUND_TYPES))

    @property
    def denied(self) -> bool:
        """Whether the application lacks a permission or a role."""
        words = any(each in self.message for each in _DENIED_WORDS)
        return self.status == 403 or words or self.type.endswith(DENIED_TYPES)


def read_answer(answer: HttpAnswer) -> Page | Refusal | Failure:
    """What a reply says. A Failure when there was none, or when it is no reply of these services."""
    if answer.failure is not None:
        return answer.failure
    if not 200 <= answer.status < 300:
        return _read_refusal(answer)
    if not answer.body.strip():
        return Page()
    try:
        body = read_object(answer.body)
        return _read_page(body)
    except JsonRefused as refused:
        return Failure(
            reason=FailureReason.MALFORMED,
            says=f"Exchange Online's answer cannot be read: {refused}",
            next_step="See whether a proxy or a sign-in page answers in its place.",
        )


def _read_page(body: dict[str, Any]) -> Page:
    found = body.get("value", _without_annotations(body) or [])
    given = [found] if isinstance(found, dict) else found
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise JsonRefused("Its value is no list of objects.")
    link = body.get(NEXT)
    if link is not None and not isinstance(link, str):
        raise JsonRefused("Its link to the next page is no address.")
    return Page(
        objects=tuple(_without_annotations(one) for one in given),
        warnings=tuple(_line(warning) for warning in texts(body.get(WARNINGS))),
        next_link=link or "",
    )


def _without_annotations(one: dict[str, Any]) -> dict[str, Any]:
    """OData writes types and links beside the properties, in names with an at sign."""
    return {name: value for name, value in one.items() if "@" not in name}


def _read_refusal(answer: HttpAnswer) -> Refusal:
    try:
        error = mapping(read_object(answer.body).get("error"))
    except JsonRefused:
        error = {}
    inner = mapping(error.get("innererror"))
    internal = mapping(inner.get("internalexception"))
    details = [text(one.get("message")) for one in objects(error.get("details"))]
    candidates = (*details, text(internal.get("message")), text(inner.get("message")), text(error.get("message")))
    said = next((each for each in candidates if each.strip()), "")
    typed = _TYPED.fullmatch(said)
    return Refusal(
        status=answer.status,
        code=_line(text(error.get("code"))),
        message=_line(typed[2] if typed else said),
        type=_line(typed[1] if typed else text(internal.get("type")) or text(inner.get("type"))),
        told=bool(said),
    )


def _line(words: str) -> str:
    return " ".join(words.split())[:_LONGEST]


def failure_of(refusal: Refusal, cmdlet: CmdletAsk, answer: HttpAnswer) -> Failure | None:
    """Why ``cmdlet`` could not be run at all; None where it ran and reported an error."""
    told = f": {refusal.message}" if refusal.message else ""
    says = f"{cmdlet.name} was refused by Exchange Online (HTTP {refusal.status}){told.rstrip('.')}."
    if refusal.denied:
        return Failure(reason=FailureReason.FORBIDDEN, says=says, next_step=right_for(cmdlet))
    if refusal.status == 401:
        return Failure(
            reason=FailureReason.SIGN_IN,
            says=says,
            next_step=f"Check entra.tenant_id and the application's secret or certificate. {right_for(cmdlet)}",
        )
    if refusal.status == 429 or refusal.status >= 500:
        wait = answer.header("retry-after")
        when = f"in {wait} seconds" if wait.isascii() and wait.isdigit() and len(wait) < 6 else "later"
        return Failure(reason=FailureReason.UNREACHABLE, says=says, next_step=f"Try again {when}.")
    if refusal.told:
        return None
    return Failure(
        reason=FailureReason.MALFORMED,
        says=f"{cmdlet.name} was not run: Exchange Online answered HTTP {refusal.status} without saying why.",
        next_step="Check entra.tenant_id, and whether a proxy answers in Exchange Online's place.",
    )


def right_for(cmdlet: CmdletAsk) -> str:
    """The right to grant so that ``cmdlet`` may be run."""
    if cmdlet.name.lower().startswith("get-"):
        role = "Global Reader, or an Exchange role group with View-Only Recipients"
    else:
        role = "Exchange Administrator, or the Exchange role group Recipient Management"
    return (
        "Grant the application the permission Exchange.ManageAsApp of Office 365 Exchange Online with admin consent, "
        f"and give its service principal the Entra role {role}; {cmdlet.name} needs both."
    )


def write_page(
    shown: Sequence[dict[str, Any]], context: str, warnings: Sequence[str] = (), next_link: str = ""
) -> HttpAnswer:
    """The reply that carries ``shown``; ``context`` is the address of its OData description."""
    body: dict[str, Any] = {"@odata.context": context}
    if warnings:
        body |= {"adminapi.warnings@odata.type": "#Collection(String)", WARNINGS: list(warnings)}
    body["value"] = list(shown)
    if next_link:
        body[NEXT] = next_link
    return json_answer(200, body)


def write_refusal(status: int, code: str, message: str, type_: str = "") -> HttpAnswer:
    """The reply that refuses; ``type_`` is the .NET exception of the cmdlet, "" where none was run."""
    inner: dict[str, Any] = {"message": message, "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException"}
    error: dict[str, Any] = {"code": code, "message": message, "innererror": inner}
    if type_:
        error["message"] = "Error executing cmdlet"
        error["details"] = [{"code": "Context", "target": "", "message": f"|{type_}|{message}"}]
        inner["internalexception"] = {"message": message, "type": type_}
    return json_answer(status, {"error": error})
