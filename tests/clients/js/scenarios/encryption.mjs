// Two people with identities verify each other and talk in secret; a further device and a newcomer read what comes after them.
import assert from "node:assert/strict";
import { compare, encrypting, further, identify, identifyAnew, reads, secretRoom, settled } from "../crypto.mjs";
import { joined, until } from "../world.mjs";

export default async function (world) {
    const [alice, bob] = await Promise.all([encrypting(world, "alice"), encrypting(world, "bob")]);
    await Promise.all([identify(alice), identify(bob)]);
    const roomId = await secretRoom(alice, { invite: [bob.getUserId()], is_direct: true });
    await until(bob, () => bob.getRoom(roomId)?.getMyMembership() === "invite");
    await bob.joinRoom(roomId);
    await Promise.all([joined(alice, roomId, bob.getUserId()), joined(bob, roomId, alice.getUserId())]);

    const { event_id: hello } = await alice.sendTextMessage(roomId, "Hello Bob");
    assert.equal(await reads(bob, roomId, hello), "Hello Bob");
    const { event_id: hi } = await bob.sendTextMessage(roomId, "Hi Alice");
    assert.equal(await reads(alice, roomId, hi), "Hi Alice");
    const stored = await alice.fetchRoomEvent(roomId, hi);
    assert.equal(stored.type, "m.room.encrypted");

    await verify(alice, bob, roomId);
    await onAnotherDevice(world, alice, bob, roomId);
    await withoutTheOneWhoLeft(alice, bob, roomId);
    await replaceIdentity(alice, bob);
}

async function verify(alice, bob, roomId) {
    await compare(alice, bob, (crypto) => crypto.requestVerificationDM(bob.getUserId(), roomId));
    const verified = async (client, other) => (await client.getCrypto().getUserVerificationStatus(other.getUserId())).isCrossSigningVerified();
    await settled(async () => (await verified(alice, bob)) && (await verified(bob, alice)));
    const status = await alice.getCrypto().getDeviceVerificationStatus(bob.getUserId(), bob.getDeviceId());
    assert.ok(status.crossSigningVerified);
}

/** Alice's client learns of it, and takes it in. */
async function onAnotherDevice(world, alice, bob, roomId) {
    const phone = await further(world, bob);
    const known = async () => (await alice.getCrypto().getUserDeviceInfo([bob.getUserId()])).get(bob.getUserId())?.has(phone.getDeviceId());
    await settled(known);
    const { event_id: both } = await alice.sendTextMessage(roomId, "To both of yours");
    assert.equal(await reads(phone, roomId, both), "To both of yours");
    await phone.logout(true);
    await settled(async () => !(await known()));
}

/** Who left has no key to what is said afterwards; the next message has a session of its own. */
async function withoutTheOneWhoLeft(alice, bob, roomId) {
    const session = (eventId) => alice.getRoom(roomId).findEventById(eventId).getWireContent().session_id;
    const { event_id: before } = await alice.sendTextMessage(roomId, "Before");
    await reads(bob, roomId, before);
    await bob.leave(roomId);
    await until(alice, () => alice.getRoom(roomId).getMember(bob.getUserId()).membership === "leave");
    const { event_id: after } = await alice.sendTextMessage(roomId, "After");
    await reads(alice, roomId, after);
    assert.notEqual(session(before), session(after));
}

async function replaceIdentity(alice, bob) {
    const crypto = bob.getCrypto();
    const before = await crypto.getCrossSigningKeyId();
    await identifyAnew(bob);
    assert.notEqual(await crypto.getCrossSigningKeyId(), before);
    await settled(async () => {
        const keys = await alice.downloadKeysForUsers([bob.getUserId()]);
        return Object.values(keys.master_keys[bob.getUserId()].keys)[0] === (await crypto.getCrossSigningKeyId());
    });
}
