"""What servers really answered: probe records, the input of symptom checks.

They are facts about one exchange of messages, not configuration: they are never planned, changed or compared by undo.
"""

from hybridge.org.probes.autodiscover import AutodiscoverV2Probe, ServerLocationProbe
from hybridge.org.probes.classic_autodiscover import (
    AutodiscoverSoapProbe,
    DiscoveryNameProbe,
    DiscoveryStepProbe,
    MapiProbe,
    PoxProbe,
    PoxProtocol,
)
from hybridge.org.probes.cloud import DeletedApplication, MailboxLocation, TeamsPresence
from hybridge.org.probes.exchange import (
    AuthMetadataProbe,
    BearerChallengeProbe,
    EwsAccessProbe,
    EwsCallerProbe,
    GetDelegateProbe,
    LongQueryProbe,
    OwaVersionProbe,
    RestApiProbe,
)
from hybridge.org.probes.exchange_online import OnlineEwsProbe
from hybridge.org.probes.publishing import PublishedHostProbe, PublishedPathProbe
from hybridge.org.probes.sessions import AvailableCmdlet, GrantedPermissions
from hybridge.org.probes.sharing import (
    AutodiscoverOfferProbe,
    EwsEndpointProbe,
    FreeBusyProbe,
    HealthPageProbe,
    OAuthTestProbe,
)
from hybridge.org.probes.sign_in import FederationServiceProbe, RealmProbe, SigningCertificate, TenantProbe

__all__ = [
    "AuthMetadataProbe",
    "AutodiscoverSoapProbe",
    "AutodiscoverOfferProbe",
    "AutodiscoverV2Probe",
    "AvailableCmdlet",
    "BearerChallengeProbe",
    "DeletedApplication",
    "EwsAccessProbe",
    "DiscoveryNameProbe",
    "DiscoveryStepProbe",
    "EwsCallerProbe",
    "EwsEndpointProbe",
    "FreeBusyProbe",
    "HealthPageProbe",
    "GetDelegateProbe",
    "FederationServiceProbe",
    "GrantedPermissions",
    "LongQueryProbe",
    "MailboxLocation",
    "OnlineEwsProbe",
    "OwaVersionProbe",
    "MapiProbe",
    "PoxProbe",
    "PoxProtocol",
    "PublishedHostProbe",
    "PublishedPathProbe",
    "RealmProbe",
    "OAuthTestProbe",
    "RestApiProbe",
    "ServerLocationProbe",
    "SigningCertificate",
    "TeamsPresence",
    "TenantProbe",
]
