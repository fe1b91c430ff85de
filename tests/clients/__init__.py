"""Real clients over real sockets, against the server as a process of its own, on every storage driver."""
