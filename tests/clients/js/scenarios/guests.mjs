// Somebody without an account looks around, comes in where guests may, and is kept out elsewhere.
import assert from "node:assert/strict";
import { arrival, bodies, joined, refused, start } from "../world.mjs";

export default async function (world) {
    const alice = await world.person("alice");
    const open = (type, content) => ({ type, state_key: "", content });
    const { room_id: roomId } = await alice.createRoom({
        name: "Market square",
        preset: "public_chat",
        initial_state: [
            open("m.room.history_visibility", { history_visibility: "world_readable" }),
            open("m.room.guest_access", { guest_access: "can_join" }),
        ],
    });
    await alice.sendTextMessage(roomId, "fresh fish");
    const guest = world.loggedIn(await world.client().registerGuest());
    guest.setGuest(true);
    const peeked = await guest.peekInRoom(roomId, 10);
    assert.deepEqual(bodies(peeked.getLiveTimeline().getEvents()), ["fresh fish"]);
    guest.stopPeeking();
    assert.equal((await guest.roomInitialSync(roomId, 5)).room_id, roomId);
    await guest.joinRoom(roomId);
    await start(guest);
    await joined(guest, roomId, alice.getUserId());
    const { event_id: asked } = await guest.sendTextMessage(roomId, "how much?");
    await arrival(alice, roomId, asked);
    await refused("M_GUEST_ACCESS_FORBIDDEN", guest.createRoom({ name: "mine" }));
    const { room_id: closed } = await alice.createRoom({ preset: "public_chat" });
    await refused("M_GUEST_ACCESS_FORBIDDEN", guest.joinRoom(closed));
    await alice.reportEvent(roomId, asked, -50, "haggling");
    await alice.reportRoom(roomId, "noisy");
}
