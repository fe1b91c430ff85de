"""Rooms whose events a policy server looks at first: whether there is one, and what it thinks of an event.

Server-server API, "Policy Servers". It says yes with a signature of its own. Without that an event of ours is not sent, and one of others' not shown:
a server that does not answer has not said yes.
"""

from typing import Any, Final, NamedTuple, Protocol

from homeserver.errors import Forbidden
from homeserver.protocol.errors import BadSignature
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.signing import VerifyKey, decode_base64, signed_bytes, verify_bytes
from homeserver.rooms.store import StoredEvent

POLICY: Final[StateKey] = ("m.room.policy", "")
KEY_ID: Final = "ed25519:policy_server"


class PolicyServer(NamedTuple):
    name: str
    public_key: bytes  # b"" for what can be no key: nothing is signed by it


class PolicySigners(Protocol):
    """What is asked of policy servers; `federation` fills it."""

    async def signature(self, event: Event, server_name: str) -> str:
        """The server's signature; raises a MatrixError where it gives none."""


class NoPolicySigners:
    """A server that talks to no other."""

    async def signature(self, event: Event, server_name: str) -> str:
        raise Forbidden("The policy server of this room cannot be asked")


class Presence(Protocol):
    """A part of `homeserver.rooms.servers.members.ServerMembers`."""

    async def is_in(self, room_id: str, server_name: str) -> bool: ...


class RoomPolicy:
    def __init__(self, signers: PolicySigners, members: Presence) -> None:
        self._signers = signers
        self._members = members

    async def approved(self, event: Event, current: StoredEvent | None) -> Event:
        """The event, signed by the policy server where the room has one; raises a MatrixError when that does not want it.

        `current`: what is at POLICY in the room's current state.
        """
        server = None if current is None else policy_server(current.content)
        if server is None or is_exempt(event) or not await self._members.is_in(event.room_id, server.name):
            return event
        if is_signed(event, server):
            return event
        signed = with_signature(event, server.name, await self._signers.signature(event, server.name))
        if not is_signed(signed, server):
            raise Forbidden("The policy server of this room signed with another key than the room names")
        return signed


def policy_server(content: dict[str, Any]) -> PolicyServer | None:
    """What the content of m.room.policy names; None where it is not valid."""
    name, keys = content.get("via"), content.get("public_keys")
    key = keys.get("ed25519") if isinstance(keys, dict) else None
    if not isinstance(name, str) or not isinstance(key, str):
        return None
    try:
        return PolicyServer(name, decode_base64(key))
    except ValueError:
        return PolicyServer(name, b"")


def is_exempt(event: Event) -> bool:
    """So that a room can do without a policy server that is gone."""
    return (event.type, event.state_key) == POLICY


def is_signed(event: Event, server: PolicyServer) -> bool:
    try:
        verify_bytes(signed_bytes(event.pdu, event.version), event.pdu.get("signatures"), server.name, KEY_ID, VerifyKey(server.public_key))
    except BadSignature:
        return False
    return True


def with_signature(event: Event, server_name: str, signature: str) -> Event:
    """Beside those that are there; the ID of the event stays."""
    signatures = dict(event.pdu["signatures"])
    signatures[server_name] = {**signatures.get(server_name, {}), KEY_ID: signature}
    pdu = {**event.pdu, "signatures": signatures}
    return Event.from_pdu(pdu, event_id=event.event_id, room_id=event.room_id, version=event.version)
