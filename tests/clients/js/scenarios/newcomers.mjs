// Who is invited to an encrypted room gets the keys of what was said before (MSC4268).
import assert from "node:assert/strict";
import { encrypting, identify, reads, secretRoom } from "../crypto.mjs";
import { until } from "../world.mjs";

export default async function (world) {
    const [alice, bob] = await Promise.all([encrypting(world, "alice"), encrypting(world, "bob")]);
    await Promise.all([identify(alice), identify(bob)]);
    const roomId = await secretRoom(alice);
    const { event_id: earlier } = await alice.sendTextMessage(roomId, "Before you came");
    await reads(alice, roomId, earlier);
    await alice.invite(roomId, bob.getUserId());
    await until(bob, () => bob.getRoom(roomId)?.getMyMembership() === "invite");
    await bob.joinRoom(roomId);
    assert.equal(await reads(bob, roomId, earlier), "Before you came");
}
