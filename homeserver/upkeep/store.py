"""What the upkeep asks of the storage: each method removes at most `most` rows, the oldest first, and says how many there were."""

from typing import Protocol


class UpkeepStore(Protocol):
    async def forget_transactions(self, before_ms: int, most: int) -> int:
        """Transaction IDs that clients used before that time."""

    async def forget_to_device_transactions(self, before_ms: int, most: int) -> int:
        """The same of messages to devices."""

    async def forget_access_tokens(self, before_ms: int, most: int) -> int:
        """Those that expired before that time and belong to no refresh token."""

    async def forget_refresh_tokens(self, before_ms: int, most: int) -> int:
        """Those that expired before that time."""

    async def forget_login_tokens(self, before_ms: int, most: int) -> int:
        """Those that expired before that time."""

    async def forget_openid_tokens(self, before_ms: int, most: int) -> int:
        """Those that expired before that time."""

    async def forget_verdicts(self, before_ms: int, most: int) -> int:
        """What events from before that time said to users who have read them, or are no longer in the room."""

    async def forget_auth_sessions(self, before_ms: int, most: int) -> int:
        """Those opened before that time; the uses of registration tokens that they reserved are free again."""

    async def forget_withheld_events(self, before_ms: int, most: int) -> int:
        """What stood in events that were redacted while their room was known in part, and that is not known better a week later."""

    async def forget_sliding_connections(self, before_ms: int, most: int) -> int:
        """Connections of sliding sync that were not used since that time."""
