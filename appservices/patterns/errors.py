"""What is wrong with an expression."""


class BadPattern(Exception):
    """The message says it in words for whoever wrote the expression."""
