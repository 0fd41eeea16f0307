"""Where the logs lie that a support engineer asks for, and how to get them. hybridge reads none of them by itself.

Sources: Microsoft's article on Teams and Exchange integration (what to collect), its page on log files of Teams, and
Exchange's own log folders.
"""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """One log: ``what`` it is, on ``whose`` machine, the ``path``, and ``how`` to make or find it."""

    what: str
    whose: str
    path: str
    how: str = ""


PLACES = (
    Place(
        "Teams client, new",
        "the delegate's PC",
        r"%LocalAppData%\Packages\MSTeams_8wekyb3d8bbwe\LocalCache\Microsoft\MSTeams\Logs",
        "Files MSTeams_*.log. Press Ctrl+Alt+Shift+1 after the failure; what it collects lands in "
        r"%userprofile%\Downloads.",
    ),
    Place(
        "Teams client, classic",
        "the delegate's PC",
        r"%appdata%\Microsoft\Teams\logs.txt",
        "Press Ctrl+Alt+Shift+1 after the failure: the folder 'MSTeams Diagnostics Log <date>' appears in "
        r"%userprofile%\Downloads.",
    ),
    Place(
        "Teams client, Mac",
        "the delegate's Mac",
        "~/Downloads",
        "Press Option+Command+Shift+1 after the failure: the folder 'MSTeams Diagnostics Log <date>' appears there.",
    ),
    Place(
        "Teams Meeting add-in for Outlook, with new Teams",
        "the delegate's PC",
        r"%LocalAppData%\Microsoft\Teams\meeting-addin",
        r"The add-in itself lies in %LocalAppData%\Microsoft\TeamsMeetingAddin\<version>: tell its version.",
    ),
    Place(
        "Teams Meeting add-in for Outlook, with classic Teams",
        "the delegate's PC",
        r"%appdata%\Microsoft\Teams\meeting-addin",
    ),
    Place(
        "Exchange, proxy of every protocol",
        "each Exchange server",
        r"%ExchangeInstallPath%Logging\HttpProxy\Autodiscover, ...\HttpProxy\Ews, ...\HttpProxy\Rest",
        "Lines of the time of the failure; look for the request ids below and for the user agents of Teams.",
    ),
    Place(
        "Exchange, back end",
        "each Exchange server",
        r"%ExchangeInstallPath%Logging\Autodiscover, ...\Logging\Ews",
    ),
    Place(
        "IIS",
        "each Exchange server",
        r"%SystemDrive%\inetpub\logs\LogFiles\W3SVC1 (front end), ...\W3SVC2 (back end)",
        "Keep time, status, sub-status, Windows status, user agent and request id.",
    ),
    Place("HTTP.sys errors", "each Exchange server", r"%SystemRoot%\System32\LogFiles\HTTPERR"),
)
