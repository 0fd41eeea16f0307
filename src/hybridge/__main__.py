"""``python -m hybridge`` is the command line."""

from hybridge.cli.main import main

main()
