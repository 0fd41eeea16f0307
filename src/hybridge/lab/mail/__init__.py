"""Mailboxes that live: items, series, invitations, and who is told of what changes."""
