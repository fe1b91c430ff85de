"""matrix-nio encrypts, the assistant reads and answers, and nobody else learns a word: neither the homeserver nor what is on disk."""

import asyncio
import io
import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from nio import RoomEncryptedFile, RoomLeaveResponse, RoomMessageNotice
from nio.crypto import decrypt_attachment

from tests.assistant.encryption.guests import Guest, has_keys, turned_on
from tests.assistant.encryption.world import ANSWER, USER, World, open_world
from tests.clients.js.test_scenarios import FOLDER, find_node
from tests.clients.matrix_nio.library import PATIENCE_SECONDS, Table, fits
from tests.clients.person import Person, v3

pytestmark = pytest.mark.slow
SECRET = "What do bears keep under their hats?"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("encrypted")) as opened:
        yield opened


def test_question_and_answer(world: World) -> None:
    async def story() -> None:
        async with Table(world.house, encrypting=True) as table:
            alice, bob = await turned_on(table, USER, "alice", "bob")
            terms = await alice.hears("I am on in this room")
            assert "sees it in plain text" in terms.body
            question = await bob.ask(SECRET)
            for guest in (alice, bob):
                answer = fits(RoomMessageNotice, await guest.hears(ANSWER))
                assert answer.decrypted
                assert answer.source["content"]["m.relates_to"]["event_id"] == question
            assert SECRET in world.model.prompts[-1]
            await bob.say("!task sharpen the marmalade spoons")
            await bob.hears("Task 1: sharpen the marmalade spoons")
            await no_plain_words(world, alice, SECRET, ANSWER, "marmalade spoons")

    asyncio.run(story())


async def no_plain_words(world: World, guest: Guest, *words: str) -> None:
    events = [event for event in guest.heard if event.sender == USER and event.source["type"] == "m.room.message"]
    assert all(event.decrypted for event in events)
    sent = json.dumps(world.relay.sent())
    stored = world.stored()
    for text in words:
        assert text not in sent
        assert text.encode() not in stored
    assert all("/send/m.room.encrypted/" in path or "/send/m.reaction/" in path for path, _ in world.relay.sent() if "/send/" in path)


def session_of(world: World, room: str) -> str:
    """With which the assistant last spoke there."""
    return str([body["session_id"] for path, body in world.relay.sent() if "/send/m.room.encrypted/" in path and room[1:18] in path][-1])


def test_never_in_plain_text(world: World) -> None:
    """Whatever is refused, and whether or not it was known that the room is encrypted: with each message there is somebody who has no key yet."""

    async def story() -> None:
        async with Table(world.house, encrypting=True) as table:
            (alice,) = await turned_on(table, USER, "alice", is_direct=True)
            before = len(world.relay.sent())
            for number, refused in enumerate(("/keys/query", "/keys/claim", "/sendToDevice/", "/joined_members", "/keys/")):
                world.relay.refused = (refused,)
                await somebody_comes(table, alice)
                await alice.say(f"!task water sandwich {number}")
                await asyncio.to_thread(until_turns, world, number + 2)
            assert [path for path, _ in world.relay.sent()[before:] if "/send/" in path] == []
            world.relay.refused = ()
            await alice.say("!task water the last sandwich")
            await alice.hears("water the last sandwich")
            assert "sandwich" not in json.dumps(world.relay.sent()[before:])

    try:
        asyncio.run(story())
    finally:
        world.relay.refused = ()


async def somebody_comes(table: Table, alice: Guest) -> None:
    late = await table.register("late")
    await has_keys(late)
    await alice.client.room_invite(alice.room, late.user_id)
    await late.join(alice.room)
    await alice.until(lambda: late.user_id in alice.client.rooms[alice.room].users)


def turns_of(world: World) -> int:
    """That were ended in one way or another, of the room of the last."""
    with closing(sqlite3.connect(world.folder / "assistant.db")) as journal:
        last = "(SELECT room_id FROM turns ORDER BY number DESC LIMIT 1)"
        return int(journal.execute(f"SELECT COUNT(*) FROM turns WHERE state = 'done' AND room_id = {last}").fetchone()[0])


