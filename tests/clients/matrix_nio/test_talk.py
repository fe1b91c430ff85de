"""Two people with matrix-nio talk: invite, join, send, react, reply, edit, redact, type, read, page back."""

import asyncio
from typing import Any

from nio import (
    JoinedMembersResponse,
    JoinResponse,
    MessageDirection,
    ProfileSetAvatarResponse,
    ReactionEvent,
    ReceiptType,
    RedactedEvent,
    RedactionEvent,
    RoomContextResponse,
    RoomCreateResponse,
    RoomGetEventResponse,
    RoomInviteResponse,
    RoomMessagesResponse,
    RoomMessageText,
    RoomReadMarkersResponse,
    RoomRedactResponse,
    RoomSendResponse,
    RoomTypingResponse,
    UpdateReceiptMarkerResponse,
)

from tests.clients.house import House
from tests.clients.matrix_nio.library import PICTURE, Table, fits, receive, room_of, sync_until


async def say(client: Any, room_id: str, content: dict[str, Any] | str, kind: str = "m.room.message") -> str:
    body = {"msgtype": "m.text", "body": content} if isinstance(content, str) else content
    return str(fits(RoomSendResponse, await client.room_send(room_id, kind, body)).event_id)


async def meet(alice: Any, bob: Any) -> str:
    """A private room that Alice makes and Bob, invited, joins."""
    created = fits(RoomCreateResponse, await alice.room_create(name="Kitchen", topic="Tea", is_direct=True))
    fits(RoomInviteResponse, await alice.room_invite(created.room_id, bob.user_id))
    await sync_until(bob, lambda found: created.room_id in found.rooms.invite)
    assert bob.invited_rooms[created.room_id].name == "Kitchen"
    assert bob.invited_rooms[created.room_id].inviter == alice.user_id
    fits(JoinResponse, await bob.join(created.room_id))
    await sync_until(bob, lambda found: created.room_id in found.rooms.join)
    await sync_until(alice, lambda found: created.room_id in found.rooms.join and bob.user_id in room_of(alice, created.room_id).users)
    return str(created.room_id)


def test_two_people_talk(house: House) -> None:
    async def story() -> None:
        async with Table(house) as table:
            alice, bob = await table.register("alice"), await table.register("bob")
            for person in (alice, bob):
                fits(ProfileSetAvatarResponse, await person.set_avatar(PICTURE))
            room_id = await meet(alice, bob)
            assert room_of(bob, room_id).topic == "Tea"
            hello = await say(alice, room_id, "Hello Bob")
            heard = fits(RoomMessageText, await receive(bob, room_id, hello))
            assert (heard.body, heard.sender) == ("Hello Bob", alice.user_id)
            await relate(alice, bob, room_id, hello)
            await erase(alice, bob, room_id)
            members = fits(JoinedMembersResponse, await bob.joined_members(room_id))
            assert {(member.user_id, member.avatar_url) for member in members.members} == {(alice.user_id, PICTURE), (bob.user_id, PICTURE)}

    asyncio.run(story())


async def relate(alice: Any, bob: Any, room_id: str, hello: str) -> None:
    """React, reply, edit."""
    annotation = {"m.relates_to": {"rel_type": "m.annotation", "event_id": hello, "key": "👋"}}
    reaction = fits(ReactionEvent, await receive(alice, room_id, await say(bob, room_id, annotation, "m.reaction")))
    assert (reaction.reacts_to, reaction.key) == (hello, "👋")
    answer = await say(bob, room_id, {"msgtype": "m.text", "body": "Hi", "m.relates_to": {"m.in_reply_to": {"event_id": hello}}})
    replied = await receive(alice, room_id, answer)
    assert replied.source["content"]["m.relates_to"]["m.in_reply_to"]["event_id"] == hello
    new = {"msgtype": "m.text", "body": "Hi Alice"}
    edit = {"msgtype": "m.text", "body": "* Hi Alice", "m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": answer}}
    edited = await receive(alice, room_id, await say(bob, room_id, edit))
    assert edited.source["content"]["m.new_content"] == new
    found = fits(RoomGetEventResponse, await alice.room_get_event(room_id, answer))
    assert found.event.source["unsigned"]["m.relations"]["m.replace"]["content"]["m.new_content"] == new


