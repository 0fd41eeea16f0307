"""hybridge: finds why Exchange and Microsoft Teams do not work together, and cures it with an undo."""

__version__ = "0.1.0"
