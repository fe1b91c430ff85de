"""All commands of the machine's administrator."""

from homeserver.control.commands import AdministratorCommands, Arguments
from homeserver.control.key_commands import KeyCommands
from homeserver.control.media_commands import MediaCommands
from homeserver.control.report_commands import ReportCommands


class EveryCommand:
    def __init__(self, people: AdministratorCommands, media: MediaCommands, reports: ReportCommands, keys: KeyCommands) -> None:
        self._people = people
        self._others = (media, reports, keys)

    async def has_accounts(self) -> bool:
        return await self._people.has_accounts()

    async def run(self, command: str, arguments: Arguments) -> list[str]:
        """The lines to be printed; raises Refused."""
        for others in self._others:
            if others.knows(command):
                return await others.run(command, arguments)
        return await self._people.run(command, arguments)
