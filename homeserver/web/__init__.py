"""The HTTP edge: the only home of sockets and of the answers' outer form."""
