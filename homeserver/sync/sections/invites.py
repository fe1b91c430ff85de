"""Rooms the user is invited to or knocks at: which are shown, and their stripped state (client-server API, "Stripped state")."""

from collections.abc import Sequence

from homeserver.account_data.invite_permission import InvitePermission, Verdict
from homeserver.protocol.event import StateKey
from homeserver.protocol.event_bytes import client_event
from homeserver.rooms.handshakes.shown import SHOWN_TYPES
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import MemberRecord, StoredEvent
from homeserver.sync.scope import SyncScope


class InviteSection:
    def __init__(self, *, states: StateReader, permission: InvitePermission) -> None:
        self._states = states
        self._permission = permission

    async def shown(self, scope: SyncScope, records: Sequence[MemberRecord]) -> list[MemberRecord]:
        """Without the invites of those whom the user ignores, or from whom he takes none ("Invite permission", MSC4155)."""
        shown = [record for record in records if record.sender not in scope.ignored]
        if not any(record.membership == "invite" for record in shown):
            return shown
        rules = await self._permission.rules(scope.user_id)
        return [record for record in shown if record.membership != "invite" or rules.verdict(record.sender) is Verdict.ALLOW]

    async def read(self, records: Sequence[MemberRecord]) -> dict[str, bytes]:
        """Room ID → JSON array of stripped events, the user's own membership last."""
        found = {record.room_id: record.stripped for record in records if record.stripped is not None}
        here = [record for record in records if record.stripped is None]
        if here:
            own = await self._states.events([record.num for record in here])
            for record in here:
                found[record.room_id] = await self.stripped(record, own[record.num])
        return found

    async def stripped(self, record: MemberRecord, own: StoredEvent) -> bytes:
        """The stripped state at the moment of the invite or knock."""
        root = own.state_before
        if root is None:
            return b"[%b]" % strip(own)
        addresses: list[StateKey] = [(type_, "") for type_ in SHOWN_TYPES]
        if own.sender != record.user_id:
            addresses.append(("m.room.member", own.sender))
        state = await self._states.at(root, addresses)
        return b"[%b]" % b",".join([strip(event) for address in addresses if (event := state.get(address)) is not None] + [strip(own)])


def strip(event: StoredEvent) -> bytes:
    """content, sender, state_key, type; the rest of the event's own JSON does no harm beside them."""
    return client_event(event.body, event.event_id)
