"""What the server is and can do (client-server API, "Server Discovery", "API Versions", "Capabilities negotiation"; server-server API, "Server discovery")."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from config.server import Server, Support
from homeserver.accounts.accounts import Accounts
from homeserver.errors import NotFound
from homeserver.protocol.room_versions import ROOM_VERSIONS, UNSTABLE_ROOM_VERSIONS
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

# The versions of the specification that clients may rely on. Each is added when everything that it brought is served.
LATEST_MINOR = 19
VERSIONS = ("r0.6.1", *(f"v1.{minor}" for minor in range(1, LATEST_MINOR + 1)))
# What clients look for by the name of a proposal: some know no other, and some of it is in no version of the specification that is advertised.
FEATURES: Mapping[str, bool] = MappingProxyType(
    {
        "fi.mau.msc2659.stable": True,  # application services can be pinged
        "org.matrix.e2e_cross_signing": True,
        "org.matrix.msc2285.stable": True,  # private read receipts
        "org.matrix.msc3030": True,  # events by time
        "org.matrix.msc3266": True,  # summaries of rooms
        "org.matrix.msc3391": True,  # account data can be deleted
        "org.matrix.msc3440.stable": True,  # threads
        "org.matrix.msc3771": True,  # receipts in threads
        "org.matrix.msc3773": True,  # counts of threads
        "org.matrix.msc3814": True,  # dehydrated devices
        "org.matrix.msc3827.stable": True,  # the directory by types of rooms
        "org.matrix.msc3874": True,  # filters by the kind of relation
        "org.matrix.msc3890": True,  # which notifications a device shows
        "org.matrix.msc3967": True,  # the first keys of an identity without further proof
        "org.matrix.msc3981": True,  # relations of relations
        "org.matrix.msc4151": True,  # rooms can be reported
        "org.matrix.msc4155": True,  # invites by users and servers, sorted out here
        "org.matrix.msc4222": True,  # the state after the timeline
        "org.matrix.msc4380": True,
        "org.matrix.msc4380.stable": True,  # no invites at all
        "org.matrix.msc3916.stable": True,  # media for those who say who they are
        "org.matrix.simplified_msc3575": True,  # sliding sync
        "uk.half-shot.msc2666.query_mutual_rooms": True,
        "uk.half-shot.msc2666.query_mutual_rooms.stable": True,
        "uk.tcpip.msc4133": True,  # free fields of profiles
        "uk.tcpip.msc4133.stable": True,
    }
)
NOTHING_MORE: Mapping[str, Any] = MappingProxyType({})
# What is the same for all users; what depends on the account is added for each.
CAPABILITIES: Mapping[str, Any] = MappingProxyType(
    {
        "m.3pid_changes": {"enabled": False},
        "m.forget_forced_upon_leave": {"enabled": False},
        "m.profile_fields": {"enabled": True},
        "org.matrix.msc4155.invite_permission_config_enforced": {"enabled": True},
        "m.set_displayname": {"enabled": True},
        "m.set_avatar_url": {"enabled": True},
    }
)


class Discovery:
    """`features` are experimental ones for /versions, `capabilities` those of other parts."""

    def __init__(
        self,
        server: Server,
        support: Support,
        accounts: Accounts,
        *,
        default_room_version: str,
        takes_passwords: bool = True,
        features: Mapping[str, bool] = NOTHING_MORE,
        capabilities: Mapping[str, Any] = NOTHING_MORE,
    ) -> None:
        self._accounts = accounts
        self._takes_passwords = takes_passwords
        self._versions: dict[str, Any] = {"versions": list(VERSIONS), "unstable_features": dict(features)}
        available = dict.fromkeys(ROOM_VERSIONS, "stable") | dict.fromkeys(UNSTABLE_ROOM_VERSIONS, "unstable")
        room_versions = {"default": default_room_version, "available": available}
        self._capabilities = {**CAPABILITIES, "m.room_versions": room_versions, **capabilities}
        base_url = server.public_base_url.rstrip("/")
        self._client = {"m.homeserver": {"base_url": base_url}} if base_url else None
        self._server = {"m.server": server.federation_address} if server.federation_address else None
        self._support = _describe_support(support)
        policy_key = server.policy_server_key
        self._policy_server = {"public_keys": {"ed25519": policy_key}} if policy_key else None

    @endpoint("GET", "/_matrix/client/versions", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def versions(self, request: Request) -> Answer:
        return self._versions

    @endpoint("GET", "/_matrix/client/v3/capabilities", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def capabilities(self, request: Request) -> Answer:
        has_password = self._takes_passwords and await self._accounts.has_password(request.user.user_id)
        own = {"m.change_password": {"enabled": has_password}, "m.get_login_token": {"enabled": has_password}}
        if request.user.is_admin:
            own["m.account_moderation"] = {"suspend": True, "lock": True}
        return {"capabilities": {**self._capabilities, **own}}

    @endpoint("GET", "/.well-known/matrix/client", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def well_known_client(self, request: Request) -> Answer:
        return _configured(self._client)

    @endpoint("GET", "/.well-known/matrix/server", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def well_known_server(self, request: Request) -> Answer:
        return _configured(self._server)

    @endpoint("GET", "/.well-known/matrix/support", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def well_known_support(self, request: Request) -> Answer:
        return _configured(self._support)

    @endpoint("GET", "/.well-known/matrix/policy_server", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def well_known_policy_server(self, request: Request) -> Answer:
        return _configured(self._policy_server)


def _configured(answer: dict[str, Any] | None) -> dict[str, Any]:
    if answer is None:
        raise NotFound("Nothing is told about this here")
    return answer


def _describe_support(support: Support) -> dict[str, Any] | None:
    """None when there is nobody to ask."""
    answer: dict[str, Any] = {}
    if support.contacts:
        answer["contacts"] = [
            {
                key: value
                for key, value in (("role", contact.role), ("matrix_id", contact.matrix_id), ("email_address", contact.email_address))
                if value
            }
            for contact in support.contacts
        ]
    if support.page:
        answer["support_page"] = support.page
    return answer or None
