// A thread beside the main timeline: its summary, its own receipts and counts, the list of threads.
import assert from "node:assert/strict";
import { ThreadFilterType } from "matrix-js-sdk/lib/models/thread.js";
import { arrival, joined, until } from "../world.mjs";

export default async function (world) {
    const [alice, bob] = await Promise.all([world.person("alice"), world.person("bob")]);
    const { room_id: roomId } = await alice.createRoom({ name: "Forum", invite: [bob.getUserId()] });
    await bob.joinRoom(roomId);
    const room = await joined(bob, roomId);
    await joined(alice, roomId, bob.getUserId());
    const { event_id: root } = await alice.sendTextMessage(roomId, "a question");
    await arrival(bob, roomId, root);
    const answers = [];
    for (const text of ["one answer", "another"]) {
        answers.push((await alice.sendTextMessage(roomId, root, text)).event_id);
    }
    const thread = await until(bob, () => room.getThread(root)?.length === 2 && room.getThread(root));
    await until(bob, () => thread.findEventById(answers[1]));
    await count(bob, room, thread);

    const { event_id: own } = await bob.sendTextMessage(roomId, root, "mine");
    await until(alice, () => alice.getRoom(roomId).getThread(root)?.length === 3);
    const list = await bob.createThreadListMessagesRequest(roomId, null, 10, "b", ThreadFilterType.All);
    assert.deepEqual(list.chunk.map((event) => event.event_id), [root]);
    const summary = list.chunk[0].unsigned["m.relations"]["m.thread"];
    assert.equal(summary.count, 3);
    assert.equal(summary.latest_event.event_id, own);
    assert.equal(summary.current_user_participated, true);
    const mine = await alice.createThreadListMessagesRequest(roomId, null, 10, "b", ThreadFilterType.My);
    assert.equal(mine.chunk.length, 1);
    const page = await bob.fetchRelations(roomId, root, "m.thread", null, { limit: 2, dir: "f" });
    assert.deepEqual(page.chunk.map((event) => event.event_id), answers);
    const rest = await bob.fetchRelations(roomId, root, "m.thread", null, { from: page.next_batch, dir: "f" });
    assert.deepEqual(rest.chunk.map((event) => event.event_id), [own]);
}

async function count(bob, room, thread) {
    await until(bob, () => room.getThreadUnreadNotificationCount(thread.id, "total") === 2);
    assert.equal(room.getRoomUnreadNotificationCount("total"), 1);
    await bob.sendReadReceipt(thread.lastReply());
    await until(bob, () => room.getThreadUnreadNotificationCount(thread.id, "total") === 0);
    assert.equal(room.getRoomUnreadNotificationCount("total"), 1);
    await bob.sendReadReceipt(room.findEventById(thread.id));
    await until(bob, () => room.getRoomUnreadNotificationCount("total") === 0);
}
