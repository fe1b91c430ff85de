"""matrix-nio encrypts: keys go up and are replaced, two people compare emoji, talk in secret, share a key."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from nio import (
    EnableEncryptionBuilder,
    JoinResponse,
    MegolmEvent,
    OlmUnverifiedDeviceError,
    RoomCreateResponse,
    RoomKeyRequestResponse,
    RoomLeaveResponse,
    RoomMessageText,
    RoomPreset,
    ShareGroupSessionResponse,
    SyncResponse,
    ToDeviceResponse,
)

from tests.clients.house import House
from tests.clients.matrix_nio.library import Table, fits, receive, sync_until, tend_keys
from tests.clients.matrix_nio.test_talk import say
from tests.clients.person import Person, v3


async def uploads(client: Any) -> None:
    await until(client, lambda: not client.should_upload_keys)


async def until(client: Any, holds: Callable[[], Any]) -> None:
    """Read on, but not when it holds already."""
    if not holds():
        await sync_until(client, lambda _: holds())


async def meet(alice: Any, *others: Any) -> str:
    """An encrypted room of Alice's in which they know each other's devices."""
    encryption = EnableEncryptionBuilder().as_dict()
    created = fits(RoomCreateResponse, await alice.room_create(preset=RoomPreset.public_chat, initial_state=[encryption]))
    room_id = str(created.room_id)
    people = (alice, *others)
    for other in others:
        fits(JoinResponse, await other.join(room_id))
    for one in people:
        await acquaint(one, room_id, [other for other in people if other is not one])
    return room_id


async def acquaint(client: Any, room_id: str, others: list[Any]) -> None:
    await until(client, lambda: all(knows(client, room_id, other) for other in others))


def knows(client: Any, room_id: str, other: Any) -> bool:
    room = client.rooms.get(room_id)
    return room is not None and other.user_id in room.users and other.device_id in client.device_store[other.user_id]


def test_two_people_talk_in_secret(house: House) -> None:
    async def story() -> None:
        async with Table(house, encrypting=True) as table:
            alice, bob = await table.register("alice"), await table.register("bob")
            for person in (bob, alice):
                await uploads(person)
            room_id = await meet(alice, bob)
            with pytest.raises(OlmUnverifiedDeviceError):
                await say(alice, room_id, "To whom?")
            await compare(alice, bob)
            for speaker, listener in ((alice, bob), (bob, alice)):
                event_id = await say(speaker, room_id, f"from {speaker.user_id}")
                heard = fits(RoomMessageText, await receive(listener, room_id, event_id))
                assert (heard.body, heard.decrypted, heard.verified) == (f"from {speaker.user_id}", True, True)
            await another_device(table, alice, bob, room_id)

    asyncio.run(story())


async def compare(alice: Any, bob: Any) -> None:
    """Alice starts, both see the same, both say so."""
    device = alice.device_store[bob.user_id][bob.device_id]
    fits(ToDeviceResponse, await alice.start_key_verification(device))
    await until(bob, lambda: bob.get_active_sas(alice.user_id, alice.device_id) is not None)
    ours = alice.get_active_sas(bob.user_id, bob.device_id)
    theirs = bob.get_active_sas(alice.user_id, alice.device_id)
    fits(ToDeviceResponse, await bob.accept_key_verification(theirs.transaction_id))
    await until(alice, lambda: ours.chosen_key_agreement is not None)
    await until(bob, lambda: theirs.established_sas is not None)
    await until(alice, lambda: ours.established_sas is not None)
    assert ours.get_emoji() == theirs.get_emoji()
    for one in (alice, bob):
        fits(ToDeviceResponse, await one.confirm_short_auth_string(ours.transaction_id))
    await until(alice, lambda: ours.verified)
    await until(bob, lambda: theirs.verified)
    assert alice.olm.is_device_verified(device)


async def another_device(table: Table, alice: Any, bob: Any, room_id: str) -> None:
    """It reads what comes after it, and gets the key of what was before from Bob's first device."""
    before = await say(alice, room_id, "before")
    await receive(bob, room_id, before)
    phone = await table.log_in(bob.user_id)
    old = fits(MegolmEvent, await receive(phone, room_id, before))
    await until(phone, lambda: phone.device_store[bob.user_id].get(bob.device_id) is not None)
    await until(alice, lambda: alice.device_store[bob.user_id].get(phone.device_id) is not None)
    await until(bob, lambda: bob.device_store[bob.user_id].get(phone.device_id) is not None)
    alice.verify_device(alice.device_store[bob.user_id][phone.device_id])
    after = await say(alice, room_id, "after")
    assert fits(RoomMessageText, await receive(phone, room_id, after)).body == "after"
    bob.verify_device(bob.device_store[bob.user_id][phone.device_id])
    phone.verify_device(phone.device_store[bob.user_id][bob.device_id])
    fits(RoomKeyRequestResponse, await phone.request_room_key(old))
    await sync_until(bob, lambda found: any(event.source["type"] == "m.room_key_request" for event in found.to_device_events))
    for _ in range(2):  # first a session with the phone, then the key
        fits(SyncResponse, await bob.sync(timeout=0))
        await tend_keys(bob)
    await until(phone, lambda: phone.olm.inbound_group_store.get(room_id, old.sender_key, old.session_id) is not None)
    assert phone.decrypt_event(old).body == "before"


