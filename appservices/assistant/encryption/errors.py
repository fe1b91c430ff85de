"""What may keep the assistant from speaking or reading in an encrypted room."""

from appservices.assistant.matrix.errors import Refused


class CannotEncrypt(Refused):
    """Then nothing is sent, least of all in plain text. The reason is for the log and holds no text of the room."""

    def __init__(self, reason: str) -> None:
        super().__init__(0, "CANNOT_ENCRYPT", reason)

    def __str__(self) -> str:
        return self.reason
