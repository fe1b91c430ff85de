"""The servers that take part in a room, and what each of them may see."""
