"""Reports of events, rooms and users, kept for those who moderate."""
