// An account through its days: devices, refreshed tokens, a login by token, a new password, logging out, the end.
import assert from "node:assert/strict";
import { confirmed, PASSWORD, refused, start } from "../world.mjs";

export default async function (world) {
    const alice = await world.register("alice");
    const userId = alice.getUserId();
    assert.ok(await world.client().isUsernameAvailable(`unused-${alice.getUserIdLocalpart()}`));
    assert.ok(!(await world.client().isUsernameAvailable(alice.getUserIdLocalpart())));
    assert.ok((await alice.loginFlows()).flows.some((flow) => flow.type === "m.login.password"));
    assert.equal((await alice.whoami()).device_id, alice.getDeviceId());
    await devices(world, alice, userId);
    await refresh(world, userId);

    const { login_token: token } = await confirmed(userId, (auth) => alice.requestLoginToken(auth));
    const byToken = await world.client().loginRequest({ type: "m.login.token", token });
    assert.equal(byToken.user_id, userId);
    await refused("M_FORBIDDEN", world.client().loginRequest({ type: "m.login.token", token }));

    await confirmed(userId, (auth) => alice.setPassword(auth ?? null, "another password", true));
    await refused("M_UNKNOWN_TOKEN", world.loggedIn(byToken).whoami());
    await refused("M_FORBIDDEN", world.logIn(userId));
    const again = await world.logIn(userId, { password: "another password" });
    await again.logout();
    await refused("M_UNKNOWN_TOKEN", again.whoami());
    await confirmed(userId, (auth) => alice.setPassword(auth && { ...auth, password: "another password" }, PASSWORD, false));
    await confirmed(userId, (auth) => alice.deactivateAccount(auth, true));
    await refused("M_FORBIDDEN", world.logIn(userId));
}

async function devices(world, alice, userId) {
    const [phone, tablet] = [await world.logIn(userId), await world.logIn(userId, { initial_device_display_name: "Tablet" })];
    await alice.setDeviceDetails(phone.getDeviceId(), { display_name: "Telephone" });
    assert.equal((await alice.getDevice(phone.getDeviceId())).display_name, "Telephone");
    const names = (await alice.getDevices()).devices.map((device) => device.display_name);
    assert.deepEqual(names.filter(Boolean).sort(), ["Tablet", "Telephone"]);
    await confirmed(userId, (auth) => alice.deleteDevice(phone.getDeviceId(), auth));
    await refused("M_UNKNOWN_TOKEN", phone.whoami());
    await confirmed(userId, (auth) => alice.deleteMultipleDevices([tablet.getDeviceId()], auth));
    assert.equal((await alice.getDevices()).devices.length, 1);
}

async function refresh(world, userId) {
    const identifier = { type: "m.id.user", user: userId };
    const login = { type: "m.login.password", identifier, password: PASSWORD, refresh_token: true };
    const first = await world.client().loginRequest(login);
    assert.ok(first.refresh_token);
    const second = await world.client().refreshToken(first.refresh_token);
    const client = world.client({ userId, deviceId: first.device_id, accessToken: second.access_token });
    await start(client);
    assert.equal((await client.whoami()).device_id, first.device_id);
}
