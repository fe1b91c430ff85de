"""A user's devices: what the list shows, and when each was last seen."""
