"""Where a thing lives."""

from enum import StrEnum


class Premises(StrEnum):
    """The side of a hybrid organization a record belongs to."""

    ON_PREMISES = "on-premises"
    ONLINE = "online"
