// A space is browsed page by page; a room is looked at before it is entered.
import assert from "node:assert/strict";
import { joined } from "../world.mjs";

export default async function (world) {
    const [alice, bob] = await Promise.all([world.person("alice"), world.person("bob")]);
    const creation_content = { type: "m.space" };
    const { room_id: space } = await alice.createRoom({ name: "House", preset: "public_chat", creation_content });
    const rooms = [];
    for (const name of ["Hall", "Kitchen", "Attic"]) {
        const { room_id: room } = await alice.createRoom({ name, topic: `The ${name}`, preset: "public_chat" });
        rooms.push(room);
        await alice.sendStateEvent(space, "m.space.child", { via: [alice.getDomain()], suggested: name === "Hall", order: name }, room);
    }
    const { room_id: hidden } = await alice.createRoom({ name: "Cellar", preset: "private_chat" });
    await alice.sendStateEvent(space, "m.space.child", { via: [alice.getDomain()] }, hidden);
    await bob.joinRoom(space);
    assert.ok((await joined(bob, space)).isSpaceRoom());

    const ids = (page) => page.rooms.map((room) => room.room_id);
    const whole = await bob.getRoomHierarchy(space);
    assert.deepEqual(ids(whole), [space, rooms[2], rooms[0], rooms[1]]);
    assert.equal(whole.rooms[0].children_state.length, 4);
    const first = await bob.getRoomHierarchy(space, 2);
    const rest = await bob.getRoomHierarchy(space, 2, undefined, false, first.next_batch);
    assert.deepEqual([...ids(first), ...ids(rest)], ids(whole));
    assert.deepEqual(ids(await bob.getRoomHierarchy(space, 20, 1, true)), [space, rooms[0]]);

    const summary = await bob.getRoomSummary(rooms[1]);
    assert.equal(summary.name, "Kitchen");
    assert.equal(summary.topic, "The Kitchen");
    assert.equal(summary.num_joined_members, 1);
    assert.equal(summary.membership ?? "leave", "leave");
}
