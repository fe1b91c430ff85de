"""Every kind of EDU there is: its schema and what takes it. One that is wrong is dropped alone; one of another kind is passed over."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

import fastjsonschema
from twisted.logger import Logger

from federation.edus.devices import DeviceEdus
from federation.edus.people import PresenceEdu
from federation.edus.rooms import RoomEdus
from homeserver.errors import MatrixError, Unavailable
from homeserver.protocol import canonical_json
from homeserver.protocol.errors import InvalidIdentifier, InvalidJson
from homeserver.web.validation import Check, compile_check

Take = Callable[[str, Any], Awaitable[None]]  # origin, content


class Kind(NamedTuple):
    schema: str
    take: Take


def kinds_of_edus(rooms: RoomEdus, presence: PresenceEdu, devices: DeviceEdus) -> dict[str, Kind]:
    return {
        "m.typing": Kind("federation/typing", rooms.typing),
        "m.receipt": Kind("federation/receipt", rooms.receipt),
        "m.presence": Kind("federation/presence", presence.take),
        "m.device_list_update": Kind("federation/device_list_update", devices.device_list_update),
        "m.signing_key_update": Kind("federation/signing_key_update", devices.signing_key_update),
        "m.direct_to_device": Kind("federation/direct_to_device", devices.direct_to_device),
    }


REFUSED: Final = (MatrixError, InvalidIdentifier, InvalidJson, fastjsonschema.JsonSchemaValueException)


class EduTable:
    """Fills `federation.inbound.transactions.IncomingEdus`."""

    _log = Logger()

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds
        self._checks: dict[str, Check] = {}  # compiled when the first of the kind comes
        self.dropped = 0

    async def receive(self, origin: str, edus: list[Any]) -> None:
        """Raises Unavailable."""
        for edu in edus:
            try:
                await self._take(origin, edu)
            except Unavailable:
                raise
            except REFUSED as error:
                self.dropped += 1
                self._log.debug("an EDU of {origin} is dropped: {error}", origin=origin, error=error)
            except Exception:
                self.dropped += 1
                self._log.failure("an EDU of {origin} could not be taken", origin=origin)

    async def _take(self, origin: str, edu: Any) -> None:
        name = edu.get("edu_type") if isinstance(edu, dict) else None
        kind = self._kinds.get(name) if isinstance(name, str) else None
        if kind is None or name is None:
            return
        content = edu.get("content")
        canonical_json.check(content, strict=False)  # transactions are parsed leniently
        check = self._checks.get(name)
        if check is None:
            check = self._checks[name] = compile_check(kind.schema)
        check(content)
        await kind.take(origin, content)
