import assert from "node:assert/strict";
import { elsewhere, open } from "../browser.mjs";
import { look } from "../look.mjs";
import { mesh, shop, start } from "../mesh.mjs";

export async function before() {
  return { m: await shop() };
}

export async function readOnlyShowsAndRefuses({ browser }) {
  const k = await start("rig", ["--console", "readonly"]);
  const { page } = await open(browser, k.console + "call/kitchen/collector.testing.v1.KitchenService/Cook");
  await page.getByText("This console is read-only").waitFor();
  assert.equal(await page.getByRole("button", { name: "Send" }).isDisabled(), true);
  await look(page, "state-readonly");
  const post = (path) => page.evaluate(async (path) => (await fetch(path, { method: "POST", headers: { "Content-Type": "application/json", "Collective-Namespace": "kitchen", "Collective-Session": localStorage.getItem("collective.session:/console/") }, body: "{}" })).status, path); // as the operator who is logged in
  for (const method of ["collector.testing.v1.KitchenService/Cook", "collector.mesh.v1.MeshService/ConnectTo", "collector.mesh.v1.MeshService/Disconnect", "collector.CollectiveDispatcher/Dispatch"]) {
    assert.equal(await post("/" + method), 403, method);
  }
  assert.equal(await post("/collector.mesh.v1.MeshService/GetStatus"), 200);
  await page.goto(k.console);
  assert.equal(await page.getByRole("button", { name: "Connect" }).isDisabled(), true);
  await k.stop();
}

export async function pagesOfOtherSitesAreRefused({ browser, m }) {
  const other = await start("rig", []); // another port is another origin, though the same site
  const { page } = await open(browser, other.console);
  await page.goto(other.url + "/collector.mesh.v1.MeshService/none"); // no page of the console: its policy would refuse first
  const answers = await page.evaluate(async (url) => {
    const attempt = (init, path = "/collector.mesh.v1.MeshService/Disconnect") => fetch(url + path, init).then((r) => r.status, () => "blocked");
    await attempt({ method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" }, body: "{}" });
    return [await attempt({ method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" }), await attempt({}, "/shop.v1.UserService/GetUser?encoding=json&message=%7B%7D")];
  }, m.a.url);
  assert.deepEqual(answers, ["blocked", "blocked"]);
  const connections = await mesh(m.a.url, "ListConnections");
  assert.ok(connections.connections.every((c) => c.state !== "CONNECTION_STATE_CLOSED"));
  await other.stop();
}

export async function aNameThatWasMadeToPointHereIsRefused({ browser, m }) {
  const { page } = await open(browser, m.a.console);
  const { port } = new URL(m.a.url);
  const answer = await page.goto(`http://${elsewhere}:${port}/console/`);
  assert.equal(answer.status(), 403);
  assert.match(await answer.text(), /this collector is not called elsewhere\.test.*--console-host/);
  assert.equal((await page.goto(`http://localhost:${port}/console/`)).status(), 200);
}

export async function thePolicyLetsNothingElseIn({ browser, m }) {
  const { page } = await open(browser, m.a.console);
  await page.getByText("Live").waitFor();
  const refused = await page.evaluate(async (other) => {
    const seen = [];
    document.addEventListener("securitypolicyviolation", (e) => seen.push(e.effectiveDirective));
    const script = document.createElement("script");
    script.textContent = "globalThis.ran = true";
    document.body.append(script);
    await fetch(other).catch(() => undefined);
    const frame = document.createElement("iframe");
    frame.src = other;
    document.body.append(frame);
    const style = document.createElement("style");
    style.textContent = "body { background: red }";
    document.body.append(style);
    while (seen.length < 4) await new Promise((done) => document.addEventListener("securitypolicyviolation", done, { once: true })); // told in tasks of their own
    return { ran: globalThis.ran ?? false, seen: seen.sort() };
  }, m.b.url + "/console/");
  assert.equal(refused.ran, false);
  assert.deepEqual(refused.seen, ["connect-src", "frame-src", "script-src-elem", "style-src-elem"]);
}
