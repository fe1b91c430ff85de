"""Account data: global and per room, tags, the fully-read marker, sync filters."""
