"""What pushers ask of the storage, and the records that travel."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from homeserver.rooms.store import StoredEvent

PUSHERS_CHANGE = "pushers"  # Change.kind: the user's pushers are no longer as they were
HTTP, EMAIL = "http", "email"


class PusherKey(NamedTuple):
    user_id: str
    app_id: str
    pushkey: str


class Pusher(NamedTuple):
    """`position`: everything up to there has been told. `behind`: what came after it has not, although the reader has passed it."""

    key: PusherKey
    kind: str
    app_display_name: str
    device_display_name: str
    profile_tag: str | None
    lang: str
    data: dict[str, Any]
    device_id: str | None
    created_ts: int
    position: int = 0
    behind: bool = False
    sent_ts: int | None = None  # when something was last told
    unsubscribe: str | None = None  # a secret that ends it

    def __repr__(self) -> str:
        return f"<Pusher {self.key}>"


class Progress(NamedTuple):
    key: PusherKey
    position: int


class PusherStore(Protocol):
    async def all(self) -> list[Pusher]: ...

    async def of_user(self, user_id: str) -> list[Pusher]: ...

    async def put(self, pusher: Pusher, *, alone: bool) -> None:
        """A known one keeps its progress, a new one begins here. `alone`: no other user has a pusher with the same app and key afterwards."""

    async def remove(self, key: PusherKey) -> bool:
        """False when there was none."""

    async def by_unsubscribe(self, secret: str) -> Pusher | None: ...

    async def told(self, progress: Progress, sent_ts: int) -> None: ...

    async def position(self) -> int:
        """Up to where the reader has passed the stream."""

    async def pass_on(self, position: int, behind: Sequence[Progress]) -> None:
        """The reader has passed up to there; these alone have not told all of it."""

    async def events(self, after: int, up_to: int, most: int) -> list[StoredEvent]:
        """Of all rooms, in order; only those that are shown."""
