// Plays every scenario against a server, all at once, and prints one JSON line for each: node play.mjs ADDRESS
import { readdir } from "node:fs/promises";
import { World } from "./world.mjs";

const folder = new URL("./scenarios/", import.meta.url);
const address = process.argv[2];

async function play(file) {
    const { default: scenario } = await import(new URL(file, folder));
    const world = new World(address);
    const line = { scenario: file.replace(/\.mjs$/, "") };
    try {
        await scenario(world);
        line.passed = true;
    } catch (error) {
        line.passed = false;
        line.why = `${error?.stack ?? error}`;
    } finally {
        world.close();
    }
    process.stdout.write(`${JSON.stringify(line)}\n`);
}

const files = (await readdir(folder)).filter((name) => name.endsWith(".mjs")).sort();
await Promise.all(files.map(play));
process.exit(0);
