"""What belongs to one mailbox: calendar permissions, delegates, automatic replies.

Exchange prints these objects without the mailbox's address: the reader takes it from the ask (``about``), or from a
property ``Mailbox``, which the export commands hybridge prints add.
"""

from __future__ import annotations

from hybridge.org.records import DelegateUser, MailboxFolderPermission, MailboxFolderStatistics, UserOofSettings
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.noun import Noun, Unreadable, ask, defaulted, each, needed
from hybridge.wire.cmdlets.properties import Object, address_of, directory_object, find, instant, name_of, texts, words


def ask_mailbox_folder_permission(premises: Premises, mailbox: str, folder: str = "Calendar") -> CmdletAsk:
    """Get-MailboxFolderPermission of one folder; the calendar's name may be localized ("Kalender")."""
    return ask(premises, "Get-MailboxFolderPermission", Identity=f"{mailbox}:\\{folder}")


def ask_mailbox_folder_statistics(premises: Premises, mailbox: str) -> CmdletAsk:
    """Get-MailboxFolderStatistics of the calendars of ``mailbox``: the one way to learn what its calendar is called."""
    return ask(premises, "Get-MailboxFolderStatistics", Identity=mailbox, FolderScope="Calendar")


def ask_user_oof_settings(premises: Premises, mailbox: str) -> CmdletAsk:
    """Get-MailboxAutoReplyConfiguration of ``mailbox``."""
    return ask(premises, "Get-MailboxAutoReplyConfiguration", Identity=mailbox)


def folder_of(identity: str) -> tuple[str, str]:
    """Mailbox and folder of an identity such as "ada@contoso.com:\\Calendar"; a part that is missing is ""."""
    mailbox, colon, folder = identity.partition(":\\")
    return (mailbox, folder) if colon else (identity, "")


def mailbox_of(one: Object, about: str) -> str:
    """The mailbox an object belongs to, from its property ``Mailbox`` or from what the ask named; "" if unknown."""
    named = find(one, "Mailbox")
    return address_of(named) if named is not None else folder_of(about)[0]


def _read_permission(one: Object, premises: Premises, about: str) -> MailboxFolderPermission:
    mailbox = mailbox_of(one, about)
    if not mailbox:
        raise Unreadable("An object of Get-MailboxFolderPermission does not say which mailbox it belongs to.")
    folder = words(one, "FolderName") or folder_of(about)[1] or "Calendar"
    user = words(one, "UserPrimarySmtpAddress") or address_of(find(one, "User", "Identity"))
    if not user:
        raise Unreadable(f"A permission on {mailbox}:\\{folder} names no user.")
    return MailboxFolderPermission(
        premises=premises,
        identity=f"{mailbox}:\\{folder}/{user}",
        mailbox=mailbox,
        folder=folder,
        user=user,
        access_rights=texts(one, "AccessRights") or (),
        sharing_permission_flags=_flags(one) if premises is Premises.ONLINE else (),
    )


def _flags(one: Object) -> tuple[str, ...]:
    """SharingPermissionFlags: one text with commas, or a list; "None" is no flag."""
    words_of = (word.strip() for text in texts(one, "SharingPermissionFlags") or () for word in text.split(","))
    flags = tuple(word for word in words_of if word and word.lower() not in ("none", "0"))
    if any(flag.isdecimal() for flag in flags):
        raise Unreadable("SharingPermissionFlags is a number: export with Export-Clixml, which keeps the words.")
    return flags


def _write_permission(record: MailboxFolderPermission) -> Object:
    kind = record.user if record.user in ("Default", "Anonymous") else "Internal"
    return {
        "ToString": record.user,
        "FolderName": record.folder,
        "User": {"UserType": kind, "DisplayName": record.user, "ToString": record.user},
        "AccessRights": list(record.access_rights),
        **_write_flags(record),
        "Identity": record.user,
        "IsValid": True,
    }


def _write_flags(record: MailboxFolderPermission) -> Object:
    if record.premises is not Premises.ONLINE:
        return {}
    return {"SharingPermissionFlags": ", ".join(record.sharing_permission_flags) or None}


def read_delegate_flags(objects: tuple[Object, ...], premises: Premises, about: str = "") -> tuple[DelegateUser, ...]:
    """Delegates that Exchange Online shows in the SharingPermissionFlags of Get-MailboxFolderPermission.

    Exchange Server prints no such flags: there the delegates come from EWS GetDelegate alone. Flags do not tell who
    receives copies of meeting messages. Objects whose mailbox is unknown are skipped.
    """
    found = []
    for one in objects:
        flags = set(_flags(one))
        mailbox, user = mailbox_of(one, about), words(one, "UserPrimarySmtpAddress") or address_of(find(one, "User"))
        if "Delegate" in flags and mailbox:
            found.append(
                DelegateUser(
                    premises=premises,
                    identity=f"{mailbox}/{user}",
                    delegator=mailbox,
                    delegate=user,
                    view_private_items="CanViewPrivateItems" in flags,
                )
            )
    return tuple(found)


