"""What the liar asks, and in whose name."""
