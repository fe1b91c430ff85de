"""What a request to the homeserver may end in."""


class Refused(Exception):
    """The homeserver said no."""

    def __init__(self, status: int, errcode: str, reason: str = "") -> None:
        super().__init__(f"{status} {errcode}")
        self.status = status
        self.errcode = errcode
        self.reason = reason


class BadFile(Exception):
    """Its bytes are not what the message says they are."""


class Unreachable(Exception):
    """It did not answer, or nothing that makes sense."""
