"""Finding people: the user directory and mutual rooms."""
