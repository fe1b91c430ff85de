"""matrix-nio."""
