// What scenarios begin with: people with accounts and running clients, and waiting for what the server says.
import { ClientEvent, createClient, SyncState } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";

logger.setLevel("silent", false);
const nothing = () => {};
const silence = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing, getChild: () => silence };

export const PASSWORD = "correct horse battery staple";
const PATIENCE_MS = 30_000;
let people = 0;

export class World {
    constructor(address) {
        this.address = address;
        this.clients = [];
    }

    client(options = {}) {
        const client = createClient({ baseUrl: this.address, timelineSupport: true, logger: silence, cryptoCallbacks: {}, ...options });
        this.clients.push(client);
        return client;
    }

    /** Somebody new, logged in, not yet syncing. */
    async register(stem, options = {}) {
        const username = `js-${stem}-${++people}`;
        const answer = await this.client().registerRequest({ username, password: PASSWORD, auth: { type: "m.login.dummy" } });
        return this.loggedIn(answer, options);
    }

    loggedIn(answer, options = {}) {
        return this.client({ userId: answer.user_id, accessToken: answer.access_token, deviceId: answer.device_id, ...options });
    }

    /** The same person on another device. */
    async logIn(userId, more = {}) {
        const identifier = { type: "m.id.user", user: userId };
        const answer = await this.client().loginRequest({ type: "m.login.password", identifier, password: PASSWORD, ...more });
        return this.loggedIn(answer);
    }

    /** Somebody new whose client syncs. */
    async person(stem, options = {}) {
        return start(await this.register(stem), options);
    }

    close() {
        this.clients.forEach((client) => client.stopClient());
    }
}

export async function start(client, options = {}) {
    const prepared = until(client, () => client.getSyncState() === SyncState.Prepared || client.isInitialSyncComplete());
    await client.startClient({ threadSupport: true, pollTimeout: 20_000, ...options });
    await prepared;
    return client;
}

/** What `condition` finds, looked for after every answer to a sync, and now and then: of some things the client tells only with the next answer. */
export function until(client, condition) {
    return new Promise((resolve, reject) => {
        const end = (settle, value) => {
            clearTimeout(timer);
            clearInterval(again);
            client.off(ClientEvent.Sync, look);
            settle(value);
        };
        const look = () => {
            try {
                const found = condition();
                if (found) end(resolve, found);
            } catch (error) {
                end(reject, error);
            }
        };
        const timer = setTimeout(() => end(reject, new Error(`never came: ${condition}`)), PATIENCE_MS);
        const again = setInterval(look, 50);
        client.on(ClientEvent.Sync, look);
        look();
    });
}

/** What `ask` is answered, once it is right: for what the server does in the background, which no sync tells of. */
export async function eventually(ask, isRight) {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
        const answer = await ask();
        if (isRight(answer)) return answer;
        if (Date.now() > deadline) throw new Error(`never right: ${JSON.stringify(answer)}`);
    }
}

/** The event, once the client has it in the room's timelines. */
export function arrival(client, roomId, eventId) {
    return until(client, () => client.getRoom(roomId)?.findEventById(eventId));
}

/** The room, once the client is in it, and `others` too. */
export function joined(client, roomId, ...others) {
    return until(client, () => {
        const room = client.getRoom(roomId);
        const isIn = (userId) => room.getMember(userId)?.membership === "join";
        return room?.getMyMembership() === "join" && others.every(isIn) && room;
    });
}

export function bodies(events) {
    return events.filter((event) => event.getType() === "m.room.message").map((event) => event.getContent().body);
}

/** Asks twice: unproven, then with the password. */
export async function confirmed(userId, ask) {
    const refusal = await ask(undefined).then(
        () => Promise.reject(new Error("was not asked for a proof")),
        (error) => error,
    );
    if (!refusal.data?.flows) throw refusal;
    const identifier = { type: "m.id.user", user: userId };
    return ask({ type: "m.login.password", identifier, password: PASSWORD, session: refusal.data.session });
}

/** Expects to be refused. */
export async function refused(errcode, promise) {
    const error = await promise.then(
        () => undefined,
        (reason) => reason,
    );
    if (error?.errcode !== errcode) throw new Error(`expected ${errcode}, was answered ${error?.errcode ?? error ?? "with success"}`);
}
