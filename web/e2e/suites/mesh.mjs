import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { readdirSync, readFileSync } from "node:fs";
import { open } from "../browser.mjs";
import { call, collector, mesh, shop, start } from "../mesh.mjs";

export async function before() {
  return { m: await shop() };
}

const order = (m, body = { sku: "tea", qty: 1 }) => call(m.a.url, "orders", "shop.v1.OrderService/CreateOrder", body);

export async function theTableSaysWhatTheGraphShows({ browser, m }) {
  const { page } = await open(browser, m.a.console);
  await page.locator('[data-edge="b~c"]').waitFor(); // the neighbours' own connection
  const graph = await page.evaluate(() => ({
    nodes: [...document.querySelectorAll("[data-node]")].map((n) => n.dataset.node).sort(),
    edges: [...document.querySelectorAll("[data-edge]")].map((n) => n.dataset.edge).sort(),
  }));
  await page.getByRole("tab", { name: "Table" }).click();
  await page.locator("tr[data-collector]").first().waitFor();
  const table = await page.evaluate(() => ({
    nodes: [...document.querySelectorAll("tr[data-collector]")].map((n) => n.dataset.collector).sort(),
    edges: [...document.querySelectorAll("tr[data-connection]")].map((n) => n.dataset.connection).sort(),
  }));
  assert.deepEqual(table, graph);
  assert.deepEqual(graph, { nodes: ["a", "b", "c"], edges: ["a~b", "a~c", "b~c"] });
}

export async function aNodeIsAFocusableLinkAndArrowsFollowEdges({ browser, m }) {
  const { page } = await open(browser, m.a.console);
  const a = page.getByRole("link", { name: /^collector a, this one, active/ });
  await a.focus();
  const before = await page.evaluate(() => document.activeElement.dataset.node);
  for (const key of ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"]) {
    await page.keyboard.press(key);
    if ((await page.evaluate(() => document.activeElement.dataset.node)) !== before) break;
  }
  assert.notEqual(await page.evaluate(() => document.activeElement.dataset.node), before);
  await page.keyboard.press("Enter");
  await page.getByRole("complementary").getByRole("heading", { level: 2 }).waitFor();
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("aside.panel"));
}

export async function aKilledCollectorShowsWithinTwoSecondsAndComesBack({ browser, m }) {
  const { page } = await open(browser, m.a.console);
  await page.locator("[data-node=b].active").waitFor();
  await m.b.kill();
  const at = Date.now();
  await page.locator("[data-node=b].stale").waitFor();
  assert.ok(Date.now() - at < 2000, `it took ${Date.now() - at} ms`);
  await page.locator('[data-edge="a~b"].stale').waitFor();
  const failed = await order(m);
  assert.equal(failed.body.code, "unavailable");
  m.b = await collector("b", { namespaces: "orders,inventory", example: "orders", listen: m.b.address });
  await page.locator("[data-node=b].active").waitFor({ timeout: 20_000 });
  await page.goto(m.a.console + "connections");
  const strip = page.locator("tr[data-connection]", { hasText: m.b.address }).getByRole("img");
  assert.match(await strip.getAttribute("aria-label"), /stale for/);
}

export async function aFailedCallTellsWhoAndWhyAndWhatNext({ browser, m }) {
  const { page } = await open(browser, m.a.console + "call/orders/shop.v1.OrderService/GetOrder");
  await page.locator('[data-field="id"] input').fill("o-none");
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator(".result .verdict", { hasText: "not_found" }).waitFor();
  assert.equal(await page.getByTestId("route").innerText(), "browser → a → b");
  await page.getByLabel(/^Collector/).selectOption("c");
  await page.getByText("refused:").waitFor();
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator(".result .verdict small", { hasText: "target_not_serving" }).waitFor();
  await page.getByText("collector route orders shop.v1.OrderService/GetOrder").waitFor();
}

export async function dispatchAndConnectAnswerTheSame({ browser, m }) {
  for (const query of ["?via=dispatch", "?protocol=connect", ""]) {
    const { page } = await open(browser, m.a.console + "call/orders/shop.v1.OrderService/CreateOrder" + query);
    await page.locator('[data-field="sku"] input').fill("milk");
    await page.locator('[data-field="qty"] input').fill("3");
    await page.getByRole("button", { name: "Send" }).click();
    const answer = JSON.parse(await page.getByTestId("answer").innerText());
    assert.equal(answer.order.sku, "milk", query);
    assert.equal(await page.getByTestId("route").innerText(), "browser → a → b", query);
  }
}

export async function theServerFiltersTheTraffic({ browser, m }) {
  const { page } = await open(browser, m.a.console + "traffic?errors=1");
  await order(m);
  await order(m, { sku: "", qty: 0 });
  await page.locator(".rows .verdict.bad", { hasText: "invalid_argument" }).first().waitFor();
  assert.equal(await page.locator(".rows .verdict.ok").count(), 0);
  await page.getByLabel("Code").selectOption("data_loss");
  await page.getByText(/0 of \d+ match/).waitFor();
  await page.getByRole("button", { name: "Clear filters" }).last().click();
  await page.locator(".rows .verdict.ok").first().waitFor();
}

export async function pausedTrafficIsHeldAndShownLater({ browser, m }) {
  const { page } = await open(browser, m.a.console + "traffic");
  await order(m);
  await page.locator(".rows tr[data-seq]").first().waitFor();
  await page.getByText("Live").waitFor();
  const newest = () => page.locator(".rows tr[data-seq]").first().getAttribute("data-seq").then(Number);
  await page.getByRole("button", { name: "Pause" }).click();
  const before = await newest();
  for (let i = 0; i < 5; i++) await order(m);
  await page.getByRole("button", { name: /Resume \([5-9] held\)/ }).waitFor();
  assert.equal(await newest(), before);
  await page.getByRole("button", { name: /Resume/ }).click();
  await page.waitForFunction((n) => Number(document.querySelector(".rows tr[data-seq]").dataset.seq) >= n + 5, before);
}

