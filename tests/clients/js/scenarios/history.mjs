// What was said before: paging back, jumping to an event and to a date, members loaded lazily, a limited timeline.
import assert from "node:assert/strict";
import { arrival, bodies, joined, start } from "../world.mjs";

const MESSAGES = 30;

export default async function (world) {
    const alice = await world.person("alice");
    const bob = await world.register("bob");
    const { room_id: roomId } = await alice.createRoom({ name: "Archive", invite: [bob.getUserId()] });
    await bob.joinRoom(roomId);
    const sent = [];
    for (let number = 0; number < MESSAGES; number++) {
        sent.push((await alice.sendTextMessage(roomId, `message ${number}`)).event_id);
    }
    await start(bob, { initialSyncLimit: 5, lazyLoadMembers: true });
    const room = await joined(bob, roomId);
    const all = sent.map((_, number) => `message ${number}`);
    assert.deepEqual(bodies(room.getLiveTimeline().getEvents()), all.slice(-5));
    await bob.scrollback(room, 10);
    assert.deepEqual(bodies(room.getLiveTimeline().getEvents()), all.slice(-15));
    while (room.getLiveTimeline().getPaginationToken("b")) await bob.scrollback(room, 20);
    assert.deepEqual(bodies(room.getLiveTimeline().getEvents()), all);
    assert.equal(room.getLiveTimeline().getEvents()[0].getType(), "m.room.create");
    await jump(await world.logIn(bob.getUserId()), roomId, sent);
    await people(world, alice, bob, room);
}

async function jump(phone, roomId, sent) {
    await start(phone, { initialSyncLimit: 2 });
    const room = await joined(phone, roomId);
    const timeline = await phone.getEventTimeline(room.getUnfilteredTimelineSet(), sent[10]);
    const ids = () => timeline.getEvents().map((event) => event.getId());
    assert.ok(ids().includes(sent[10]));
    const before = ids().length;
    await phone.paginateEventTimeline(timeline, { backwards: true, limit: 3 });
    await phone.paginateEventTimeline(timeline, { backwards: false, limit: 3 });
    assert.ok(ids().length > before);
    const start_ = sent.indexOf(ids().find((id) => sent.includes(id)));
    const messages = ids().filter((id) => sent.includes(id));
    assert.deepEqual(messages, sent.slice(start_, start_ + messages.length));
    const moment = (await phone.fetchRoomEvent(roomId, sent[20])).origin_server_ts;
    const nearest = await phone.timestampToEvent(roomId, moment, "f");
    assert.equal(nearest.origin_server_ts, moment);
}

async function people(world, alice, bob, room) {
    assert.equal(room.getInvitedAndJoinedMemberCount(), 2);
    await room.loadMembersIfNeeded();
    assert.deepEqual(room.getJoinedMembers().map((member) => member.userId).sort(), [alice.getUserId(), bob.getUserId()].sort());
    const carol = await world.person("carol", { lazyLoadMembers: true });
    await alice.invite(room.roomId, carol.getUserId());
    await carol.joinRoom(room.roomId);
    await joined(bob, room.roomId, carol.getUserId());
    const seen = await joined(carol, room.roomId);
    const { event_id: welcome } = await bob.sendTextMessage(room.roomId, "welcome");
    await arrival(carol, room.roomId, welcome);
    assert.equal(seen.getMember(bob.getUserId())?.membership, "join");
}
