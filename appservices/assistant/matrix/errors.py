"""What a request to the homeserver may end in."""


class Refused(Exception):
    """The homeserver said no."""

    def __init__(self, status: int, errcode: str, reason: str = "") -> None:
        super().__init__(f"{status} {errcode}")
        self.status = status
        self.errcode = errcode
        self.reason = reason


class CannotEncrypt(Refused):
    """Then nothing is sent, least of all in plain text. The reason is for the log and holds no text of the room."""

    def __init__(self, reason: str) -> None:
        super().__init__(0, "CANNOT_ENCRYPT", reason)

    def __str__(self) -> str:
        return self.reason


class BadFile(Exception):
    """Its bytes are not what the message says they are."""


class Unreachable(Exception):
    """It did not answer, or nothing that makes sense."""


class NotNow(Unreachable):
    """It, or what stands before it, said again and again that it cannot answer at present."""