async def erase(alice: Any, bob: Any, room_id: str) -> None:
    slip = await say(bob, room_id, "my password is hunter2")
    await receive(alice, room_id, slip)
    redaction = fits(RoomRedactResponse, await bob.room_redact(room_id, slip, reason="oops"))
    told = fits(RedactionEvent, await receive(alice, room_id, redaction.event_id))
    assert (told.redacts, told.reason) == (slip, "oops")
    gone = fits(RoomGetEventResponse, await alice.room_get_event(room_id, slip))
    assert isinstance(gone.event, RedactedEvent)
    assert gone.event.source["content"] == {}


def test_typing_and_reading(house: House) -> None:
    async def story() -> None:
        async with Table(house) as table:
            alice, bob = await table.register("alice"), await table.register("bob")
            room_id = await meet(alice, bob)
            fits(RoomTypingResponse, await bob.room_typing(room_id, True, timeout=20_000))
            await sync_until(alice, lambda _: room_of(alice, room_id).typing_users == [bob.user_id])
            fits(RoomTypingResponse, await bob.room_typing(room_id, False))
            await sync_until(alice, lambda _: not room_of(alice, room_id).typing_users)
            await read(alice, bob, room_id)

    asyncio.run(story())


async def read(alice: Any, bob: Any, room_id: str) -> None:
    """Public, threaded and private receipts, and the marker of what was read in full."""
    first = await say(alice, room_id, "one")
    second = await say(alice, room_id, "two")
    in_thread = {"msgtype": "m.text", "body": "aside", "m.relates_to": {"rel_type": "m.thread", "event_id": first}}
    third = await say(alice, room_id, in_thread)
    await receive(bob, room_id, third)
    assert room_of(bob, room_id).unread_notifications == 3
    fits(UpdateReceiptMarkerResponse, await bob.update_receipt_marker(room_id, second))
    await sync_until(alice, lambda _: bob.user_id in room_of(alice, room_id).threaded_read_receipts)
    assert room_of(alice, room_id).threaded_read_receipts[bob.user_id]["main"].event_id == second
    fits(UpdateReceiptMarkerResponse, await bob.update_receipt_marker(room_id, third, thread_id=first))
    fits(UpdateReceiptMarkerResponse, await bob.update_receipt_marker(room_id, second, ReceiptType.read_private, thread_id="main"))
    fits(RoomReadMarkersResponse, await bob.room_read_markers(room_id, third, read_event=third, private_read_event=third))
    await sync_until(bob, lambda _: room_of(bob, room_id).fully_read_marker == third and not room_of(bob, room_id).unread_notifications)


def test_paging_back(house: House) -> None:
    async def story() -> None:
        async with Table(house) as table:
            alice, bob = await table.register("alice"), await table.register("bob")
            room_id = await meet(alice, bob)
            sent = [await say(alice, room_id, f"message {number}") for number in range(30)]
            seen: list[str] = []
            start = ""
            while page := fits(RoomMessagesResponse, await bob.room_messages(room_id, start, limit=12)).chunk:
                seen += [event.event_id for event in page if isinstance(event, RoomMessageText)]
                start = fits(RoomMessagesResponse, await bob.room_messages(room_id, start, limit=12)).end or ""
                if not start:
                    break
            assert seen == sent[::-1]
            await forwards(bob, room_id, sent)

    asyncio.run(story())


async def forwards(bob: Any, room_id: str, sent: list[str]) -> None:
    around = fits(RoomContextResponse, await bob.room_context(room_id, sent[15], limit=10))
    assert around.event.event_id == sent[15]
    assert [event.event_id for event in around.events_before] == sent[14:9:-1]
    assert [event.event_id for event in around.events_after] == sent[16:21]
    later = fits(RoomMessagesResponse, await bob.room_messages(room_id, around.end, direction=MessageDirection.front, limit=4))
    assert [event.event_id for event in later.chunk] == sent[21:25]


def test_a_second_device_catches_up(house: House) -> None:
    async def story() -> None:
        async with Table(house) as table:
            alice, bob = await table.register("alice"), await table.register("bob")
            room_id = await meet(alice, bob)
            sent = [await say(alice, room_id, f"message {number}") for number in range(5)]
            phone = await table.log_in(bob.user_id)
            assert phone.device_id != bob.device_id
            await receive(phone, room_id, sent[-1])
            assert room_of(phone, room_id).display_name == "Kitchen"
            assert set(room_of(phone, room_id).users) == {alice.user_id, bob.user_id}

    asyncio.run(story())
