"""Connections: what each client was told."""
