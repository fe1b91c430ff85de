"""The rooms two users share, a page at a time (client-server API, "Mutual Rooms"; MSC2666)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from homeserver.errors import InvalidParam

PAGE = 100


class SharedRooms(Protocol):
    """A part of `homeserver.rooms.member_store.MemberStore`."""

    async def shared_rooms(self, user_id: str, other_id: str) -> Sequence[str]:
        """The rooms both are joined to."""


class Page(NamedTuple):
    joined: list[str]
    total: int  # of all pages
    next_batch: str | None


class MutualRooms:
    def __init__(self, rooms: SharedRooms) -> None:
        self._rooms = rooms

    async def page(self, user_id: str, other_id: str, token: str | None) -> Page:
        """Raises InvalidParam for oneself and for a token that was not given out."""
        if user_id == other_id:
            raise InvalidParam("You share all your rooms with yourself")
        after = "" if token is None else _room_of(token)
        shared = sorted(await self._rooms.shared_rooms(user_id, other_id))
        rest = [room_id for room_id in shared if room_id > after]
        joined = rest[:PAGE]
        return Page(joined, len(shared), _token_of(joined[-1]) if len(rest) > PAGE else None)


def _token_of(room_id: str) -> str:
    """The last room of a page: a later page is right whatever rooms came or went meanwhile."""
    return urlsafe_b64encode(room_id.encode()).rstrip(b"=").decode()


def _room_of(token: str) -> str:
    try:
        room_id = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (Error, ValueError) as error:
        raise InvalidParam("The token is not valid") from error
    if not room_id.startswith("!") or _token_of(room_id) != token:
        raise InvalidParam("The token is not valid")
    return room_id
