"""The server is killed under load, again and again; what it had acknowledged must be there (RELIABILITY: a 200 means durable)."""
