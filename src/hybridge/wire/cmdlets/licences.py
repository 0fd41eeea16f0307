"""Get-MgUserLicenseDetail: which services a person is licensed for.

Graph gives one object per licence, each with its service plans. A record holds the plans of one person; a plan that
several licences hold counts as on when any of them has it on. Only ``UserPrincipalName``, which the export adds,
says whose licence it is.
"""

from __future__ import annotations

from hybridge.org.records import ServicePlan, UserLicense
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.noun import Noun, Unreadable, ask
from hybridge.wire.cmdlets.properties import Object, find, items, words


def ask_user_license(user: str) -> CmdletAsk:
    """Get-MgUserLicenseDetail of ``user``."""
    return ask(Premises.ONLINE, "Get-MgUserLicenseDetail", UserId=user)


def read_plans(licences: tuple[Object, ...]) -> tuple[ServicePlan, ...]:
    """The service plans of one person's ``licences``, each once.

    Raises ``Unreadable`` for an export that kept no more of a plan than its text: no plan would be found in it.
    """
    found: dict[str, ServicePlan] = {}
    for one in licences:
        for plan in items(find(one, "ServicePlans")) or []:
            if not isinstance(plan, dict) or not (name := words(plan, "ServicePlanName")):
                raise Unreadable(
                    "The service plans of a licence were cut off: export them with Export-Clixml -Depth 5."
                )
            read = ServicePlan(name=name, provisioning_status=words(plan, "ProvisioningStatus") or "Success")
            known = found.get(name)
            found[name] = known if known is not None and known.on else read
    return tuple(found.values())


def _read_all(objects: tuple[Object, ...], premises: Premises, about: str) -> tuple[UserLicense, ...]:
    people: dict[str, list[Object]] = {}
    for one in objects:
        user = words(one, "UserPrincipalName") or about
        if not user:
            raise Unreadable("An object of Get-MgUserLicenseDetail does not say whose licence it is.")
        people.setdefault(user, []).append(one)
    return tuple(
        UserLicense(premises=premises, identity=user, service_plans=read_plans(tuple(licences)))
        for user, licences in people.items()
    )


def write_licence(record: UserLicense) -> Object:
    """One licence that holds all plans of ``record``."""
    return {
        "UserPrincipalName": record.identity,
        "SkuPartNumber": "SPE_E5",
        "ServicePlans": [
            {
                "ToString": plan.name,
                "ServicePlanName": plan.name,
                "ProvisioningStatus": plan.provisioning_status,
                "AppliesTo": "User",
            }
            for plan in record.service_plans
        ],
    }


USER_LICENSE = Noun(
    cmdlet="Get-MgUserLicenseDetail",
    record=UserLicense,
    type_name="Microsoft.Graph.PowerShell.Models.MicrosoftGraphLicenseDetails",
    marks=("ServicePlans",),
    read_all=_read_all,
    write_one=write_licence,
)
NOUNS = (USER_LICENSE,)
