// Running a room: names, aliases, directory, powers, moderation, knocking, tags, leaving, upgrading.
import assert from "node:assert/strict";
import { arrival, joined, refused, until } from "../world.mjs";

export default async function (world) {
    const [alice, bob] = await Promise.all([world.person("alice"), world.person("bob")]);
    await publish(alice, bob);
    await moderate(alice, bob);
    await knock(alice, bob);
    await upgrade(alice, bob);
}

async function publish(alice, bob) {
    const name = `garden-${alice.getUserIdLocalpart()}`;
    const options = { room_alias_name: name, name, visibility: "public", preset: "public_chat" };
    const { room_id: roomId } = await alice.createRoom(options);
    const alias = `#${name}:${alice.getDomain()}`;
    assert.equal((await bob.getRoomIdForAlias(alias)).room_id, roomId);
    await bob.joinRoom(alias);
    const room = await joined(bob, roomId, alice.getUserId());
    assert.equal(room.getCanonicalAlias(), alias);
    await alice.setRoomName(roomId, "Rose garden");
    await alice.setRoomTopic(roomId, "Roses", "<b>Roses</b>");
    await until(bob, () => room.name === "Rose garden");
    assert.equal((await bob.getStateEvent(roomId, "m.room.topic", "")).topic, "Roses");
    const shed = `#${name}-shed:${alice.getDomain()}`;
    await alice.createAlias(shed, roomId);
    assert.deepEqual((await bob.getLocalAliases(roomId)).aliases.sort(), [alias, shed].sort());
    await alice.deleteAlias(shed);
    await refused("M_NOT_FOUND", bob.getRoomIdForAlias(shed));
    const listed = await bob.publicRooms({ limit: 5, filter: { generic_search_term: "Rose garden" } });
    assert.ok(listed.chunk.some((found) => found.room_id === roomId && found.num_joined_members === 2));
    assert.ok((await bob.publicRooms({ limit: 1 })).chunk.length === 1);
    await alice.setRoomDirectoryVisibility(roomId, "private");
    assert.equal((await bob.getRoomDirectoryVisibility(roomId)).visibility, "private");
    await tag(bob, room);
}

async function tag(bob, room) {
    await bob.setRoomTag(room.roomId, "m.favourite", { order: 0.25 });
    await until(bob, () => room.tags["m.favourite"]?.order === 0.25);
    assert.deepEqual((await bob.getRoomTags(room.roomId)).tags, { "m.favourite": { order: 0.25 } });
    await bob.deleteRoomTag(room.roomId, "m.favourite");
    await until(bob, () => !room.tags["m.favourite"]);
    await bob.setRoomAccountData(room.roomId, "org.example.note", { text: "water on Fridays" });
    await until(bob, () => room.getAccountData("org.example.note")?.getContent().text === "water on Fridays");
}

async function moderate(alice, bob) {
    await alice.setAvatarUrl("mxc://clients.test/picture");
    const { room_id: roomId } = await alice.createRoom({ preset: "public_chat" });
    await bob.joinRoom(roomId);
    const room = await joined(alice, roomId, bob.getUserId());
    await refused("M_FORBIDDEN", bob.setRoomName(roomId, "Bob's"));
    await alice.setPowerLevel(roomId, bob.getUserId(), 50);
    await until(alice, () => room.getMember(bob.getUserId()).powerLevel === 50);
    await bob.setRoomName(roomId, "Bob's");
    const membership = (wanted) => until(bob, () => bob.getRoom(roomId)?.getMyMembership() === wanted);
    await alice.kick(roomId, bob.getUserId(), "calm down");
    await membership("leave");
    await alice.ban(roomId, bob.getUserId(), "really");
    await membership("ban");
    await refused("M_FORBIDDEN", bob.joinRoom(roomId));
    await alice.unban(roomId, bob.getUserId());
    await bob.joinRoom(roomId);
    await membership("join");
    await bob.leave(roomId);
    await membership("leave");
    await bob.forget(roomId);
    assert.equal(bob.getRoom(roomId), null);
    assert.ok(!(await bob.getJoinedRooms()).joined_rooms.includes(roomId));
    assert.deepEqual(Object.keys((await alice.getJoinedRoomMembers(roomId)).joined), [alice.getUserId()]);
}

async function knock(alice, bob) {
    const join_rules = { type: "m.room.join_rules", state_key: "", content: { join_rule: "knock" } };
    const { room_id: roomId } = await alice.createRoom({ name: "Club", initial_state: [join_rules] });
    await joined(alice, roomId);
    await bob.knockRoom(roomId, { reason: "please" });
    await until(bob, () => bob.getRoom(roomId)?.getMyMembership() === "knock");
    await until(alice, () => alice.getRoom(roomId).getMember(bob.getUserId())?.membership === "knock");
    await alice.invite(roomId, bob.getUserId(), "welcome");
    await until(bob, () => bob.getRoom(roomId).getMyMembership() === "invite");
    await bob.joinRoom(roomId);
    await joined(bob, roomId, alice.getUserId());
}

async function upgrade(alice, bob) {
    const { room_id: old } = await alice.createRoom({ name: "Old town", preset: "public_chat", room_version: "11" });
    await bob.joinRoom(old);
    await joined(bob, old);
    const { replacement_room: successor } = await alice.upgradeRoom(old, "12");
    const tombstone = await until(bob, () => bob.getRoom(old).currentState.getStateEvents("m.room.tombstone", ""));
    assert.equal(tombstone.getContent().replacement_room, successor);
    await bob.joinRoom(successor);
    const room = await joined(bob, successor, alice.getUserId());
    assert.equal(room.name, "Old town");
    assert.equal(room.getVersion(), "12");
    assert.equal(room.findPredecessor().roomId, old);
    assert.deepEqual(bob.getRoomUpgradeHistory(successor).map((one) => one.roomId), [old, successor]);
    const { event_id: moved } = await bob.sendTextMessage(successor, "all here");
    await arrival(alice, successor, moved);
    await refused("M_FORBIDDEN", bob.sendTextMessage(old, "still here?"));
}
