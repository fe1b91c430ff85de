"""Why a command could not be carried out."""


class Failed(Exception):
    """The message is for the person who gave it, a line or a few; nothing more is to be said."""
