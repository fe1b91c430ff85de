"""Trees of rooms: spaces and what they hold."""
