"""Public keys of servers: checked, asked for, and those of this server."""
