"""What the administrator of the machine asks of this server by the command line: while it runs through a socket in the data directory."""
