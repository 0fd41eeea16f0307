"""Plans cures, shows them, makes them, takes them back: ``planner``, ``what_if``, ``executor``, ``journal``."""
