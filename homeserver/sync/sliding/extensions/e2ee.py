"""Whose devices to look up again, and how many keys the device has left (MSC3884)."""

from homeserver.sync.scope import SyncScope
from homeserver.sync.sections.device_lists import DeviceListSection
from homeserver.sync.sections.key_counts import KeyCountsSection

NAME = "e2ee"


class EncryptionExtension:
    def __init__(self, lists: DeviceListSection, counts: KeyCountsSection) -> None:
        self._lists = lists
        self._counts = counts

    async def read(self, scope: SyncScope, joined: frozenset[str] | None) -> tuple[bytes, bool]:
        """(the JSON object, whether it has news). `joined`: what the section of device lists said of the user's rooms."""
        lists = await self._lists.read(scope, joined)
        counts, has_lost_keys = await self._counts.read(scope)
        parts = [counts] if counts else []
        if lists:
            parts.append(b'"device_lists":' + lists)
        return b"{%b}" % b",".join(parts), bool(lists) or has_lost_keys
