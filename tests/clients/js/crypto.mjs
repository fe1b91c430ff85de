// What scenarios with end-to-end encryption share: clients with the Rust crypto, their identities and backups, comparing emoji.
import assert from "node:assert/strict";
import { CryptoEvent, VerificationPhase, VerifierEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import { RustBackupManager } from "matrix-js-sdk/lib/rust-crypto/backup.js";
import { arrival, confirmed, joined, start } from "./world.mjs";

const PATIENCE_MS = 30_000;
RustBackupManager.maxBackupLoopStartDelayMillis = 0; // it would wait for a random time, up to ten seconds
const ALGORITHM = "m.megolm.v1.aes-sha2";

/** Somebody new who encrypts, and whose client syncs. */
export async function encrypting(world, stem, options = {}) {
    return begin(await world.register(stem, options));
}

/** The same person on another device. With `recovery` (see `secure`) it can open the secret storage. */
export async function further(world, client, recovery) {
    const device = await world.logIn(client.getUserId());
    if (recovery) opens(device, recovery);
    return begin(device);
}

async function begin(client) {
    await client.initRustCrypto({ useIndexedDB: false });
    return start(client);
}

/** The first cross-signing keys, which need no proof; where there are some already, they are taken from the secret storage. */
export async function identify(client) {
    const crypto = client.getCrypto();
    await crypto.userHasCrossSigningKeys(client.getUserId(), true);
    await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: (ask) => ask(null) });
    assert.ok(await crypto.isCrossSigningReady());
}

/** Other cross-signing keys, which the password has to allow. */
export async function identifyAnew(client) {
    const authUploadDeviceSigningKeys = (ask) => confirmed(client.getUserId(), (auth) => ask(auth ?? null));
    await client.getCrypto().bootstrapCrossSigning({ setupNewCrossSigning: true, authUploadDeviceSigningKeys });
}

/** Secret storage with the identity and a new key backup in it; what opens it. */
export async function secure(client) {
    const crypto = client.getCrypto();
    const recovery = await crypto.createRecoveryKeyFromPassphrase();
    opens(client, recovery);
    await crypto.bootstrapSecretStorage({ createSecretStorageKey: async () => recovery, setupNewKeyBackup: true });
    assert.ok(await crypto.isSecretStorageReady());
    return recovery;
}

function opens(client, recovery) {
    client.cryptoCallbacks.getSecretStorageKey = async ({ keys }) => [Object.keys(keys)[0], recovery.privateKey];
}

/** The last backup as the server tells of it, which the client itself remembers; undefined: there is none. */
export async function lastBackup(client) {
    const url = `${client.baseUrl}/_matrix/client/v3/room_keys/version`;
    const answer = await fetch(url, { headers: { Authorization: `Bearer ${client.getAccessToken()}` } });
    return answer.status === 404 ? undefined : answer.json();
}

/** A room whose messages are encrypted from the beginning. */
export async function secretRoom(client, options = {}) {
    const encryption = { type: "m.room.encryption", state_key: "", content: { algorithm: ALGORITHM } };
    const { room_id: roomId } = await client.createRoom({ preset: "private_chat", initial_state: [encryption], ...options });
    await joined(client, roomId); // a client encrypts where it knows that it has to
    return roomId;
}

/** What the client reads in the event, once it is there and decrypted. */
export async function reads(client, roomId, eventId) {
    const event = await arrival(client, roomId, eventId);
    await settled(() => event.isEncrypted() && !event.isBeingDecrypted() && !event.isDecryptionFailure() && event.getClearContent());
    return event.getContent().body;
}

/** What `look` finds, looked for again and again: for what a client does of itself. */
export async function settled(look) {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
        const found = await look();
        if (found) return found;
        if (Date.now() > deadline) throw new Error(`never came: ${look}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

/** `asking` (a client's request, made by `ask`) and `asked` compare emoji, and find them equal. */
export async function compare(asking, asked, ask) {
    let received;
    await settled(() => knows(asked, asking)); // its crypto passes over a request of a device that it does not know yet
    asked.once(CryptoEvent.VerificationRequestReceived, (request) => (received = request));
    const request = await ask(asking.getCrypto());
    await settled(() => received);
    await received.accept();
    await phase(request, VerificationPhase.Ready);
    const verifier = await request.startVerification("m.sas.v1");
    await phase(received, VerificationPhase.Started);
    const [ours, theirs] = await Promise.all([verifier, received.verifier].map(agree));
    assert.deepEqual(ours, theirs);
    await Promise.all([phase(request, VerificationPhase.Done), phase(received, VerificationPhase.Done)]);
}

async function knows(client, other) {
    const found = await client.getCrypto().getUserDeviceInfo([other.getUserId()], true);
    return found.get(other.getUserId())?.has(other.getDeviceId());
}

function phase(request, wanted) {
    return settled(() => {
        assert.notEqual(request.phase, VerificationPhase.Cancelled, `cancelled: ${request.cancellationCode}`);
        return request.phase === wanted;
    });
}

/** Says yes to what is shown, and what that was. */
async function agree(verifier) {
    let shown, done, failure;
    verifier.on(VerifierEvent.ShowSas, (sas) => {
        shown = sas.sas.emoji;
        sas.confirm();
    });
    verifier.verify().then(
        () => (done = true),
        (error) => (failure = error),
    );
    await settled(() => {
        if (failure) throw failure;
        return done;
    });
    assert.equal(shown.length, 7);
    return shown;
}
