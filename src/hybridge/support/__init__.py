"""The bundle for a support case: what it holds, where logs lie, and what never leaves."""
