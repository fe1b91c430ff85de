"""What profiles ask of the storage, and the record that travels."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

PROFILE_CHANGE = "profile"


class ProfileChange(NamedTuple):
    """One field has a new value; None: it is gone."""

    field: str
    value: bytes | None


class Untold(NamedTuple):
    """A user whose rooms do not all know the new name or picture yet."""

    user_id: str
    position: int


class ProfileStore(Protocol):
    """Values are JSON. Writes announce Change("profile", user ID, subject=ProfileChange)."""

    async def fields(self, user_id: str) -> dict[str, bytes] | None:
        """All fields; None when no active account of that name is here."""

    async def some_fields(self, user_id: str, names: tuple[str, ...]) -> dict[str, bytes]:
        """Those of the named fields that are set."""

    async def put(self, user_id: str, change: ProfileChange, check: Callable[[Mapping[str, bytes]], None], *, tell: bool) -> Untold | None:
        """Set or remove a field; None when that changes nothing. `check` is given all fields as they were and may raise to undo it.

        `tell`: the rooms are to be told; it is remembered until `told`.
        """

    async def untold(self) -> list[Untold]: ...

    async def told(self, untold: Untold) -> None:
        """The rooms know the state of that position; no effect when the profile has changed since."""
