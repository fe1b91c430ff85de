"""What this server asks of others for its own users: rooms, names, profiles, files."""
