"""Two people on two servers talk in secret, with matrix-nio: devices and keys of the other server's users, and messages to their devices."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from nio import EnableEncryptionBuilder, JoinResponse, RoomCreateResponse, RoomMessageText, RoomPreset

from tests.clients.matrix_nio.library import Table, fits, receive, sync_until
from tests.clients.matrix_nio.test_encryption import acquaint, compare, until, uploads
from tests.clients.matrix_nio.test_talk import say
from tests.peers.pair import Pair
from tests.peers.person import Side


@dataclass(frozen=True)
class Door:
    """Where clients come to one of the two servers."""

    side: Side
    suffix: str

    @property
    def address(self) -> str:
        return self.side.address

    def new_name(self, stem: str) -> str:
        return stem + self.suffix


async def meet(alice: Any, bob: Any) -> str:
    encryption = EnableEncryptionBuilder().as_dict()
    created = await alice.room_create(preset=RoomPreset.private_chat, initial_state=[encryption], invite=[bob.user_id])
    room_id = str(fits(RoomCreateResponse, created).room_id)
    await sync_until(bob, lambda response: room_id in response.rooms.invite)
    fits(JoinResponse, await bob.join(room_id))
    for one, other in ((alice, bob), (bob, alice)):
        await acquaint(one, room_id, [other])
    return room_id


async def another_device(table: Table, alice: Any, bob: Any, room_id: str) -> None:
    """The other server tells of it, and it reads what comes after."""
    phone = await table.log_in(bob.user_id)
    await uploads(phone)
    await until(alice, lambda: alice.device_store[bob.user_id].get(phone.device_id) is not None)
    alice.verify_device(alice.device_store[bob.user_id][phone.device_id])
    event_id = await say(alice, room_id, "to all of them")
    for device in (bob, phone):
        assert fits(RoomMessageText, await receive(device, room_id, event_id)).body == "to all of them"


@pytest.mark.parametrize("host", ["ours", "theirs"])
def test_two_people_talk_in_secret(pair: Pair, host: str) -> None:
    doors = [Door(side, f"-{host}") for side in (pair.ours, pair.theirs)]
    first, second = doors if host == "ours" else doors[::-1]

    async def story() -> None:
        async with Table(first, encrypting=True) as here, Table(second, encrypting=True) as there:
            alice, bob = await here.register("alice"), await there.register("bob")
            for person in (bob, alice):
                await uploads(person)
            room_id = await meet(alice, bob)
            await compare(alice, bob)
            for speaker, listener in ((alice, bob), (bob, alice)):
                event_id = await say(speaker, room_id, f"from {speaker.user_id}")
                heard = fits(RoomMessageText, await receive(listener, room_id, event_id))
                assert (heard.body, heard.decrypted, heard.verified) == (f"from {speaker.user_id}", True, True)
            await another_device(there, alice, bob, room_id)

    asyncio.run(story())
