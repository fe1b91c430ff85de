"""What the liar answers when it is asked."""
