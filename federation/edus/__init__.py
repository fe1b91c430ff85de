"""What servers tell each other beside events (server-server API, "EDUs")."""
