"""Finds why things do not work: use cases over collectors and checks."""
