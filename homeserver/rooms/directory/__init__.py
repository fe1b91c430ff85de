"""Finding rooms: aliases, the published directory, summaries, spaces."""
