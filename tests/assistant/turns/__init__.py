"""Turns, from the request to all that is to be seen of it."""
