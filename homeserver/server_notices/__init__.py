"""What the administrators of the server tell its users, each in a room of one's own."""
