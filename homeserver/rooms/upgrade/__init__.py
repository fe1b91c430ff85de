"""A room made anew in another version, with all that moves along."""
