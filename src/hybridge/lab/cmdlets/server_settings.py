"""What the lab's servers are set to: a command an administrator published into the session, for no cmdlet shows it."""

from __future__ import annotations

from hybridge.lab.cmdlets.base import IDENTITY, Call, Result, cmdlet
from hybridge.lab.cmdlets.identities import search
from hybridge.org import records as r


@cmdlet(r.ServerSettings.cmdlet, IDENTITY)
def get_server_settings(call: Call) -> Result:
    """Files and registry of every server, or of one."""
    return Result(search(call, r.ServerSettings, call.text("Identity")))


CMDLETS = (get_server_settings,)
