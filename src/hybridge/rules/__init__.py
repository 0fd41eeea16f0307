"""What is true of Exchange and Microsoft 365 at a date: builds, callers, address ranges, deadlines, application ids.

Everything here ages. It lies in data files, each with the day it was true (``as_of``) and where it is from; a newer
file of the user's wins over the one that came with hybridge, and a report says how old its rules are.
"""

from hybridge.rules.builds import Build, Builds, Line, Version, version_of
from hybridge.rules.endpoints import Endpoints, EndpointSet, Instance
from hybridge.rules.load import RulesProblem, built_in, load, read_file, write_file
from hybridge.rules.model import Application, Applications, Callers, Retirement, Rules, RulesAge

CALLERS = built_in().callers.callers
"""The callers hybridge came with. Checks take those of ``Evidence.rules``, which may be newer."""

__all__ = [
    "CALLERS",
    "Application",
    "Applications",
    "Build",
    "Builds",
    "Callers",
    "EndpointSet",
    "Endpoints",
    "Instance",
    "Line",
    "Retirement",
    "Rules",
    "RulesAge",
    "RulesProblem",
    "Version",
    "built_in",
    "load",
    "read_file",
    "version_of",
    "write_file",
]
