// Keys in secret storage and a backup: a second device gets them from the first, a third one by the recovery key.
import assert from "node:assert/strict";
import { compare, encrypting, further, identify, lastBackup, reads, secretRoom, secure, settled } from "../crypto.mjs";
import { arrival } from "../world.mjs";

export default async function (world) {
    const alice = await encrypting(world, "alice");
    await identify(alice);
    const recovery = await secure(alice);
    const roomId = await secretRoom(alice);
    const { event_id: old } = await alice.sendTextMessage(roomId, "Remember this");
    const version = await alice.getCrypto().getActiveSessionBackupVersion();
    assert.ok(version);
    await settled(async () => (await lastBackup(alice)).count === 1);

    await fromTheFirst(world, alice, roomId, old);
    await byTheKey(world, alice, recovery, roomId, old);
    await anew(alice, version);
}

async function fromTheFirst(world, alice, roomId, old) {
    const second = await further(world, alice);
    assert.ok((await arrival(second, roomId, old)).isEncrypted());
    await compare(second, alice, (crypto) => crypto.requestOwnUserVerification());
    await settled(() => second.getCrypto().isCrossSigningReady());
    await settled(() => second.getCrypto().getSessionBackupPrivateKey());
    assert.equal(await reads(second, roomId, old), "Remember this");
    const status = await alice.getCrypto().getDeviceVerificationStatus(alice.getUserId(), second.getDeviceId());
    assert.ok(status.crossSigningVerified);
}

async function byTheKey(world, alice, recovery, roomId, old) {
    const third = await further(world, alice, recovery);
    const crypto = third.getCrypto();
    await identify(third);
    await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
    const { total, imported } = await crypto.restoreKeyBackup();
    assert.deepEqual([total, imported], [1, 1]);
    assert.equal(await reads(third, roomId, old), "Remember this");
}

/** Another version, and none at all. */
async function anew(alice, version) {
    const crypto = alice.getCrypto();
    await crypto.resetKeyBackup();
    const { version: next } = await settled(async () => {
        const backup = await lastBackup(alice);
        return backup.count === 1 && backup;
    });
    assert.ok(Number(next) > Number(version));
    await crypto.disableKeyStorage();
    assert.equal(await lastBackup(alice), undefined);
}
