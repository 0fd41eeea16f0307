"""The presence gateway: calendars and automatic replies become presence."""
