"""Endpoints below /rooms/{room_id}: what is said in a room and what may be read of it."""
