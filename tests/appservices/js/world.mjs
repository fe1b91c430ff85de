// What both services share: their words to the test, and the libraries without their encryption, which needs a native part that is downloaded apart.
import module, { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const load = module._load;
const nothing = new Proxy(function () {}, { get: (target, name) => (name === Symbol.toPrimitive ? () => 0 : nothing), construct: () => nothing });
module._load = function (request, ...rest) {
    return request === "@matrix-org/matrix-sdk-crypto-nodejs" ? nothing : load.call(this, request, ...rest);
};

export const library = createRequire(import.meta.url);
const [homeserver, port, file, domain] = process.argv.slice(2);
export const world = { homeserver, port: Number(port), domain, registration: JSON.parse(readFileSync(file, "utf8")) };

export function tell(words) {
    process.stdout.write(`${JSON.stringify(words)}\n`);
}

// Whoever says something to which nobody has answered yet is answered by a ghost.
export function wantsAnswer(event) {
    if (event.type !== "m.room.message" || typeof event.content?.body !== "string") return false;
    tell({ heard: event.event_id, body: event.content.body, sender: event.sender });
    return !event.sender.startsWith(`@${world.registration.sender_localpart}`.replace(/bot$/, ""));
}

export function stemOf(userId) {
    return userId.slice(1).split(":")[0];
}

// The server may be killed while somebody is answered.
export async function answering(work) {
    try {
        await work();
    } catch (error) {
        console.error("no answer:", error.message ?? error.statusCode ?? error);
    }
}
