"""Hands: each writes the records of one service. ``script`` prints what they would do."""