def test_the_one_who_left_is_not_given_new_keys(house: House) -> None:
    async def story() -> None:
        async with Table(house, encrypting=True) as table:
            alice, bob, carol = [await table.register(name) for name in ("alice", "bob", "carol")]
            for person in (carol, bob, alice):
                await uploads(person)
            room_id = await meet(alice, bob, carol)
            fits(ShareGroupSessionResponse, await alice.share_group_session(room_id, ignore_unverified_devices=True))
            first = alice.olm.outbound_group_sessions[room_id].id
            fits(RoomLeaveResponse, await carol.room_leave(room_id))
            found = await sync_until(alice, lambda _: carol.user_id not in alice.rooms[room_id].users)
            assert found.device_list.left == [carol.user_id]
            event_id = await say_anyway(alice, room_id, "without Carol")
            assert alice.olm.outbound_group_sessions[room_id].id != first
            assert (await receive(bob, room_id, event_id)).body == "without Carol"

    asyncio.run(story())


async def say_anyway(client: Any, room_id: str, text: str) -> str:
    """To devices that nobody verified."""
    content = {"msgtype": "m.text", "body": text}
    sent = await client.room_send(room_id, "m.room.message", content, ignore_unverified_devices=True)
    return str(sent.event_id)


def test_keys_that_were_given_out_are_replaced(house: House) -> None:
    async def story() -> None:
        async with Table(house, encrypting=True) as table:
            alice, bob = await table.register("alice"), await table.register("bob")
            for person in (bob, alice):
                await uploads(person)
            room_id = await meet(alice, bob)
            left = await asyncio.to_thread(take_keys, house, alice, bob)
            await sync_until(bob, lambda found: found.device_key_count.signed_curve25519 == left)
            found = fits(SyncResponse, await bob.sync(timeout=0))
            assert found.device_key_count.signed_curve25519 > left
            event_id = await say_anyway(alice, room_id, "Can you read this?")
            assert (await receive(bob, room_id, event_id)).body == "Can you read this?"

    asyncio.run(story())


def take_keys(house: House, alice: Any, bob: Any) -> int:
    """All but one, which is left: that there are none, the library does not notice."""
    wanted = {"one_time_keys": {bob.user_id: {bob.device_id: "signed_curve25519"}}}
    taker, owner = (Person(house.address, one.user_id, one.access_token) for one in (alice, bob))
    count = owner.post(v3("keys", "upload"), {})["one_time_key_counts"]["signed_curve25519"]
    taken = [taker.post(v3("keys", "claim"), wanted)["one_time_keys"][bob.user_id][bob.device_id] for _ in range(count - 1)]
    assert len({name for key in taken for name in key}) == count - 1
    return 1
