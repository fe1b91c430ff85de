"""Backups of message keys on the server (client-server API, "Server-side key backups")."""
