// Two people talk: invite, join, send, react, reply, edit, redact, type, read.
import assert from "node:assert/strict";
import { ReceiptType } from "matrix-js-sdk";
import { arrival, joined, until } from "../world.mjs";

export default async function (world) {
    const [alice, bob] = await Promise.all([world.person("alice"), world.person("bob")]);
    const { room_id: roomId } = await alice.createRoom({ name: "Kitchen", topic: "Tea", preset: "private_chat" });
    await alice.invite(roomId, bob.getUserId());
    await until(bob, () => bob.getRoom(roomId)?.getMyMembership() === "invite");
    assert.equal(bob.getRoom(roomId).name, "Kitchen");
    await bob.joinRoom(roomId);
    await joined(alice, roomId, bob.getUserId());
    await joined(bob, roomId, alice.getUserId());

    const { event_id: hello } = await alice.sendTextMessage(roomId, "Hello Bob");
    const heard = await arrival(bob, roomId, hello);
    assert.equal(heard.getContent().body, "Hello Bob");
    assert.equal(heard.getSender(), alice.getUserId());
    await respond(alice, bob, roomId, heard);
    await watch(alice, bob, roomId);
    await erase(alice, bob, roomId);
}

async function respond(alice, bob, roomId, heard) {
    const hello = heard.getId();
    const annotation = { rel_type: "m.annotation", event_id: hello, key: "👋" };
    const { event_id: reaction } = await bob.sendEvent(roomId, "m.reaction", { "m.relates_to": annotation });
    assert.deepEqual((await arrival(alice, roomId, reaction)).getRelation(), annotation);

    const reply = { msgtype: "m.text", body: "Hi", "m.relates_to": { "m.in_reply_to": { event_id: hello } } };
    const { event_id: answer } = await bob.sendMessage(roomId, reply);
    assert.equal((await arrival(alice, roomId, answer)).replyEventId, hello);

    const changed = { msgtype: "m.text", body: "Hi Alice" };
    const edit = { ...changed, body: "* Hi Alice", "m.new_content": changed, "m.relates_to": { rel_type: "m.replace", event_id: answer } };
    await bob.sendMessage(roomId, edit);
    await until(alice, () => alice.getRoom(roomId).findEventById(answer).getContent().body === "Hi Alice");

    const related = await alice.relations(roomId, hello, "m.annotation", "m.reaction");
    assert.deepEqual(related.events.map((event) => event.getId()), [reaction]);
    const replacement = (await alice.fetchRoomEvent(roomId, answer)).unsigned["m.relations"]["m.replace"];
    assert.deepEqual(replacement.content["m.new_content"], changed);
}

async function watch(alice, bob, roomId) {
    await bob.sendTyping(roomId, true, 20_000);
    await until(alice, () => alice.getRoom(roomId).getMember(bob.getUserId()).typing);
    await bob.sendTyping(roomId, false, 0);
    await until(alice, () => !alice.getRoom(roomId).getMember(bob.getUserId()).typing);

    const { event_id: eventId } = await alice.sendTextMessage(roomId, "read this");
    const event = await arrival(bob, roomId, eventId);
    await until(bob, () => bob.getRoom(roomId).getRoomUnreadNotificationCount("total") > 0);
    await bob.sendReadReceipt(event);
    await until(alice, () => alice.getRoom(roomId).hasUserReadEvent(bob.getUserId(), eventId));
    await until(bob, () => bob.getRoom(roomId).getRoomUnreadNotificationCount("total") === 0);

    const { event_id: secret } = await alice.sendTextMessage(roomId, "read this unseen");
    const unseen = await arrival(bob, roomId, secret);
    await bob.sendReadReceipt(unseen, ReceiptType.ReadPrivate);
    await bob.setRoomReadMarkers(roomId, secret, undefined, unseen);
    await until(bob, () => bob.getRoom(roomId).getAccountData("m.fully_read")?.getContent().event_id === secret);
    assert.equal(alice.getRoom(roomId).getEventReadUpTo(bob.getUserId()), eventId);
}

async function erase(alice, bob, roomId) {
    const { event_id: slip } = await bob.sendTextMessage(roomId, "my password is hunter2");
    await arrival(alice, roomId, slip);
    await bob.redactEvent(roomId, slip, undefined, { reason: "oops" });
    const gone = await until(alice, () => {
        const event = alice.getRoom(roomId).findEventById(slip);
        return event.isRedacted() && event;
    });
    assert.deepEqual(gone.getContent(), {});
    assert.equal(gone.getUnsigned().redacted_because.content.reason, "oops");
}
