// matrix-appservice-bridge.
import { answering, library, stemOf, tell, wantsAnswer, world } from "./world.mjs";

const { AppServiceRegistration, Bridge, Logger } = library("matrix-appservice-bridge");
Logger.configure({ console: "off" });
const prefix = world.registration.sender_localpart.replace(/bot$/, "");

const bridge = new Bridge({
    homeserverUrl: world.homeserver,
    domain: world.domain,
    registration: AppServiceRegistration.fromObject(world.registration),
    disableStores: true,
    disableContext: true,
    suppressEcho: false,
    controller: {
        onUserQuery: () => ({}),
        onAliasQuery: (_, localpart) => ({ creationOpts: { preset: "public_chat", room_alias_name: localpart, name: localpart } }),
        onEvent: async (request) => {
            const event = request.getData();
            const bot = bridge.getIntent();
            if (event.type === "m.room.member" && event.state_key === bot.userId && event.content.membership === "invite") {
                await bot.join(event.room_id);
            }
            if (!wantsAnswer(event)) return;
            const ghost = bridge.getIntent(`@${prefix}${stemOf(event.sender)}:${world.domain}`);
            await answering(() => ghost.sendText(event.room_id, `echo: ${event.content.body}`));
        },
        onEphemeralEvent: async (request) => tell({ ephemeral: request.getData().type, room: request.getData().room_id }),
        thirdPartyLookup: { protocols: [], getProtocol: async () => ({}) },
    },
});
await bridge.run(world.port, undefined, "127.0.0.1");
tell({ ready: true });
