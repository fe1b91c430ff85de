"""What tasks, meetings and categories are in a room, for the skills and tools that deal with them."""
