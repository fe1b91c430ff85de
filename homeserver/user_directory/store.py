"""What the user directory asks of the storage, and the records that travel."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class Listed(NamedTuple):
    """One user of the directory."""

    user_id: str
    displayname: str | None
    avatar_url: str | None


class Person(NamedTuple):
    """What is known of somebody who may be listed: an account of this server, or someone joined to a room here.

    Names are those that everybody may see: from the profile, or from a room that anyone may join or read.
    """

    user_id: str
    displayname: str | None
    avatar_url: str | None


class Affected(NamedTuple):
    """Whom and what a span of the stream concerns."""

    user_ids: set[str]
    room_nums: set[int]


class Openness(NamedTuple):
    """The contents of a room's m.room.join_rules and m.room.history_visibility."""

    join_rules: Mapping[str, Any]
    history_visibility: Mapping[str, Any]


class Query(NamedTuple):
    """`words` are case-folded parts of search texts, all of which must occur; `server` is the beginning of the server's name, often empty."""

    words: tuple[str, ...]
    server: str
    limit: int


class DirectoryStore(Protocol):
    async def position(self) -> int:
        """Up to where the directory has followed the stream; 0 at first."""

    async def affected(self, since: int, until: int) -> Affected:
        """By memberships, join rules, history visibilities and profiles that changed in between."""

    async def unlisted(self) -> set[str]:
        """Accounts that should be listed and are not, and listed ones that are no longer active."""

    async def strangers(self, room_id: str) -> set[str]:
        """Users of other servers who came with the room when the first of this server joined it, and are not listed yet."""

    async def room_num(self, room_id: str) -> int | None: ...

    async def openness(self, room_num: int) -> Openness: ...

    async def set_open(self, room_num: int, is_open: bool) -> set[str] | None:
        """Remember whether anyone may join or read the room. None: it was so before; otherwise the users of other servers who are joined."""

    async def people(self, user_ids: Collection[str]) -> list[Person]:
        """Those of the users who are to be listed."""

    async def write(self, gone: Sequence[str], listed: Sequence[tuple[Person, str]], position: int) -> None:
        """List these, each with the search text, and no longer those; the directory has followed up to `position`."""

    async def search(self, query: Query, user_id: str, *, everybody: bool) -> list[Listed]:
        """Best first, at most `limit`; without the user himself, and without `everybody` only whom he may see."""
