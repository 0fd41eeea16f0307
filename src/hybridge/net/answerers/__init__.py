"""Who answers asks: the live network, an offline snapshot, a recorder, and one that asks each thing once."""
