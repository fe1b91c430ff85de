"""Sending into rooms and reading them, through the client API."""