def _read_statistics(one: Object, premises: Premises, about: str) -> MailboxFolderStatistics:
    mailbox = mailbox_of(one, about)
    name = words(one, "Name") or needed(one, "Get-MailboxFolderStatistics", "FolderPath").rpartition("/")[2]
    if not mailbox:
        raise Unreadable("An object of Get-MailboxFolderStatistics does not say which mailbox it belongs to.")
    return MailboxFolderStatistics(
        premises=premises,
        identity=f"{mailbox}:\\{name}",
        mailbox=mailbox,
        name=name,
        folder_type=words(one, "FolderType"),
    )


def _write_statistics(record: MailboxFolderStatistics) -> Object:
    return {
        "ToString": record.name,
        "Name": record.name,
        "Identity": f"{record.mailbox}\\{record.name}",
        "FolderPath": f"/{record.name}",
        "FolderType": record.folder_type,
    }


def _read_delegate(one: Object, premises: Premises, about: str) -> DelegateUser:
    delegator = words(one, "Delegator") or folder_of(about)[0]
    if not delegator:
        raise Unreadable("An object of GetDelegate does not say whose delegate it is.")
    delegate = needed(one, "GetDelegate", "Delegate", "PrimarySmtpAddress")
    return DelegateUser(
        premises=premises,
        identity=f"{delegator}/{delegate}",
        delegator=delegator,
        delegate=delegate,
        receive_copies_of_meeting_messages=defaulted(one, "ReceiveCopiesOfMeetingMessages", False),
        view_private_items=defaulted(one, "ViewPrivateItems", False),
    )


def _write_delegate(record: DelegateUser) -> Object:
    return {
        "Delegator": record.delegator,
        "Delegate": record.delegate,
        "ReceiveCopiesOfMeetingMessages": record.receive_copies_of_meeting_messages,
        "ViewPrivateItems": record.view_private_items,
    }


def _read_oof(one: Object, premises: Premises, about: str) -> UserOofSettings:
    mailbox = mailbox_of(one, about) or words(one, "PrimarySmtpAddress")
    identity = mailbox or name_of(find(one, "Identity", "MailboxOwnerId"))
    if not identity:
        raise Unreadable("An object of Get-MailboxAutoReplyConfiguration does not say which mailbox it belongs to.")
    return UserOofSettings(
        premises=premises,
        identity=identity,
        oof_state=words(one, "AutoReplyState") or "Disabled",
        start_at=instant(one, "StartTime"),
        end_at=instant(one, "EndTime"),
    )


def _write_oof(record: UserOofSettings) -> Object:
    owner = directory_object(record.identity)
    return {
        "AutoReplyState": record.oof_state,
        "StartTime": record.start_at,
        "EndTime": record.end_at,
        "ExternalAudience": "None",
        "MailboxOwnerId": owner,
        "Identity": owner,
    }


MAILBOX_FOLDER_PERMISSION = Noun(
    cmdlet="Get-MailboxFolderPermission",
    record=MailboxFolderPermission,
    type_name="Microsoft.Exchange.Management.StoreTasks.MailboxFolderPermission",
    marks=("AccessRights",),
    foreign=("Deny", "InheritanceType"),
    read_all=each(_read_permission),
    write_one=_write_permission,
)
DELEGATE_USER = Noun(
    cmdlet="Get-Delegate",
    record=DelegateUser,
    type_name="Hybridge.DelegateUser",
    marks=("Delegate",),
    read_all=each(_read_delegate),
    write_one=_write_delegate,
)
USER_OOF_SETTINGS = Noun(
    cmdlet="Get-MailboxAutoReplyConfiguration",
    record=UserOofSettings,
    type_name="Microsoft.Exchange.Data.Storage.Management.MailboxAutoReplyConfiguration",
    marks=("AutoReplyState",),
    read_all=each(_read_oof),
    write_one=_write_oof,
)
MAILBOX_FOLDER_STATISTICS = Noun(
    cmdlet="Get-MailboxFolderStatistics",
    record=MailboxFolderStatistics,
    type_name="Microsoft.Exchange.Management.Tasks.MailboxFolderConfiguration",
    marks=("FolderType", "FolderPath"),
    read_all=each(_read_statistics),
    write_one=_write_statistics,
)
NOUNS = (MAILBOX_FOLDER_STATISTICS, MAILBOX_FOLDER_PERMISSION, DELEGATE_USER, USER_OOF_SETTINGS)
