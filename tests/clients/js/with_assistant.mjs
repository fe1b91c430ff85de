// Somebody with the Rust crypto talks to an assistant that is there already: node with_assistant.mjs ADDRESS USER; prints what was seen as one JSON line
import { encrypting, identify, secretRoom, settled } from "./crypto.mjs";
import { World } from "./world.mjs";

const [address, assistant] = process.argv.slice(2);
const world = new World(address);
const alice = await encrypting(world, "alice");
await identify(alice);
const opened = []; // messages of the room and of its threads
alice.on("Event.decrypted", (event) => opened.push(event));
const room = await secretRoom(alice, { invite: [assistant] });

/** The assistant's latest message with that in it, once it is there and decrypted. */
async function hears(text) {
    const fits = (event) => event.getSender() === assistant && event.getClearContent()?.body?.includes(text);
    return settled(() => opened.findLast(fits));
}

async function say(body) {
    const { event_id: id } = await alice.sendMessage(room, { msgtype: "m.text", body, "m.mentions": { user_ids: [assistant] } });
    return id;
}

await hears("I am off in this room");
await say("!ai on");
await hears("I am on in this room");
const question = await say(`${assistant} do you hear me?`);
const answer = await hears("marmalade");
const crypto = alice.getCrypto();
const info = await crypto.getEncryptionInfoForEvent(answer);
const devices = (await crypto.getUserDeviceInfo([assistant], true)).get(assistant);
const statuses = await Promise.all([...devices.keys()].map((id) => crypto.getDeviceVerificationStatus(assistant, id)));
process.stdout.write(`${JSON.stringify({
    body: answer.getClearContent().body,
    root: answer.getRelation()?.event_id === question,
    shield: info.shieldColour,
    reason: info.shieldReason,
    signed: statuses.map((status) => status.signedByOwner),
})}\n`);
world.close();
process.exit(0);
