"""Which rooms the model may see: encrypted ones only where it runs on machines of ours, or where the settings say so."""

from typing import Final, Protocol

from appservices.assistant.settings import Settings

REFUSED: Final = (
    "This room is encrypted, and the language model is run elsewhere: I do not use it here, unless whoever runs me allows that. "
    "All that needs no model works."
)
_LEAVES: Final = "This room is encrypted; what I send to the model leaves it."
_STAYS: Final = "This room is encrypted, and so is what I say; the model runs where I do, and sees it in plain text."


class Rooms(Protocol):
    async def is_encrypted(self, room: str) -> bool: ...


class Privacy:
    def __init__(self, settings: Settings, rooms: Rooms) -> None:
        self._model = settings.model
        self._is_allowed = settings.hosted_model_in_encrypted_rooms or not settings.model.is_hosted
        self._rooms = rooms

    async def forbids(self, room: str) -> bool:
        """Raises Refused, Unreachable."""
        return not self._is_allowed and await self._rooms.is_encrypted(room)

    async def words(self, room: str) -> str:
        """For those in the room; nothing where it is plain. Raises Refused, Unreachable."""
        if not self._model.is_there or not await self._rooms.is_encrypted(room):
            return ""
        if not self._is_allowed:
            return REFUSED
        return _LEAVES if self._model.is_hosted else _STAYS
