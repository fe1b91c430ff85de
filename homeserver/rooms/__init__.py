"""Rooms: their graph, their state, who is in them, and what may be seen of them."""
