"""The server half of remote PowerShell: WS-Management in SOAP outside, the PowerShell Remoting Protocol inside.

``wsman`` reads and writes the envelopes, ``shells`` keeps a session's state around psrpcore's server half,
``pipelines`` turns one pipeline into a cmdlet and its outcome into messages, ``objects`` and ``errors`` make the .NET
objects, and ``endpoint`` is the one thing a listener needs. Nothing here opens a socket, and nothing is shared with the
product's own client (``hybridge.net.powershell``): the two check each other.
"""
