"""Users whose keys somebody else keeps: an application service that answers for its own (MSC3983, MSC3984). The application services fill the port."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

TOLD = ("device_keys", "master_keys", "self_signing_keys", "user_signing_keys")

Claimed = dict[str, dict[str, dict[str, Any]]]  # user → device → key name → key


class KeyDelegates(Protocol):
    async def query(self, users: Mapping[str, Sequence[str]]) -> Mapping[str, Mapping[str, Any]]:
        """What of `TOLD` is known elsewhere of these users of ours, and their devices (none: all)."""

    def answers_for(self, user_id: str) -> bool:
        """Whether one-time keys of that user may be had elsewhere."""

    async def claim(self, wanted: Mapping[str, Mapping[str, str]]) -> Claimed:
        """User → device → algorithm; as far as keys were given out."""


class NoDelegates:
    """All keys are here."""

    async def query(self, users: Mapping[str, Sequence[str]]) -> Mapping[str, Mapping[str, Any]]:
        return {}

    def answers_for(self, user_id: str) -> bool:
        return False

    async def claim(self, wanted: Mapping[str, Mapping[str, str]]) -> Claimed:
        return {}


def merge_told(answer: dict[str, Any], found: Mapping[str, Mapping[str, Any]], viewer: str) -> None:
    """What is known elsewhere goes before what is known here, device by device."""
    for user_id, devices in found.get("device_keys", {}).items():
        answer["device_keys"].setdefault(user_id, {}).update(devices)
    for kind in TOLD[1:]:
        answer[kind].update({user_id: key for user_id, key in found.get(kind, {}).items() if kind != TOLD[3] or user_id == viewer})
