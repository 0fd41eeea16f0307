"""Application ids of Exchange and Teams services, and what each may do on-premises.

Sources: Microsoft's page on OAuth between Teams and Exchange Server (editions of 2025), the Teams and Exchange
troubleshooting article, and HealthChecker's hybrid analyser.
"""

EXCHANGE_ONLINE = "00000002-0000-0ff1-ce00-000000000000"
"""Office 365 Exchange Online; also the service name Exchange Server gives itself in its Bearer challenge."""

SKYPE_FOR_BUSINESS_ONLINE = "00000004-0000-0ff1-ce00-000000000000"
"""The legacy application of the scheduler; still used by out-of-office voicemail greetings. Never deleted by us."""

TEAMS_SCHEDULER = "7557eb47-c689-4224-abcf-aef9bd7573df"
"""Teams Calendar Scheduler Service."""

CLOUD_VOICEMAIL = "db7de2b5-2149-435e-8043-e080dd50afae"
"""Cloud Voicemail."""

ACCESS_CONTROL_SERVICE = "00000001-0000-0000-c000-000000000000"
"""The token issuer Exchange Server trusts; appears in trusted_issuers as <this>@<tenant id>."""

TEAMS_CALENDAR_APP = "ef56c0de-36fc-4ef8-b417-3d82ba9d073c"
"""The Teams calendar app, pinned by app setup policies."""

TEAMS_PAIR = {TEAMS_SCHEDULER: "TeamsScheduler", CLOUD_VOICEMAIL: "CloudVoicemail"}
"""Partner applications of today's procedure: application id -> the name the procedure gives it."""

KEY_HOLDERS = (TEAMS_SCHEDULER, CLOUD_VOICEMAIL, SKYPE_FOR_BUSINESS_ONLINE)
"""Service principals that must hold the public part of the Exchange authentication certificate."""

INTEGRATION_ACCOUNT = "TeamsIntegration-ApplicationAccount"
"""Name of the hidden mail user both partner applications are linked to."""

INTEGRATION_ROLE = "TeamsIntegrationRole"
"""Name of the custom management role of that account."""

INTEGRATION_ROLE_PARENT = "UserApplication"

INTEGRATION_ROLE_ENTRIES = (
    "GetDelegate",
    "FindItem",
    "GetUserOofSettings",
    "DeleteItem",
    "UpdateItem",
    "GetAttachment",
    "ConvertId",
)
"""The only role entries the custom role keeps."""

LEGACY_NAME = "SfBOnline"
"""Name the older editions of the procedure give the partner application of Skype for Business Online."""

LEGACY_ACCOUNT = "SfBOnline-ApplicationAccount"
"""Name of the mail user the older editions link that application to."""

FIRST_EDITION_ACCOUNT = "TeamsScheduler-ApplicationAccount"
"""Name of the mail user the first edition with dedicated applications (June 2025) links the scheduler to."""

ARCHIVE_ROLE = "ArchiveApplication"
"""Built-in role the older editions assign beside ``UserApplication``; scheduling does not need it."""
