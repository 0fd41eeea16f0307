"""Exchange versions: AdminDisplayVersion read, and what a version can do for Teams.

Floors: Autodiscover V2 serves Teams from Exchange 2013 CU19 and Exchange 2016 CU3; the REST API exists, and the Teams
calendar app works, from Exchange 2016 CU3. Sources: Microsoft's article on interaction issues between Teams and
Exchange Server; build numbers from HealthChecker's table.
"""

from __future__ import annotations

from hybridge.wire.ews.envelope import ServerVersion

EXCHANGE_2013_CU19 = ServerVersion(15, 0, 1365, 1)
EXCHANGE_2016_CU3 = ServerVersion(15, 1, 544, 27)


def server_version(admin_display_version: str) -> ServerVersion:
    """The version of "Version 15.2 (Build 2562.37)". Raises ValueError, naming the text, when it is none."""
    version = ServerVersion.read(admin_display_version)
    if version is None:
        raise ValueError(f'"{admin_display_version}" is not an AdminDisplayVersion such as "Version 15.2 (Build 1.2)".')
    return version


def has_autodiscover_v2(version: ServerVersion) -> bool:
    """Whether Autodiscover V2 of this version serves Teams."""
    floor = EXCHANGE_2016_CU3 if (version.major, version.minor) == (15, 1) else EXCHANGE_2013_CU19
    return version >= floor


def has_rest(version: ServerVersion) -> bool:
    """Whether the server has the REST API, and with it what the Teams calendar app needs."""
    return version >= EXCHANGE_2016_CU3
