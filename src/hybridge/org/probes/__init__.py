"""What servers really answered: probe records, the input of symptom checks.

They are facts about one exchange of messages, not configuration: they are never planned, changed or compared by undo.
"""

from hybridge.org.probes.autodiscover import AutodiscoverV2Probe, ServerLocationProbe
from hybridge.org.probes.cloud import DeletedApplication, MailboxLocation, TeamsPresence
from hybridge.org.probes.exchange import AuthMetadataProbe, BearerChallengeProbe, EwsCallerProbe, RestApiProbe
from hybridge.org.probes.sessions import AvailableCmdlet, GrantedPermissions

__all__ = [
    "AuthMetadataProbe",
    "AutodiscoverV2Probe",
    "AvailableCmdlet",
    "BearerChallengeProbe",
    "DeletedApplication",
    "EwsCallerProbe",
    "GrantedPermissions",
    "MailboxLocation",
    "RestApiProbe",
    "ServerLocationProbe",
    "TeamsPresence",
]
