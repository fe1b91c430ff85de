// Searching what was said: one page after the other, with what stands around it.
import assert from "node:assert/strict";
import { joined } from "../world.mjs";

export default async function (world) {
    const [alice, bob] = await Promise.all([world.person("alice"), world.person("bob")]);
    const { room_id: roomId } = await alice.createRoom({ preset: "public_chat", name: "Library" });
    await bob.joinRoom(roomId);
    await joined(bob, roomId, alice.getUserId());
    const sent = [];
    for (let number = 0; number < 13; number++) {
        sent.push((await alice.sendTextMessage(roomId, `Page ${number} about 東京都庁 and the café`)).event_id);
    }
    const results = await bob.searchRoomEvents({ term: "京都 CAFE", filter: { rooms: [roomId] } });
    assert.equal(results.count, 13);
    assert.deepEqual(idsOf(results), sent.slice(3).reverse());
    assert.ok(results.highlights.includes("café") && results.highlights.includes("京都"));
    const context = results.results[3].context;
    assert.equal(context.getEvent().getId(), sent[9]);
    const around = context.getTimeline().map((event) => event.getId());
    assert.deepEqual([...around].sort(), [sent[8], sent[9], sent[10]].sort());
    await bob.backPaginateRoomEventsSearch(results);
    assert.deepEqual(idsOf(results), [...sent].reverse());
    assert.ok(!results.next_batch);
    const { search_categories: found } = await bob.searchMessageText({ query: "library", keys: ["content.name"] });
    assert.equal(found.room_events.results[0].result.type, "m.room.name");
}

function idsOf({ results }) {
    return results.map((result) => result.context.getEvent().getId());
}
