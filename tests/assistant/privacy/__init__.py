"""What is kept of what people said: nothing."""
