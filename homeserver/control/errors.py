"""Why a command has no result."""


class Refused(Exception):
    """The command cannot be carried out; the message is for the person who gave it."""


class NobodyThere(Exception):
    """No server runs on this data directory."""


class NoAnswer(Exception):
    """A server runs, and did not answer."""
