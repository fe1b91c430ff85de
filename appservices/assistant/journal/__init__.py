"""What the assistant writes down, in a file of its own: IDs, times and counts, never texts."""
