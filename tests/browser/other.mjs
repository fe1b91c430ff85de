// The other side of the conversation, over plain HTTP.

async function until(look, otherwise) {
    for (let tries = 0; tries < 100; tries++) {
        const found = await look();
        if (found) return found;
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(otherwise);
}

export class Other {
    constructor(server) {
        this.server = server;
        this.token = "";
        this.transaction = 0;
    }

    async ask(method, path, body) {
        const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {};
        const answer = await fetch(this.server + path, { method, headers, body: body && JSON.stringify(body) });
        const told = await answer.json();
        if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(told)}`);
        return told;
    }

    async register(username, password) {
        const body = { username, password, auth: { type: "m.login.dummy" } };
        const { access_token, user_id } = await this.ask("POST", "/_matrix/client/v3/register", body);
        Object.assign(this, { token: access_token, userId: user_id });
        return this;
    }

    /** As soon as there is such a room. */
    async join(alias) {
        const asked = () => this.ask("POST", `/_matrix/client/v3/join/${encodeURIComponent(alias)}`, {});
        this.room = (await until(() => asked().catch(() => null), `no room ${alias}`)).room_id;
    }

    async send(content) {
        const path = `/_matrix/client/v3/rooms/${encodeURIComponent(this.room)}/send/m.room.message/${this.transaction++}`;
        return (await this.ask("PUT", path, content)).event_id;
    }

    say(body) {
        return this.send({ msgtype: "m.text", body });
    }

    /** The newest event for which the test holds, as soon as there is one. */
    async sees(holds) {
        const path = `/_matrix/client/v3/rooms/${encodeURIComponent(this.room)}/messages?dir=b&limit=20`;
        return until(async () => (await this.ask("GET", path)).chunk.find(holds), `nothing came for which ${holds}`);
    }
}
