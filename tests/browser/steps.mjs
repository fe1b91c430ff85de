// What the person does, in order. Each step ends when both sides have seen it.

import assert from "node:assert/strict";
import { picture } from "./picture.mjs";

const PASSWORD = "correct horse battery staple";
const composer = (page) => page.locator(".MessageComposer_input textarea");
const message = (page, text) => page.locator(".Timeline_message", { hasText: text }).last();

async function choose(page, shown, option) {
    await shown.hover();
    await shown.locator(".Timeline_messageOptions").click();
    await page.locator(".popupContainer .menu").getByText(option, { exact: true }).click();
}

async function say(page, text) {
    await composer(page).fill(text);
    await composer(page).press("Enter");
}

export const STEPS = {
    async log_in({ page, server, host, bob }) {
        const alice = await new bob.constructor(server).register("alice", PASSWORD);
        await bob.register("bob", PASSWORD);
        await page.goto(`${host}/?server=${encodeURIComponent(server)}`);
        const there = page.locator(".SessionPickerView, #username").first();
        await there.waitFor();
        if (await page.locator(".SessionPickerView").isVisible()) await page.getByText("Sign In").click();
        await page.locator("#username").fill("alice");
        await page.locator("#password").fill(PASSWORD);
        await page.getByRole("button", { name: "Log In" }).click();
        await page.locator(".LeftPanel").waitFor();
        await alice.ask("POST", "/_matrix/client/v3/logout", {});
    },

    async create_a_room({ page, bob }) {
        await page.getByLabel("Create room").click();
        await page.getByText("Create Room", { exact: true }).click();
        await page.locator("#name").fill("Garden");
        await page.locator("#topic").fill("What grows");
        await page.locator("#isPublic").check();
        await page.locator("#roomAlias").fill("garden");
        await page.locator(".CreateRoomView button[type=submit]").click();
        await bob.join(`#garden:${bob.userId.split(":")[1]}`);
        // Until the room has come down to it, the client shows one of its own under the same name.
        for (let tries = 0; !(await composer(page).isVisible()) && tries < 10; tries++) {
            await page.locator(".RoomList li", { hasText: "Garden" }).last().click();
            await composer(page).waitFor({ timeout: 1500 }).catch(() => {});
        }
        await composer(page).waitFor();
    },

    async send_and_receive({ page, bob }) {
        await say(page, "The tomatoes are ripe");
        const sent = await bob.sees((event) => event.content.body === "The tomatoes are ripe");
        assert.equal(sent.sender.split(":")[0], "@alice");
        await bob.say("And the beans?");
        await message(page, "And the beans?").waitFor();
    },

    async reply({ page, bob }) {
        await choose(page, message(page, "And the beans?"), "Reply");
        await page.locator(".MessageComposer_replyPreview").waitFor();
        await say(page, "Next week");
        const reply = await bob.sees((event) => event.content.body?.endsWith("Next week"));
        const asked = await bob.sees((event) => event.content.body === "And the beans?");
        assert.equal(reply.content["m.relates_to"]["m.in_reply_to"].event_id, asked.event_id);
        await page.locator(".ReplyPreviewView", { hasText: "And the beans?" }).last().waitFor();
    },

    async react({ page, bob }) {
        const shown = message(page, "The tomatoes are ripe");
        await choose(page, shown, "👍");
        const reaction = await bob.sees((event) => event.type === "m.reaction");
        assert.equal(reaction.content["m.relates_to"].key, "👍");
        await shown.locator(".Timeline_messageReactions button", { hasText: "👍" }).waitFor();
    },

    async upload_and_view_an_image({ page, bob }) {
        await page.locator("button.sendFile").click();
        const chosen = page.waitForEvent("filechooser");
        await page.getByText("Send picture").click();
        await (await chosen).setFiles({ name: "tomato.png", mimeType: "image/png", buffer: picture(320, 200) });
        const sent = await bob.sees((event) => event.content.msgtype === "m.image");
        assert.match(sent.content.url, /^mxc:/);
        await page.locator(".Timeline_messageBody .media img").last().click();
        await page.locator(".lightbox .picture").waitFor();
        await page.waitForFunction(() => !document.querySelector(".lightbox .loading:not(.hidden)"));
        const [width, height] = await page.evaluate(async () => {
            const shown = getComputedStyle(document.querySelector(".lightbox .picture")).backgroundImage;
            const image = new Image();
            image.src = shown.slice(5, -2);
            await image.decode();
            return [image.naturalWidth, image.naturalHeight];
        });
        assert.deepEqual([width, height], [320, 200]);
    },

    async search({ page }) {
        await page.locator(".lightbox .close").click();
        // It has no field for it: the question goes through its own client.
        const found = await page.evaluate(() => {
            const asked = { search_categories: { room_events: { search_term: "tomatoes" } } };
            return window.__hydrogenViewModel._sessionViewModel._client._requestScheduler._hsApi._post("/search", {}, asked).response();
        });
        const { count, results } = found.search_categories.room_events;
        assert.deepEqual([count, results[0].result.content.body], [1, "The tomatoes are ripe"]);
    },

    async log_out({ page, server }) {
        const token = await page.evaluate(() => window.__hydrogenViewModel._sessionViewModel._client._requestScheduler._hsApi._accessToken);
        await page.getByLabel("Settings").click();
        await page.locator(".Settings").getByRole("button", { name: "Log out" }).click();
        await page.locator(".LogoutScreen").getByRole("button", { name: "Log out" }).click();
        await page.locator("#username, .SessionPickerView").first().waitFor();
        const answer = await fetch(`${server}/_matrix/client/v3/account/whoami`, { headers: { Authorization: `Bearer ${token}` } });
        assert.equal(answer.status, 401);
    },
};
