"""What goes wrong in this wing. What its callers are told stands in `homeserver.errors`."""


class BadRegistration(Exception):
    """One clear line for the administrator: the file, the key in it and what is wrong there."""


class CannotReach(Exception):
    """No answer came from the application service; the message says why, for the log."""


class TooSlow(CannotReach):
    """It took too long."""
