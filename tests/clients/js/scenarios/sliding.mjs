// A client that syncs by sliding sync alone: windows on the list of rooms, subscriptions, what comes beside rooms.
import assert from "node:assert/strict";
import { SlidingSync, SlidingSyncEvent, SlidingSyncState } from "matrix-js-sdk/lib/sliding-sync.js";
import { arrival, bodies, joined, until } from "../world.mjs";

const REQUIRED = [["m.room.create", ""], ["m.room.name", ""], ["m.room.member", "$ME"], ["m.room.member", "$LAZY"], ["m.room.encryption", ""]];
const list = (last, filters) => ({ ranges: [[0, last]], timeline_limit: 1, required_state: REQUIRED, filters });

export default async function (world) {
    const bob = await world.person("bob");
    const alice = await world.register("alice");
    const rooms = [];
    for (const name of ["One", "Two", "Three", "Four"]) {
        const { room_id } = await alice.createRoom({ name, invite: [bob.getUserId()] });
        await bob.joinRoom(room_id);
        rooms.push(room_id);
    }
    const lists = new Map([["all", list(1)], ["invites", list(9, { is_invite: true })]]);
    const sliding = new SlidingSync(world.address, lists, { timeline_limit: 20, required_state: [["*", "*"]] }, alice, 20_000);
    const failures = [];
    sliding.on(SlidingSyncEvent.Lifecycle, (state, answer, error) => state === SlidingSyncState.RequestFinished && error && failures.push(error));
    await alice.startClient({ slidingSync: sliding });

    await joined(alice, rooms[3]);
    assert.equal(alice.getRoom(rooms[3]).name, "Four");
    assert.equal(sliding.getListData("all").joinedCount, 4);
    assert.equal(alice.getRoom(rooms[0]), null);
    sliding.setListRanges("all", [[0, 9]]);
    await joined(alice, rooms[0]);

    const { event_id: hello } = await bob.sendTextMessage(rooms[0], "hello");
    await arrival(alice, rooms[0], hello);
    await talk(world, alice, bob, rooms[1], sliding);
    await invited(alice, bob);
    sliding.stop();
    assert.deepEqual(failures, []);
}

async function talk(world, alice, bob, roomId, sliding) {
    const said = [];
    for (let count = 0; count < 5; count++) said.push((await bob.sendTextMessage(roomId, `message ${count}`)).event_id);
    await arrival(alice, roomId, said.at(-1));
    sliding.modifyRoomSubscriptions(new Set([roomId]));
    await until(alice, () => alice.getRoom(roomId).getLiveTimeline().getEvents().length > 8);
    assert.deepEqual(bodies(alice.getRoom(roomId).getLiveTimeline().getEvents()), [0, 1, 2, 3, 4].map((count) => `message ${count}`));
    await bob.sendTyping(roomId, true, 20_000);
    await until(alice, () => alice.getRoom(roomId).getMember(bob.getUserId())?.typing);
    await bob.sendReadReceipt(bob.getRoom(roomId).findEventById(said.at(-1)));
    await until(alice, () => alice.getRoom(roomId).getEventReadUpTo(bob.getUserId(), true) === said.at(-1));
    await alice.setAccountData("org.example.thing", { colour: "blue" });
    await until(alice, () => alice.getAccountData("org.example.thing")?.getContent().colour === "blue");
    await alice.setRoomTag(roomId, "m.favourite", { order: 0.5 });
    await until(alice, () => alice.getRoom(roomId).tags["m.favourite"]);
}

async function invited(alice, bob) {
    const { room_id } = await bob.createRoom({ name: "Five", invite: [alice.getUserId()] });
    await until(alice, () => alice.getRoom(room_id)?.getMyMembership() === "invite");
    await alice.joinRoom(room_id);
    await joined(alice, room_id);
    assert.equal(alice.getRoom(room_id).name, "Five");
}
