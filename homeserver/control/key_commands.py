"""The command about this server's own signing key."""

from typing import Any, Protocol

from homeserver.control.errors import Refused
from homeserver.start_up import CannotStart

ROTATE = "rotate-signing-key"


class SigningKeys(Protocol):
    async def rotate(self) -> str:
        """Sign with a new key from now on; its ID. Raises CannotStart when it cannot be written."""


class KeyCommands:
    def __init__(self, keys: SigningKeys) -> None:
        self._keys = keys

    def knows(self, command: str) -> bool:
        return command == ROTATE

    async def run(self, command: str, arguments: dict[str, Any]) -> list[str]:
        try:
            key_id = await self._keys.rotate()
        except CannotStart as error:
            raise Refused(str(error)) from error
        return [f"This server signs with the new key {key_id}. Keep a copy of the key file, the former keys are in it, too."]
