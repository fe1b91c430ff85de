"""`make demo`: a server with its assistant, a scripted model and a room to look into, on this machine alone."""
