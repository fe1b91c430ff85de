"""Endpoints that lead beyond Matrix: other networks, other services, calls."""
