"""The apps of the lab: functions that answer requests to each host, shaped by the wire codecs."""
