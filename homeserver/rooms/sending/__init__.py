"""What a client's wish has to pass before it becomes an event."""
