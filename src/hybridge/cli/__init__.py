"""The command line: calls use cases and prints; decides nothing."""
