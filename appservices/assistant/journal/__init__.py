"""What the assistant writes down, in a file of its own: IDs, times and counts; text only of what still waits for an approval."""
