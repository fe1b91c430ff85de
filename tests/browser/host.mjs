// The host page of the client: bundled once, served on loopback.

import { build } from "esbuild";
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const HERE = import.meta.dirname;
const SDK = join(HERE, "node_modules/hydrogen-view-sdk");
const OLM = join(HERE, "node_modules/@matrix-org/olm");
const TYPES = {
    ".css": "text/css",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
};

async function bundle() {
    const built = await build({
        entryPoints: [join(HERE, "page/main.js")],
        bundle: true,
        format: "esm",
        target: "es2022",
        external: ["fs", "path", "crypto"], // asked for under Node.js alone
        write: false,
        logLevel: "error",
    });
    return built.outputFiles[0].contents;
}

function fileOf(path) {
    if (path === "/" || path === "/index.html") return join(HERE, "page/index.html");
    if (path === "/sw.js") return join(SDK, "lib-build/sw.js");
    if (path.startsWith("/olm")) return join(OLM, path);
    if (path.startsWith("/assets/")) return join(SDK, "asset-build", path);
    return null;
}

/** { address, close } */
export async function serveHost() {
    const main = await bundle();
    const server = createServer((request, response) => {
        const path = normalize(new URL(request.url, "http://host").pathname);
        const file = fileOf(path);
        if (path === "/main.js") {
            response.writeHead(200, { "Content-Type": TYPES[".js"] }).end(main);
        } else if (file && existsSync(file)) {
            response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" });
            createReadStream(file).pipe(response);
        } else {
            response.writeHead(404).end();
        }
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { address: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
