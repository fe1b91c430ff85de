"""How users of this server come into rooms of others: join, knock, leave, invite (server-server API, "Joining rooms" to "Inviting to a room")."""
