"""How users of other servers come into rooms of this one, and users of this one into theirs: the rooms' part in it (server-server API, "Joining rooms" ff.)."""
