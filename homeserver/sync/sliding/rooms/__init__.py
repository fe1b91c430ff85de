"""What a client is told of a room."""
