// node play.mjs SERVER CHROMIUM FOLDER: one person with Hydrogen in Chromium, another over plain HTTP. A line of JSON for each step that went well;
// a picture of the page after each in FOLDER.

import { join } from "node:path";
import { chromium } from "playwright-core";
import { serveHost } from "./host.mjs";
import { Other } from "./other.mjs";
import { STEPS } from "./steps.mjs";

const PATIENCE_MS = 15_000;
const [server, executablePath, folder] = process.argv.slice(2);

const host = await serveHost();
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
try {
    const page = await browser.newPage({ viewport: { width: 1100, height: 700 }, locale: "en" });
    page.setDefaultTimeout(PATIENCE_MS);
    const said = [];
    page.on("console", (message) => message.type() === "error" && said.push(message.text()));
    page.on("pageerror", (error) => said.push(String(error)));
    const scene = { page, server, host: host.address, bob: new Other(server), said };
    let number = 0;
    for (const [name, play] of Object.entries(STEPS)) {
        number += 1;
        const shoot = (failed) => page.screenshot({ path: join(folder, `${String(number).padStart(2, "0")}-${name}${failed}.png`) });
        try {
            await play(scene);
            await shoot("");
            console.log(JSON.stringify({ step: name }));
        } catch (error) {
            await shoot("-failed").catch(() => {});
            console.log(JSON.stringify({ step: name, why: `${error.stack}\nthe page said: ${said.join("\n")}` }));
            process.exitCode = 1;
            break;
        }
    }
} finally {
    await browser.close();
    host.close();
}
