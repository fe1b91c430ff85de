"""Both kinds of sync."""
