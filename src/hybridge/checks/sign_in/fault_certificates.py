"""Public certificates the faults of federation put in place of the right one; nobody has their keys."""

from base64 import b64decode

OTHER = b64decode(
    "MIIBUjCB+KADAgECAhRdt7wohj7k3ij8Y3QBbA73xxZSXjAKBggqhkjOPQQDAjApMScwJQYDVQQDDB5BREZTIFNpZ25pbmcgLSBz"
    "dHMuY29udG9zby5jb20wHhcNMjUwMTAxMDAwMDAwWhcNNDYwMTAxMDAwMDAwWjApMScwJQYDVQQDDB5BREZTIFNpZ25pbmcgLSBz"
    "dHMuY29udG9zby5jb20wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATrPIU6U/2Ly6GafcXCQdIn1m+aii0DJ7Eq6ZAoaxqTf6Na"
    "1RkGtPwTV3V00I+rx6pTIcmL3fbenla+MyM6NI+XMAoGCCqGSM49BAMCA0kAMEYCIQDCfgBweh5W9bG/UPMvsU7JQCTrf4Q1tmva"
    "sh4EV3vWIAIhAN2esKF5bk5dCSMV56gLy5wynEGsnYE3Z+yvwg4EFoAY"
)
"""A certificate of the same name the domain does not know, from 2025 to 2046."""

OLD = b64decode(
    "MIIBUDCB+KADAgECAhRT2Km0zWrjpGt8J6vbeyNuheUDWzAKBggqhkjOPQQDAjApMScwJQYDVQQDDB5BREZTIFNpZ25pbmcgLSBz"
    "dHMuY29udG9zby5jb20wHhcNMjMwMTAxMDAwMDAwWhcNMjUwMTAxMDAwMDAwWjApMScwJQYDVQQDDB5BREZTIFNpZ25pbmcgLSBz"
    "dHMuY29udG9zby5jb20wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATFqJB7F9RrcgxKOKIcMBVQPvoRO81uUHgSeEBiy1qS62g8"
    "V62ExNJRgyF8tMW6ujh+KigPXW5FgP0o+S8ZrBHbMAoGCCqGSM49BAMCA0cAMEQCIDzyIH1CA+tLcVPJaUorGgxA8FSBLcCLGnTo"
    "gVpZb1cxAiBYlBNR5v9vAQa+ivCqyuaQLqp1iq+1GDOFmqsPt8Vgxw=="
)
"""One that has expired, from 2023 to 2025."""
