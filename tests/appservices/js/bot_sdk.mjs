// matrix-bot-sdk as an application service.
import { answering, library, stemOf, tell, wantsAnswer, world } from "./world.mjs";

const { Appservice, AutojoinRoomsMixin, LogLevel, LogService } = library("@vector-im/matrix-bot-sdk");
LogService.setLevel(LogLevel.ERROR);

const service = new Appservice({
    bindAddress: "127.0.0.1",
    port: world.port,
    homeserverName: world.domain,
    homeserverUrl: world.homeserver,
    registration: world.registration,
});
AutojoinRoomsMixin.setupOnAppservice(service);
service.on("room.event", async (roomId, event) => {
    if (!wantsAnswer(event)) return;
    await answering(async () => {
        const ghost = service.getIntentForSuffix(stemOf(event.sender));
        await ghost.ensureRegisteredAndJoined(roomId);
        await ghost.sendText(roomId, `echo: ${event.content.body}`);
    });
});
service.on("ephemeral.event", (event) => tell({ ephemeral: event.type, room: event.room_id }));
service.on("query.user", (userId, create) => create({ display_name: `Ghost ${stemOf(userId)}` }));
service.on("query.room", (alias, create) => create({ preset: "public_chat", name: alias }));
service.on("thirdparty.protocol", (name, answer) =>
    answer({ user_fields: [], location_fields: [], icon: "", field_types: {}, instances: [{ network_id: name, desc: name, fields: {} }] }),
);
await service.begin();
tell({ ready: true });
