"""What keys ask of other servers; federation fills it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(eq=False, slots=True)
class RemoteKeys:
    """What other servers said, as /keys/query tells it; `failures` by server name."""

    device_keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    master_keys: dict[str, Any] = field(default_factory=dict)
    self_signing_keys: dict[str, Any] = field(default_factory=dict)
    failures: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class RemoteClaims:
    """As /keys/claim tells it: user, device, key name to key."""

    one_time_keys: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    failures: dict[str, Any] = field(default_factory=dict)


class RemoteKeySource(Protocol):
    async def query(self, users: Mapping[str, Sequence[str]], timeout_ms: int) -> RemoteKeys:
        """Users of other servers to the devices wanted, none: all."""

    async def claim(self, keys: Mapping[str, Mapping[str, str]], timeout_ms: int) -> RemoteClaims:
        """User → device → algorithm."""


class NoRemoteKeys:
    """A server that talks to no other: every other one fails to answer."""

    async def query(self, users: Mapping[str, Sequence[str]], timeout_ms: int) -> RemoteKeys:
        return RemoteKeys(failures=_unreachable(users))

    async def claim(self, keys: Mapping[str, Mapping[str, str]], timeout_ms: int) -> RemoteClaims:
        return RemoteClaims(failures=_unreachable(keys))


def _unreachable(users: Mapping[str, Any]) -> dict[str, Any]:
    error = {"errcode": "M_UNAVAILABLE", "error": "This server cannot be reached"}
    return {user_id.partition(":")[2]: error for user_id in users}
