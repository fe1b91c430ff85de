"""What the server asks about memberships: the port that rooms, sync, receipts, the user directory and federation share."""

from collections.abc import Collection
from typing import Protocol

from homeserver.rooms.store import MemberRecord

FORGOTTEN = "forgotten"  # the kind of the Change that `forget` announces


class MemberStore(Protocol):
    """Reads of what is committed. Lists that grow with a room are read outside the loop; their order is that of the user IDs or room numbers."""

    async def is_joined(self, room_id: str, user_id: str) -> bool: ...

    async def member(self, room_id: str, user_id: str) -> MemberRecord | None:
        """None: the user never had a membership there."""

    async def local_joined(self, room_id: str) -> list[str]:
        """The users of this server who are joined."""

    async def joined_users(self, room_id: str) -> list[str]:
        """The user IDs of all who are joined."""

    async def joined_members(self, room_id: str) -> list[MemberRecord]: ...

    async def members(self, room_id: str, kinds: Collection[str] = ()) -> list[MemberRecord]:
        """All members, or those whose membership is one of `kinds`."""

    async def joined_rooms(self, user_id: str) -> list[str]: ...

    async def count_joined(self, user_id: str) -> int:
        """How many rooms the user is joined to."""

    async def memberships_of(self, user_id: str, kinds: Collection[str] = (), *, with_forgotten: bool = False) -> list[MemberRecord]:
        """The user's memberships, of any kind or of those named."""

    async def memberships_in(self, user_id: str, room_ids: Collection[str]) -> list[MemberRecord]:
        """The user's memberships in those of the rooms where there ever was one, forgotten ones too."""

    async def membership_by_room(self, user_id: str) -> dict[str, str]:
        """The user's membership in every room there ever was one, forgotten rooms too."""

    async def changed_memberships(self, user_id: str, since: int, until: int) -> list[MemberRecord]:
        """The user's memberships that last changed after `since` and not after `until`, forgotten ones too."""

    async def shares_room(self, user_id: str, other_id: str) -> bool:
        """Whether both are joined to some room."""

    async def shared_rooms(self, user_id: str, other_id: str) -> list[str]:
        """The rooms both are joined to."""

    async def room_mates(self, user_id: str) -> list[str]:
        """Everyone joined to a room the user is joined to, without the user."""

    async def forget(self, room_id: str, user_id: str) -> None:
        """Hide a room that was left from its user; announced as Change(FORGOTTEN, room, user). No effect while joined, invited or knocking."""