def until_turns(world: World, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while turns_of(world) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_keys_that_come_after_the_message(world: World) -> None:
    """The question is not lost: it is answered when it can be read."""

    async def story() -> None:
        async with Table(world.house, encrypting=True) as table:
            (alice,) = await turned_on(table, USER, "alice")
            late = hold_keys(alice)
            question = await alice.ask("Can you read this?")
            await asyncio.sleep(0.5)
            assert not any(ANSWER in text for text in alice.said())
            person = person_of(world, alice)
            for number, messages in enumerate(late):
                await asyncio.to_thread(person.put, v3("sendToDevice", "m.room.encrypted", f"late{number}"), messages)
            answer = await alice.hears(ANSWER)
            assert answer.source["content"]["m.relates_to"]["event_id"] == question

    asyncio.run(story())


def hold_keys(guest: Guest) -> list[Any]:
    """The letters with the next key, which the library takes for sent."""
    client = guest.client
    client.invalidate_outbound_session(guest.room)
    shared = list(client.olm.share_group_session_parallel(guest.room, list(client.rooms[guest.room].users), ignore_unverified_devices=True))
    session = client.olm.outbound_group_sessions[guest.room]
    for devices, _ in shared:
        session.users_shared_with.update(devices)
    session.shared = True
    return [messages for _, messages in shared]


def test_files(world: World) -> None:
    """One that is looked at, and one that the assistant makes."""

    async def story() -> None:
        async with Table(world.house, encrypting=True) as table:
            (alice,) = await turned_on(table, USER, "alice")
            data = b"name,count\nmarmalade,3\njam,4\n"
            sent, keys = await alice.client.upload(io.BytesIO(data), "text/csv", "stock.csv", encrypt=True, filesize=len(data))
            file = {"file": keys | {"url": sent.content_uri}, "info": {"mimetype": "text/csv", "size": len(data)}, "msgtype": "m.file"}
            posted = await alice.say("stock.csv", file)
            await alice.say("!ai file", {"m.relates_to": {"m.in_reply_to": {"event_id": posted}}})
            await alice.hears("columns: name, count")
            await alice.say("!meet Breakfast: tomorrow 8:00")
            await alice.until(lambda: any(event.source["type"].endswith("poll.start") for event in alice.heard))
            await alice.say("!meet close")
            made = fits(RoomEncryptedFile, await alice.hears("meeting.ics"))
            stored = (await alice.client.download(made.url)).body
            assert b"Breakfast" not in stored
            opened = decrypt_attachment(stored, made.key["k"], made.hashes["sha256"], made.iv)
            assert b"SUMMARY:Breakfast" in opened
            await no_plain_words(world, alice, "marmalade,3", "Breakfast")

    asyncio.run(story())


def test_off_is_blind_for_what_was(world: World) -> None:
    """Turned on again, it reads what is said from then on, and nothing of before."""

    async def story() -> None:
        async with Table(world.house, encrypting=True) as table:
            (alice,) = await turned_on(table, USER, "alice")
            await alice.say("The cake is in the cellar.")
            await alice.ask("Where is the cake?")
            await alice.hears(ANSWER)
            assert "in the cellar" in world.model.prompts[-1]
            await alice.say("!ai off")
            await alice.hears("I am off in this room, and what I had written down")
            await alice.say("!ai on")
            await alice.until(lambda: sum("I am on in this room" in text for text in alice.said()) == 2)
            await alice.say("The bread is on the table.")
            await alice.ask("Where is the cake now?")
            await alice.until(lambda: sum(ANSWER in text for text in alice.said()) == 2)
            assert "in the cellar" not in world.model.prompts[-1]
            assert "on the table" in world.model.prompts[-1]

    asyncio.run(story())


def test_no_state_with_words(world: World) -> None:
    async def story() -> None:
        async with Table(world.house, encrypting=True) as table:
            (alice,) = await turned_on(table, USER, "alice")
            await alice.say("!ai topic Where the honey is")
            await alice.hears("I suggest no topic and no category here")
            await no_plain_words(world, alice, "Where the honey is")

    asyncio.run(story())


def test_with_the_rust_crypto(world: World) -> None:
    """As Element has it: it reads the assistant and is read, and finds nothing wrong with its device, which its owner has signed."""
    words = [find_node(), "with_assistant.mjs", world.house.address, USER]
    done = subprocess.run(words, cwd=FOLDER, capture_output=True, text=True, timeout=300, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"body":')]
    assert lines, f"{done.stdout[-1000:]} {done.stderr[-2000:]}"
    assert json.loads(lines[-1]) == {"body": ANSWER, "root": True, "shield": 0, "reason": None, "signed": [True]}


def test_a_device_that_is_signed(world: World) -> None:
    async def story() -> None:
        async with Table(world.house, encrypting=True) as table:
            (alice,) = await turned_on(table, USER, "alice")
            found = await asyncio.to_thread(person_of(world, alice).post, v3("keys", "query"), {"device_keys": {USER: []}})
            (device,) = found["device_keys"][USER].values()
            self_signing = next(iter(found["self_signing_keys"][USER]["keys"]))
            assert self_signing in device["signatures"][USER]

    asyncio.run(story())


def test_another_life_with_a_model_that_others_run(world: World) -> None:
    """It still has its keys, speaks with the same until somebody leaves, and uses no such model. The last story here: it is left with that model."""

    async def story() -> None:
        async with Table(world.house, encrypting=True) as table:
            alice, bob = await turned_on(table, USER, "alice", "bob")
            first = session_of(world, alice.room)
            world.stop(signal.SIGKILL)
            world.start(base_url="https://models.example/v1", provider="somebody else")
            await alice.ask("Are you still there?")
            for guest in (alice, bob):
                await guest.hears("(This room is encrypted, and the language model is run elsewhere")
            assert session_of(world, alice.room) == first
            fits(RoomLeaveResponse, await bob.client.room_leave(alice.room))
            await alice.until(lambda: bob.client.user_id not in alice.client.rooms[alice.room].users)
            await alice.say("!ai status")
            await alice.hears("I do not use it here, unless whoever runs me allows that. All that needs no model works. I keep IDs")
            assert session_of(world, alice.room) != first

    asyncio.run(story())


def person_of(world: World, guest: Guest) -> Person:
    return Person(world.house.address, guest.client.user_id, guest.client.access_token)
