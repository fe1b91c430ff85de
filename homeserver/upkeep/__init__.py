"""What is past is removed in the background."""
