"""The lab on the wire: certificates, name server, listeners, sign-in and the control API, all on loopback.

Nothing here knows what Exchange answers: the apps do. Nothing here knows what a fault is: the control verbs do.
"""
