"""The commands about files. They are named by their mxc:// address, or all at once by who has uploaded them."""

from collections.abc import Awaitable, Callable
from time import gmtime, strftime
from typing import Any

from homeserver.accounts.accounts import Accounts
from homeserver.control.errors import Refused
from homeserver.errors import MatrixError
from homeserver.media.names import check_media_id
from homeserver.media.removal import Removal
from homeserver.media.store import MediaRecord, MediaStore

PAGE = 500
BY = "the command line"
Arguments = dict[str, Any]


class MediaCommands:
    def __init__(self, removal: Removal, store: MediaStore, accounts: Accounts, server_name: str) -> None:
        self._removal = removal
        self._store = store
        self._accounts = accounts
        self._server_name = server_name
        self._table: dict[str, Callable[[Arguments], Awaitable[list[str]]]] = {
            "list-media": self._list,
            "quarantine-media": self._quarantine,
            "delete-media": self._delete,
        }

    def knows(self, command: str) -> bool:
        return command in self._table

    async def run(self, command: str, arguments: Arguments) -> list[str]:
        try:
            return await self._table[command](arguments)
        except MatrixError as error:
            raise Refused(error.message) from error

    async def _list(self, arguments: Arguments) -> list[str]:
        user_id, lines = await self._somebody(arguments["name"]), list[str]()
        while page := await self._store.listed(user_id, len(lines), PAGE, newest_first=False):
            lines += map(_line, page)
        return lines

    async def _quarantine(self, arguments: Arguments) -> list[str]:
        release = arguments["no"]
        if arguments["of"] is None:
            origin, media_id = _parts(arguments["address"])
            if release:
                await self._removal.release(origin, media_id)
            else:
                await self._removal.quarantine(origin, media_id, BY)
            return [f"{arguments['address']} is {'served again' if release else 'served to nobody'}, and so are the same bytes elsewhere."]
        user_id = await self._somebody(arguments["of"])
        count = await (self._removal.release_of_user(user_id) if release else self._removal.quarantine_of_user(user_id, BY))
        return [f"{count} uploads of {user_id} are {'served again' if release else 'served to nobody'}."]

    async def _delete(self, arguments: Arguments) -> list[str]:
        if arguments["of"] is None:
            await self._removal.delete(*_parts(arguments["address"]))
            return [f"{arguments['address']} has been deleted."]
        user_id = await self._somebody(arguments["of"])
        return [f"{await self._removal.delete_of_user(user_id)} uploads of {user_id} have been deleted."]

    async def _somebody(self, name: str) -> str:
        """The user of that name, deactivated or not. Raises NotFound."""
        user_id = name if name.startswith("@") else f"@{name}:{self._server_name}"
        if user_id.partition(":")[2] != self._server_name:
            raise Refused(f"{name} is no user of this server, {self._server_name}")
        await self._accounts.require(user_id)
        return user_id


def _parts(address: str) -> tuple[str, str]:
    origin, slash, media_id = address.removeprefix("mxc://").partition("/")
    if not slash or not origin:
        raise Refused(f"{address} is no address of a file: mxc://example.org/AbCd")
    return origin, check_media_id(media_id)


def _line(record: MediaRecord) -> str:
    words = [strftime("%Y-%m-%d", gmtime(record.created_ts // 1000))]
    words += ["announced"] if record.digest is None else [record.content_type, f"{record.size} bytes"]
    words += ["in quarantine"] if record.quarantined else []
    return f"mxc://{record.origin}/{record.media_id}  {', '.join(words)}{f'  {record.file_name}' if record.file_name else ''}"
