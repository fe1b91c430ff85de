"""A peer of our own making that lies."""
