"""What is asked of the storage about the servers in a room."""

from typing import Protocol


class ServerMemberStore(Protocol):
    async def of_server(self, room_id: str, server_name: str) -> dict[str, str]:
        """The memberships, by user ID, of all users of that server who ever had one in the room; none where it was never entered."""
