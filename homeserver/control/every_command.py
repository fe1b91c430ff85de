"""All commands of the machine's administrator."""

from homeserver.control.commands import AdministratorCommands, Arguments
from homeserver.control.media_commands import MediaCommands


class EveryCommand:
    def __init__(self, people: AdministratorCommands, media: MediaCommands) -> None:
        self._people = people
        self._media = media

    async def has_accounts(self) -> bool:
        return await self._people.has_accounts()

    async def run(self, command: str, arguments: Arguments) -> list[str]:
        """The lines to be printed; raises Refused."""
        return await (self._media if self._media.knows(command) else self._people).run(command, arguments)
