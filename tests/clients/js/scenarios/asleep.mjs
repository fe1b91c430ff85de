// Keys reach those who are not there: by a fallback key when the one-time keys are used up, and through a dehydrated device.
import assert from "node:assert/strict";
import { encrypting, further, identify, reads, secretRoom, secure, settled } from "../crypto.mjs";
import { joined } from "../world.mjs";

const MANY = 100; // more one-time keys than a client puts up

export default async function (world) {
    await Promise.all([byFallback(world), dehydrated(world)]);
}

async function together(world, options = {}) {
    const [alice, bob] = await Promise.all([encrypting(world, "alice"), encrypting(world, "bob", options)]);
    const roomId = await secretRoom(alice, { preset: "public_chat" });
    await bob.joinRoom(roomId);
    await joined(alice, roomId, bob.getUserId());
    return [alice, bob, roomId];
}

async function byFallback(world) {
    let offline; // a promise that he comes back
    const fetchFn = async (resource, options) => {
        await offline;
        return fetch(resource, options);
    };
    const [alice, bob, roomId] = await together(world, { fetchFn });
    const claim = async () => {
        const answer = await alice.claimOneTimeKeys([[bob.getUserId(), bob.getDeviceId()]]);
        return Object.values(answer.one_time_keys[bob.getUserId()][bob.getDeviceId()])[0];
    };
    await settled(async () => (await keysLeft(world, bob)) > 0);
    let comeBack;
    offline = new Promise((resolve) => (comeBack = resolve));
    const taken = new Set();
    let last;
    for (let count = 0; count < MANY && !last?.fallback; count++) {
        last = await claim();
        assert.ok(!taken.has(last.key));
        taken.add(last.key);
    }
    assert.ok(last.fallback);
    assert.ok(taken.size > 40);
    const { event_id: hello } = await alice.sendTextMessage(roomId, "Are you there?");
    comeBack();
    assert.equal(await reads(bob, roomId, hello), "Are you there?");
    await settled(async () => (await keysLeft(world, bob)) > 40);
    assert.ok(!(await claim()).fallback);
}

/** Of the client's device on the server. */
async function keysLeft(world, client) {
    const url = `${world.address}/_matrix/client/v3/keys/upload`;
    const headers = { Authorization: `Bearer ${client.getAccessToken()}`, "Content-Type": "application/json" };
    const answer = await (await fetch(url, { method: "POST", headers, body: "{}" })).json();
    return answer.one_time_key_counts.signed_curve25519 ?? 0;
}

async function dehydrated(world) {
    const [alice, bob, roomId] = await together(world);
    await identify(alice);
    const recovery = await secure(alice);
    assert.ok(await alice.getCrypto().isDehydrationSupported());
    await alice.getCrypto().startDehydration();
    await settled(async () => (await bob.getCrypto().getUserDeviceInfo([alice.getUserId()], true)).get(alice.getUserId()).size === 2);
    await alice.logout(true);
    const { event_id: hello } = await bob.sendTextMessage(roomId, "Read it tomorrow");
    const again = await further(world, alice, recovery);
    await identify(again);
    await again.getCrypto().startDehydration();
    assert.equal(await reads(again, roomId, hello), "Read it tomorrow");
}
