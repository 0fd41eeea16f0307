"""What stands between callers and Exchange: checks whose findings explain that nothing, or somebody else, answers."""

EDGE = (
    "network/name-resolution",
    "network/connection",
    "network/publishing",
    "tls/certificate",
    "tls/client-certificate",
    "tls/version",
)
"""For ``explained_by`` of checks that judge answers from outside."""
