"""Procedures: published series of steps, carried out as one plan from whatever is there already."""
