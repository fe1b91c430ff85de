"""What may be seen of a room, and the form in which it goes out."""
