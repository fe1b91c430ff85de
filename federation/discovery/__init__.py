"""From the name of a server to a connection with it."""
