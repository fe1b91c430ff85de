"""An invite that another server issued to an address of one of our users. Fills `homeserver.rooms.members.third_party_invites.InviteExchange`.

Server-server API, "PUT /exchange_third_party_invite".
"""

from collections.abc import Mapping
from typing import Any

from federation.asking.relay import relayed
from federation.client import FederationClient, v1
from homeserver.protocol.ids import server_name_of


class FederatedExchange:
    def __init__(self, client: FederationClient) -> None:
        self._client = client

    async def exchange(self, room_id: str, sender: str, user_id: str, signed: Mapping[str, Any]) -> None:
        invite = {"display_name": "", "signed": dict(signed)}
        event = {
            "type": "m.room.member",
            "room_id": room_id,
            "sender": sender,
            "state_key": user_id,
            "content": {"membership": "invite", "third_party_invite": invite},
        }
        await relayed(self._client.put(server_name_of(sender), v1("exchange_third_party_invite", room_id), event))
