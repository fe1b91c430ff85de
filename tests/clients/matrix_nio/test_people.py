"""matrix-nio looks after an account: profile, presence, devices, filters, tokens, account data."""

import asyncio
import json
from typing import Any

from nio import (
    DeleteDevicesAuthResponse,
    DeleteDevicesResponse,
    DevicesResponse,
    DirectRoomsResponse,
    DiscoveryInfoResponse,
    JoinedRoomsResponse,
    JoinResponse,
    LoginError,
    LoginInfoResponse,
    LogoutResponse,
    PresenceGetResponse,
    PresenceSetResponse,
    ProfileGetAvatarResponse,
    ProfileGetDisplayNameResponse,
    ProfileGetResponse,
    ProfileSetAvatarResponse,
    ProfileSetDisplayNameResponse,
    RoomCreateResponse,
    SyncResponse,
    UpdateDeviceResponse,
    UploadFilterResponse,
    WhoamiError,
    WhoamiResponse,
)

from tests.clients.house import PASSWORD, House
from tests.clients.matrix_nio.library import PICTURE, Table, fits, receive, room_of, sync_until
from tests.clients.matrix_nio.test_talk import meet, say


def test_profile_and_presence(house: House) -> None:
    async def story() -> None:
        async with Table(house) as table:
            alice, bob = await table.register("alice"), await table.register("bob")
            room_id = await meet(alice, bob)
            fits(ProfileSetDisplayNameResponse, await alice.set_displayname("Alice Ångström"))
            fits(ProfileSetAvatarResponse, await alice.set_avatar(PICTURE))
            profile = fits(ProfileGetResponse, await bob.get_profile(alice.user_id))
            assert (profile.displayname, profile.avatar_url) == ("Alice Ångström", PICTURE)
            assert fits(ProfileGetDisplayNameResponse, await bob.get_displayname(alice.user_id)).displayname == "Alice Ångström"
            assert fits(ProfileGetAvatarResponse, await bob.get_avatar(alice.user_id)).avatar_url == PICTURE
            await sync_until(bob, lambda _: room_of(bob, room_id).users[alice.user_id].avatar_url == PICTURE)
            assert room_of(bob, room_id).user_name(alice.user_id) == "Alice Ångström"
            fits(PresenceSetResponse, await alice.set_presence("unavailable", "gone fishing"))
            seen = fits(PresenceGetResponse, await bob.get_presence(alice.user_id))
            assert (seen.presence, seen.status_msg) == ("unavailable", "gone fishing")
            await sync_until(bob, lambda _: room_of(bob, room_id).users[alice.user_id].status_msg == "gone fishing")

    asyncio.run(story())


def test_devices(house: House) -> None:
    async def story() -> None:
        async with Table(house) as table:
            alice = await table.register("alice")
            phone, tablet = await table.log_in(alice.user_id), await table.log_in(alice.user_id)
            fits(UpdateDeviceResponse, await alice.update_device(phone.device_id, {"display_name": "Telephone"}))
            devices = {device.id: device.display_name for device in fits(DevicesResponse, await alice.devices()).devices}
            assert devices == {alice.device_id: "alice's first", phone.device_id: "Telephone", tablet.device_id: "another"}
            asked = fits(DeleteDevicesAuthResponse, await alice.delete_devices([phone.device_id, tablet.device_id]))
            identifier = {"type": "m.id.user", "user": alice.user_id}
            proof = {"type": "m.login.password", "session": asked.session, "password": PASSWORD, "identifier": identifier}
            fits(DeleteDevicesResponse, await alice.delete_devices([phone.device_id, tablet.device_id], proof))
            assert fits(WhoamiError, await phone.whoami()).status_code == "M_UNKNOWN_TOKEN"
            assert fits(WhoamiResponse, await alice.whoami()).device_id == alice.device_id

    asyncio.run(story())


def test_logging_in_and_out(house: House) -> None:
    async def story() -> None:
        async with Table(house) as table:
            alice = await table.register("alice")
            stranger = table.client(alice.user_id)
            assert "m.login.password" in fits(LoginInfoResponse, await stranger.login_info()).flows
            assert fits(DiscoveryInfoResponse, await stranger.discovery_info()).homeserver_url == house.address
            assert fits(LoginError, await stranger.login("wrong")).status_code == "M_FORBIDDEN"
            phone, tablet = await table.log_in(alice.user_id), await table.log_in(alice.user_id)
            token = phone.access_token
            fits(LogoutResponse, await phone.logout())
            phone.access_token = token
            assert fits(WhoamiError, await phone.whoami()).status_code == "M_UNKNOWN_TOKEN"
            token = tablet.access_token
            fits(LogoutResponse, await alice.logout(all_devices=True))
            assert fits(WhoamiError, await tablet.whoami()).status_code == "M_UNKNOWN_TOKEN"
            fits(WhoamiResponse, await (await table.log_in(alice.user_id)).whoami())

    asyncio.run(story())


def test_filters_and_lazy_members(house: House) -> None:
    async def story() -> None:
        async with Table(house) as table:
            alice, bob, carol = [await table.register(name) for name in ("alice", "bob", "carol")]
            room_id = await meet(alice, bob)
            fits(JoinResponse, await join_invited(alice, carol, room_id))
            sent = await say(alice, room_id, "only my membership is needed")
            timeline = {"limit": 1}
            room = {"timeline": timeline, "state": {"lazy_load_members": True}}
            stored = fits(UploadFilterResponse, await carol.upload_filter(room=room, presence={"not_types": ["*"]}))
            phone = await table.log_in(carol.user_id)
            response = fits(SyncResponse, await phone.sync(sync_filter=stored.filter_id))
            joined = response.rooms.join[room_id]
            assert [event.event_id for event in joined.timeline.events] == [sent]
            assert joined.timeline.limited
            assert members_in(joined.state) == {alice.user_id, bob.user_id, carol.user_id}  # the sender, a hero, oneself
            assert not response.presence_events
            await receive(phone, room_id, await say(bob, room_id, "now mine too"), sync_filter=stored.filter_id)
            assert bob.user_id in room_of(phone, room_id).users

    asyncio.run(story())


async def join_invited(host: Any, guest: Any, room_id: str) -> Any:
    await host.room_invite(room_id, guest.user_id)
    return await guest.join(room_id)


def members_in(state: list[Any]) -> set[str]:
    return {event.state_key for event in state if event.source["type"] == "m.room.member"}


def test_direct_rooms_and_account_data(house: House) -> None:
    async def story() -> None:
        async with Table(house) as table:
            alice, bob = await table.register("alice"), await table.register("bob")
            room_id = fits(RoomCreateResponse, await alice.room_create(is_direct=True, invite=[bob.user_id])).room_id
            path = f"/_matrix/client/v3/user/{alice.user_id}/account_data/m.direct?access_token={alice.access_token}"
            answer = await alice.send("PUT", path, json.dumps({bob.user_id: [room_id]}))
            assert answer.status == 200
            assert fits(DirectRoomsResponse, await alice.list_direct_rooms()).rooms == {bob.user_id: [room_id]}
            await sync_until(alice, lambda response: "m.direct" in [getattr(event, "type", "") for event in response.account_data_events])
            assert fits(JoinedRoomsResponse, await alice.joined_rooms()).rooms == [room_id]

    asyncio.run(story())
