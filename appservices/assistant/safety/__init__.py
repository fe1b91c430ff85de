"""What keeps other people's text from becoming orders, and answers from becoming traps."""
