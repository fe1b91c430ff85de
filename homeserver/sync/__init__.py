"""What a client has not seen yet: /sync, and what it is made of."""
