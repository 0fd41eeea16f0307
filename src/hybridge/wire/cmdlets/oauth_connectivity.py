"""Test-OAuthConnectivity: Exchange's own test whether it gets in at the other organization with OAuth.

It writes one object: the Task, a long Detail (a trace whose end says why it failed), and the ResultType. Its property
IsValid is always true and says nothing. Source: Microsoft's pages on the cmdlet and on OAuth between Exchange and
Exchange Online.
"""

from __future__ import annotations

from hybridge.org.probes import OAuthTestProbe
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.noun import Noun, ask, each, needed
from hybridge.wire.cmdlets.properties import Object, words

KEPT = 6000
"""Characters of the trace that are kept: its end, where the failure is."""

SERVICES = ("EWS", "AutoD", "Generic")


def ask_test_oauth(premises: Premises, target_uri: str, mailbox: str) -> CmdletAsk:
    """Test whether the side ``premises`` gets EWS of the other side at ``target_uri``, for ``mailbox`` of its own."""
    return ask(premises, "Test-OAuthConnectivity", Service="EWS", TargetUri=target_uri, Mailbox=mailbox)


def _read(one: Object, premises: Premises, _: str) -> OAuthTestProbe:
    return OAuthTestProbe(
        premises=premises,
        identity=words(one, "Task") or "Test-OAuthConnectivity",
        result_type=needed(one, "Test-OAuthConnectivity", "ResultType"),
        detail=words(one, "Detail")[-KEPT:],
    )


def _write(record: OAuthTestProbe) -> Object:
    return {
        "ToString": "Microsoft.Exchange.Security.OAuth.ValidationResultNode",
        "Task": record.identity,
        "Detail": record.detail,
        "ResultType": record.result_type,
        "Identity": "Microsoft.Exchange.Security.OAuth.ValidationResultNodeId",
        "IsValid": True,
        "ObjectState": "New",
    }


TEST_OAUTH = Noun(
    cmdlet="Test-OAuthConnectivity",
    record=OAuthTestProbe,
    type_name="Microsoft.Exchange.Security.OAuth.ValidationResultNode",
    marks=("ResultType",),
    foreign=("EwsEnabled",),
    read_all=each(_read),
    write_one=_write,
)
NOUNS = (TEST_OAUTH,)
