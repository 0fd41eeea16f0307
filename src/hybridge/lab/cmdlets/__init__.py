"""Exchange's cmdlets as functions of an organization: a file per group of nouns, all collected in ``catalogue``."""
