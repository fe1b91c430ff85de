// Hydrogen as its authors start it, told of one homeserver: ?server=http://127.0.0.1:8008
import { FeatureSet, Platform, RootViewModel, createNavigation, createRouter } from "hydrogen-view-sdk";

const assetPaths = {
    downloadSandbox: "assets/download-sandbox.html",
    worker: "assets/main.js",
    olm: { wasm: "olm.wasm", legacyBundle: "olm_legacy.js", wasmBundle: "olm.js" },
    serviceWorker: "sw.js", // fetches media with the access token
};

const platform = new Platform({
    container: document.getElementById("client"),
    assetPaths,
    config: { defaultHomeServer: new URLSearchParams(location.search).get("server") },
});
const navigation = createNavigation();
platform.setNavigation(navigation);
await platform.init();
const router = createRouter({ navigation, history: platform.history });
const features = await FeatureSet.load(platform.settingsStorage);
router.attach();
const root = new RootViewModel({ platform, urlRouter: router, navigation, features });
await root.load();
platform.createAndMountRootView(root);
