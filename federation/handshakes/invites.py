"""A user of another server is invited: that server signs the invite, then it takes its place in the room (server-server API, "Inviting to a room")."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from federation.asking.sound_events import SoundEvents
from federation.client import Ask, FederationClient, v1, v2
from federation.errors import BadAnswer, RemoteRefused
from homeserver.errors import Forbidden
from homeserver.protocol.errors import BadSignature
from homeserver.protocol.event import Event
from homeserver.protocol.ids import server_name_of
from homeserver.rooms.receiving.outcome import Accepted, AlreadyKnown
from homeserver.rooms.receiving.receive import Receiving

SECONDS: Final = 30.0
MOST_BYTES: Final = 2**20
OLD_VERSIONS: Final = ("1", "2")  # of which servers know that have the first version of the endpoint alone


class Invites:
    def __init__(self, *, client: FederationClient, sound: SoundEvents, receiving: Receiving) -> None:
        self._client = client
        self._sound = sound
        self._receiving = receiving

    async def invite(self, event: Event, shown: Sequence[Mapping[str, Any]]) -> None:
        """See `RemoteRooms`."""
        server = server_name_of(event.state_key or "")
        try:
            given = await self._asked(server, event, shown)
        except RemoteRefused as error:
            raise error.as_local() from error
        signed = await self._merged(event, server, given)
        outcome = (await self._receiving.receive([server], event.room_id, [signed])).get(event.event_id)
        if not isinstance(outcome, Accepted | AlreadyKnown):
            raise Forbidden("The room has changed meanwhile, and the invite does not hold any more")

    async def _asked(self, server: str, event: Event, shown: Sequence[Mapping[str, Any]]) -> Any:
        """The event as the other server gives it back."""
        version = event.version.identifier
        body = {"room_version": version, "event": event.pdu, "invite_room_state": list(shown)}
        try:
            path = v2("invite", event.room_id, event.event_id)
            return (await self._client.put(server, path, body, seconds=SECONDS, most_bytes=MOST_BYTES)).get("event")
        except RemoteRefused as error:
            if version not in OLD_VERSIONS or error.remote_status not in (400, 404) or error.remote_errcode not in ("M_UNRECOGNIZED", ""):
                raise
        old = {**event.pdu, "unsigned": {"invite_room_state": list(shown)}}
        path = v1("invite", event.room_id, event.event_id)
        answer = orjson.loads(
            await self._client.bytes_of(Ask("PUT", server, path, body=old, seconds=SECONDS, most_bytes=MOST_BYTES)) or b"null"
        )  # fmt: skip
        if not isinstance(answer, list) or len(answer) != 2 or not isinstance(answer[1], dict):
            raise BadAnswer
        return answer[1].get("event")

    async def _merged(self, event: Event, server: str, given: Any) -> Event:
        """Our event with the other server's signature; nothing else is taken from what came back."""
        signatures = given.get("signatures") if isinstance(given, dict) else None
        theirs = signatures.get(server) if isinstance(signatures, dict) else None
        if not isinstance(theirs, dict):
            raise BadAnswer("The other server did not sign the invite")
        pdu = {**event.pdu, "signatures": {**event.pdu["signatures"], server: theirs}}
        try:
            signed = await self._sound.check(pdu, event.room_id, event.version)
            await self._sound.check_signer(signed, server)
        except BadSignature as error:
            raise BadAnswer(f"The other server did not sign the invite rightly: {error}") from error
        return signed
