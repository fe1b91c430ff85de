"""Aliases, directories, summaries, upgrades: the ports of `homeserver.rooms.directory` and `homeserver.rooms.upgrade`."""
