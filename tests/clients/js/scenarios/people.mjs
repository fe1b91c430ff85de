// What people show of themselves, and what they keep for themselves.
import assert from "node:assert/strict";
import { arrival, eventually, joined, until } from "../world.mjs";

const PICTURE = "mxc://clients.test/picture";

export default async function (world) {
    const [alice, bob] = await Promise.all([world.person("alice"), world.person("bob")]);
    const { room_id: roomId } = await alice.createRoom({ invite: [bob.getUserId()], is_direct: true });
    await bob.joinRoom(roomId);
    const room = await joined(bob, roomId, alice.getUserId());
    await joined(alice, roomId, bob.getUserId());
    await profile(alice, bob, room);
    await presence(alice, bob);
    await keep(alice, roomId);
    await ignore(alice, bob, roomId);
}

async function profile(alice, bob, room) {
    const name = `Alice ${alice.getUserIdLocalpart()}`;
    await alice.setDisplayName(name);
    await alice.setAvatarUrl(PICTURE);
    await until(bob, () => room.getMember(alice.getUserId()).getMxcAvatarUrl() === PICTURE);
    assert.equal(room.getMember(alice.getUserId()).rawDisplayName, name);
    assert.deepEqual(await bob.getProfileInfo(alice.getUserId()), { displayname: name, avatar_url: PICTURE });
    assert.deepEqual(await bob.getProfileInfo(alice.getUserId(), "displayname"), { displayname: name });
    assert.ok(await alice.doesServerSupportExtendedProfiles());
    await alice.setExtendedProfileProperty("m.tz", "Europe/Berlin");
    assert.equal(await bob.getExtendedProfileProperty(alice.getUserId(), "m.tz"), "Europe/Berlin");
    assert.equal((await bob.getExtendedProfile(alice.getUserId()))["m.tz"], "Europe/Berlin");
    await alice.deleteExtendedProfileProperty("m.tz");
    assert.equal((await bob.getExtendedProfile(alice.getUserId()))["m.tz"], undefined);
    const search = () => bob.searchUserDirectory({ term: name, limit: 5 });
    const found = await eventually(search, ({ results }) => results[0]?.display_name === name && results[0].avatar_url);
    assert.deepEqual(found.results, [{ user_id: alice.getUserId(), display_name: name, avatar_url: PICTURE }]);
}

async function presence(alice, bob) {
    await alice.setSyncPresence("unavailable");
    await alice.setPresence({ presence: "unavailable", status_msg: "gone fishing" });
    await until(bob, () => bob.getUser(alice.getUserId())?.presenceStatusMsg === "gone fishing");
    const seen = await bob.getPresence(alice.getUserId());
    assert.equal(seen.presence, "unavailable");
}

async function keep(alice, roomId) {
    await alice.setAccountData("m.direct", { "@bob:clients.test": [roomId] });
    assert.deepEqual(alice.getAccountData("m.direct").getContent(), { "@bob:clients.test": [roomId] });
    assert.deepEqual(await alice.getAccountDataFromServer("m.direct"), { "@bob:clients.test": [roomId] });
    assert.equal(await alice.getAccountDataFromServer("org.example.nothing"), null);
    assert.ok(alice.getAccountData("m.push_rules").getContent().global.override.length > 0);
}

async function ignore(alice, bob, roomId) {
    await alice.setIgnoredUsers([bob.getUserId()]);
    await until(alice, () => alice.isUserIgnored(bob.getUserId()));
    const { event_id: unheard } = await bob.sendTextMessage(roomId, "do you hear me?");
    const { event_id: own } = await alice.sendTextMessage(roomId, "how quiet it is");
    await arrival(alice, roomId, own);
    assert.ok(!alice.getRoom(roomId).findEventById(unheard));
    await alice.setIgnoredUsers([]);
    await until(alice, () => !alice.isUserIgnored(bob.getUserId()));
    const { event_id: heard } = await bob.sendTextMessage(roomId, "and now?");
    await arrival(alice, roomId, heard);
}
