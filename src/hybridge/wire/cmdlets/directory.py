"""Get-Recipient: whoever can get mail, groups included."""

from __future__ import annotations

from hybridge.org.records import Recipient
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.noun import Noun, ask_one_or_all, each, needed
from hybridge.wire.cmdlets.properties import Object, directory_object, words


def ask_recipient(premises: Premises, identity: str) -> CmdletAsk:
    """Get-Recipient named ``identity``: an address, a name or a directory name."""
    return ask_one_or_all(premises, "Get-Recipient", identity)


def _read_recipient(one: Object, premises: Premises, _: str) -> Recipient:
    return Recipient(
        premises=premises,
        identity=words(one, "PrimarySmtpAddress") or needed(one, "Get-Recipient", "Name", "Identity"),
        name=words(one, "Name"),
        display_name=words(one, "DisplayName"),
        recipient_type_details=words(one, "RecipientTypeDetails"),
    )


def _write_recipient(record: Recipient) -> Object:
    name = record.name or record.display_name or record.identity
    return {
        "ToString": name,
        "Name": name,
        "Identity": directory_object(name),
        "PrimarySmtpAddress": record.identity,
        "DisplayName": record.display_name,
        "RecipientType": record.recipient_type_details,
        "RecipientTypeDetails": record.recipient_type_details,
    }


RECIPIENT = Noun(
    cmdlet="Get-Recipient",
    record=Recipient,
    type_name="Microsoft.Exchange.Data.Directory.Management.ReducedRecipient",
    marks=("RecipientTypeDetails", "RecipientType"),
    read_all=each(_read_recipient),
    write_one=_write_recipient,
)
NOUNS = (RECIPIENT,)
