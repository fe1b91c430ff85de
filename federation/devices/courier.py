"""Messages to devices on other servers: written down first, then told like everything else. Fills `homeserver.encryption.to_device.remote.ToDeviceCourier`."""

from typing import Any, Final

from federation.outbound.store import LetterStore
from federation.server_policy import ServerPolicy
from homeserver.encryption.to_device.remote import Messages
from homeserver.errors import LimitExceeded
from homeserver.protocol.canonical_json import encode_tolerant
from homeserver.protocol.errors import InvalidIdentifier
from homeserver.protocol.ids import UserId

MOST_WAITING: Final = 10_000  # for one server
FULL_RETRY_MS: Final = 60_000
MOST_OF_ONE_EDU: Final = 100  # devices: an EDU may not become as large as a transaction


class Courier:
    def __init__(self, store: LetterStore, policy: ServerPolicy) -> None:
        self._store = store
        self._policy = policy

    async def send(self, sender: str, type: str, message_id: str, messages: Messages) -> None:
        """Raises LimitExceeded when too much waits for one of the servers."""
        for number, part in enumerate(_parts(messages, self._policy)):
            named = message_id if number == 0 else f"{message_id[:26]}-{number}"
            letters = {server: _content(sender, type, named, of_server) for server, of_server in part.items()}
            if not await self._store.post(letters, named, MOST_WAITING):
                raise LimitExceeded("Too many messages wait for another server", retry_after_ms=FULL_RETRY_MS)


def _content(sender: str, type: str, message_id: str, messages: Messages) -> bytes:
    return encode_tolerant({"sender": sender, "type": type, "message_id": message_id, "messages": messages})


def _parts(messages: Messages, policy: ServerPolicy) -> list[dict[str, dict[str, dict[str, dict[str, Any]]]]]:
    """By server, so that none gets more than so many in one EDU."""
    parts: list[dict[str, dict[str, dict[str, dict[str, Any]]]]] = []
    counts: dict[str, int] = {}
    for user_id, devices in messages.items():
        try:
            server = UserId.parse(user_id).server_name
        except InvalidIdentifier:
            continue
        if not policy.allows(server):
            continue
        for device_id, content in devices.items():
            place = counts.get(server, 0) // MOST_OF_ONE_EDU
            counts[server] = counts.get(server, 0) + 1
            while len(parts) <= place:
                parts.append({})
            parts[place].setdefault(server, {}).setdefault(user_id, {})[device_id] = content
    return parts
