"""matrix-nio runs a room: state, aliases, directory, moderation, knocking, upgrade, spaces."""

import asyncio
from typing import Any

from nio import (
    JoinResponse,
    RoomBanResponse,
    RoomCreateResponse,
    RoomDeleteAliasResponse,
    RoomForgetResponse,
    RoomGetStateEventResponse,
    RoomGetStateResponse,
    RoomGetVisibilityResponse,
    RoomInviteResponse,
    RoomKickResponse,
    RoomKnockResponse,
    RoomLeaveResponse,
    RoomPreset,
    RoomPutAliasResponse,
    RoomPutStateResponse,
    RoomResolveAliasError,
    RoomResolveAliasResponse,
    RoomUnbanResponse,
    RoomVisibility,
    SpaceGetHierarchyResponse,
    SyncResponse,
)
from nio.responses import PublicRoomsResponse, RoomUpdateAliasResponse, RoomUpgradeResponse

from tests.clients.house import House
from tests.clients.matrix_nio.library import Table, arrivals, fits, room_of, sync_until


async def found(client: Any, **options: Any) -> str:
    room_id: str = fits(RoomCreateResponse, await client.room_create(**options)).room_id
    await sync_until(client, lambda response: room_id in response.rooms.join)
    return room_id


def test_state_aliases_and_directory(house: House) -> None:
    async def story() -> None:
        async with Table(house) as table:
            alice, bob = await table.register("alice"), await table.register("bob")
            name = house.new_name("garden")
            room_id = await found(alice, alias=name, name=name, visibility=RoomVisibility.public, preset=RoomPreset.public_chat)
            fits(RoomPutStateResponse, await alice.update_room_topic(room_id, "Roses"))
            topic = fits(RoomGetStateEventResponse, await alice.room_get_state_event(room_id, "m.room.topic"))
            assert topic.content["topic"] == "Roses"
            kinds = [event["type"] for event in fits(RoomGetStateResponse, await alice.room_get_state(room_id)).events]
            assert kinds.count("m.room.create") == kinds.count("m.room.topic") == 1
            await names(alice, room_id, f"#{name}:{alice.user_id.partition(':')[2]}", name)
            listed = fits(PublicRoomsResponse, await bob.list_public_rooms(filter_generic_search_term=name))
            assert [room.room_id for room in listed.public_rooms] == [room_id]
            assert fits(RoomGetVisibilityResponse, await bob.room_get_visibility(room_id)).visibility == "public"

    asyncio.run(story())


async def names(alice: Any, room_id: str, alias: str, name: str) -> None:
    other = alias.replace(name, f"{name}-shed")
    assert fits(RoomResolveAliasResponse, await alice.room_resolve_alias(alias)).room_id == room_id
    fits(RoomPutAliasResponse, await alice.room_put_alias(other, room_id))
    fits(RoomUpdateAliasResponse, await alice.room_update_aliases(room_id, canonical_alias=alias, alt_aliases=[other]))
    await sync_until(alice, lambda _: room_of(alice, room_id).canonical_alias == alias)
    fits(RoomDeleteAliasResponse, await alice.room_delete_alias(other))
    assert fits(RoomResolveAliasError, await alice.room_resolve_alias(other)).status_code == "M_NOT_FOUND"


def test_moderation(house: House) -> None:
    async def story() -> None:
        async with Table(house) as table:
            alice, bob = await table.register("alice"), await table.register("bob")
            room_id = await found(alice, preset=RoomPreset.public_chat)
            fits(JoinResponse, await bob.join(room_id))
            await sync_until(bob, lambda response: room_id in response.rooms.join)
            fits(RoomKickResponse, await alice.room_kick(room_id, bob.user_id, "calm down"))
            await sync_until(bob, lambda response: room_id in response.rooms.leave)
            fits(RoomBanResponse, await alice.room_ban(room_id, bob.user_id, "really"))
            assert (await bob.join(room_id)).status_code == "M_FORBIDDEN"
            fits(RoomUnbanResponse, await alice.room_unban(room_id, bob.user_id))
            fits(JoinResponse, await bob.join(room_id))
            fits(RoomLeaveResponse, await bob.room_leave(room_id))
            fits(RoomForgetResponse, await bob.room_forget(room_id))
            fits(RoomInviteResponse, await alice.room_invite(room_id, bob.user_id))
            await sync_until(bob, lambda response: room_id in response.rooms.invite)
            fits(RoomLeaveResponse, await bob.room_leave(room_id))  # declines

    asyncio.run(story())


def test_knocking(house: House) -> None:
    async def story() -> None:
        async with Table(house) as table:
            alice, bob = await table.register("alice"), await table.register("bob")
            room_id = await found(alice, name="Club")
            fits(RoomPutStateResponse, await alice.room_enable_knocking(room_id))
            fits(RoomKnockResponse, await bob.room_knock(room_id, "please"))
            await sync_until(alice, lambda response: knocks(room_id, response) == [bob.user_id])
            fits(RoomInviteResponse, await alice.room_invite(room_id, bob.user_id))
            fits(JoinResponse, await bob.join(room_id))
            await sync_until(bob, lambda response: room_id in response.rooms.join)

    asyncio.run(story())


def knocks(room_id: str, response: SyncResponse) -> list[str]:
    return [event.state_key for event in arrivals(room_id, response) if event.source["content"].get("membership") == "knock"]


def test_upgrade(house: House) -> None:
    async def story() -> None:
        async with Table(house) as table:
            alice, bob = await table.register("alice"), await table.register("bob")
            old = await found(alice, name="Old town", preset=RoomPreset.public_chat, room_version="10")
            fits(JoinResponse, await bob.join(old))
            upgraded = fits(RoomUpgradeResponse, await alice.room_upgrade(old, "11"))
            new = upgraded.room_id
            await sync_until(bob, lambda _: old in bob.rooms and room_of(bob, old).replacement_room == new)
            fits(JoinResponse, await bob.join(new))
            await sync_until(bob, lambda _: new in bob.rooms)
            create = fits(RoomGetStateEventResponse, await bob.room_get_state_event(new, "m.room.create"))
            assert create.content["predecessor"]["room_id"] == old
            assert (room_of(bob, new).name, room_of(bob, new).room_version) == ("Old town", "11")

    asyncio.run(story())


def test_a_space_is_browsed(house: House) -> None:
    async def story() -> None:
        async with Table(house) as table:
            alice, bob = await table.register("alice"), await table.register("bob")
            space = await found(alice, name="House", space=True, preset=RoomPreset.public_chat)
            rooms = [await found(alice, name=f"Room {number}", preset=RoomPreset.public_chat) for number in range(3)]
            hidden = await found(alice, name="Attic", preset=RoomPreset.private_chat)
            for room_id in (*rooms, hidden):
                via = {"via": [alice.user_id.partition(":")[2]]}
                fits(RoomPutStateResponse, await alice.room_put_state(space, "m.space.child", via, room_id))
            seen = fits(SpaceGetHierarchyResponse, await bob.space_get_hierarchy(space))
            assert seen.rooms[0]["room_id"] == space
            assert {room["room_id"] for room in seen.rooms} == {space, *rooms}
            first = fits(SpaceGetHierarchyResponse, await bob.space_get_hierarchy(space, limit=2))
            rest = fits(SpaceGetHierarchyResponse, await bob.space_get_hierarchy(space, from_page=first.next_batch, limit=10))
            assert [room["room_id"] for room in first.rooms + rest.rooms] == [room["room_id"] for room in seen.rooms]

    asyncio.run(story())