export async function fromSearchToAnswerByKeyboardAlone({ browser, m }) {
  const { page } = await open(browser, m.a.console);
  await page.locator("[data-node=b].active").waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("option", { name: /CreateOrder/ }).waitFor();
  await page.keyboard.type("createord");
  await page.keyboard.press("Enter");
  await page.locator('[data-field="sku"] input').waitFor();
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement.closest('[data-field="sku"]') !== null)) break;
  }
  await page.keyboard.type("tea");
  await page.keyboard.press("Tab");
  await page.keyboard.type("2");
  await page.keyboard.press("Control+Enter");
  assert.equal(JSON.parse(await page.getByTestId("answer").innerText()).order.qty, 2);
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { level: 1 }).click();
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.getByRole("heading", { name: "Traffic" }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog").getByRole("heading", { name: "Keys" }).waitFor();
}

export async function sevenTabsDoNotStall({ browser, m }) {
  const { context, page } = await open(browser, m.a.console);
  const tabs = [page];
  while (tabs.length < 7) {
    const tab = await context.newPage();
    await tab.goto(m.a.console + "traffic");
    tabs.push(tab);
  }
  // All of them are visible, as in seven windows. A hidden tab has no stream at all.
  const last = tabs.at(-1);
  await last.getByText("Live").waitFor();
  await order(m);
  await last.locator(".rows tr[data-seq]").first().waitFor();
  await last.goto(m.a.console + "call/orders/shop.v1.OrderService/GetOrder");
  await last.getByRole("button", { name: "Send" }).click();
  await last.locator(".result .verdict").first().waitFor();
}

export async function aRestartOfTheCollectorIsSurvived({ browser, m }) {
  const { page } = await open(browser, m.c.console);
  await page.getByText("Live").waitFor();
  await page.locator("[data-node=a]").waitFor();
  await m.c.kill();
  await page.getByRole("button", { name: /Reconnecting/ }).waitFor();
  await page.getByText(/What you see is as of \d\d:\d\d:\d\d/).waitFor();
  assert.ok((await page.locator("[data-node]").count()) >= 3, "the screen went blank");
  m.c = await collector("c", { namespaces: "inventory,users", example: "inventory", listen: m.c.address });
  await page.getByText("Live").waitFor({ timeout: 15_000 });
  await page.getByText("The collector restarted").waitFor();
}

export async function oneAloneIsToldHowToConnect({ browser }) {
  const other = await collector("other", { namespaces: "orders" });
  const lonely = await collector("lonely", { namespaces: "orders" });
  const { page } = await open(browser, lonely.console);
  await page.getByText("lonely is alone.").waitFor();
  assert.equal(await page.locator(".summary").innerText().then((t) => /NaN|undefined/.test(t)), false);
  await page.goto(lonely.console + "services");
  await page.getByText("No services yet.").waitFor();
  await page.goto(lonely.console + "traffic");
  await page.getByText("No dispatches yet.").waitFor();
  await page.goto(lonely.console);
  await page.getByLabel("or enter an address").fill("127.0.0.1:1");
  await page.getByRole("button", { name: "Connect" }).click();
  await page.locator("#connect-error:not(:empty)").waitFor();
  await page.getByLabel("or enter an address").fill(other.address);
  await page.getByRole("button", { name: "Connect" }).click();
  await page.locator("[data-node=other].active").waitFor();
  await Promise.all([lonely.stop(), other.stop()]);
}

export async function readOnlyShowsAndRefuses({ browser }) {
  const k = await start("rig", ["--console", "readonly"]);
  const { page } = await open(browser, k.console + "call/kitchen/collector.testing.v1.KitchenService/Cook");
  await page.getByText("This console is read-only").waitFor();
  assert.equal(await page.getByRole("button", { name: "Send" }).isDisabled(), true);
  const status = await page.evaluate(async () => (await fetch("/collector.testing.v1.KitchenService/Cook", { method: "POST", headers: { "Content-Type": "application/json", "Collective-Namespace": "kitchen" }, body: "{}" })).status);
  assert.equal(status, 403);
  await k.stop();
}

export async function pagesOfOtherSitesAreRefused({ browser, m }) {
  const other = await start("rig", []); // another port is another origin, though the same site
  const { page } = await open(browser, other.console);
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

export async function theExampleRunsInABrowser({ browser, m }) {
  const root = new URL("../../", import.meta.url).pathname;
  const script = execFileSync("go", ["run", ".", "-script", "example/client.ts"], { cwd: root + "build", maxBuffer: 1 << 24 }).toString();
  const { page } = await open(browser, m.a.console);
  const said = await page.evaluate(`${script}; example.tour(${JSON.stringify(m.a.url)})`);
  assert.match(said[0], /has \d+ points, says a$/);
  assert.match(said[1], /not_found/);
  assert.equal(said[2], "ordered 2 tea");
  assert.match(said[3], /^saw tea/);
}

export async function everythingFitsTheBudget() {
  const dist = new URL("../../dist/", import.meta.url);
  let total = 0;
  for (const name of readdirSync(dist)) if (!name.endsWith(".gz")) total += gzipSync(readFileSync(new URL(name, dist)), { level: 9 }).length;
  assert.ok(total <= 200 * 1024, `${total} bytes`);
}
