"""Where presence goes: a file per sink."""
