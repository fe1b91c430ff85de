"""Events are shown to the policy server of their room. Fills `homeserver.rooms.servers.policy.PolicySigners`.

Server-server API, "Asking for a Policy Server signature on an event".
"""

from typing import Final

from federation.client import Ask, FederationClient
from federation.errors import RELAYABLE, BadAnswer, RemoteRefused
from homeserver.errors import Forbidden
from homeserver.protocol.event import Event
from homeserver.rooms.servers.policy import KEY_ID

PATH: Final = "/_matrix/policy/v1/sign"
SECONDS: Final = 10.0  # whoever sends waits
MOST_BYTES: Final = 65_536


class FederatedPolicySigners:
    def __init__(self, client: FederationClient) -> None:
        self._client = client

    async def signature(self, event: Event, server_name: str) -> str:
        """What the policy server says against an event is said to its sender, too.

        It is asked even if it counts as down: it need not take transactions, and one that does not looks like that.
        """
        try:
            answer = await self._client.ask(
                Ask("POST", server_name, PATH, body=event.pdu, seconds=SECONDS, most_bytes=MOST_BYTES, though_down=True, to_itself=True)
            )
        except RemoteRefused as error:
            if error.remote_errcode in RELAYABLE:
                raise error.as_local() from error
            raise Forbidden(error.message) from error
        by_server = answer.get(server_name)
        signature = by_server.get(KEY_ID) if isinstance(by_server, dict) else None
        if not isinstance(signature, str):
            raise BadAnswer("The policy server of this room gave no signature")
        return signature
