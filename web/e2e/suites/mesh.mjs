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
  for (let i = 0; i < 8; i++) await order(m, i % 4 ? undefined : { sku: "", qty: 0 });
  await page.locator('[data-edge="a~b"].failing').waitFor();
  await page.locator('[data-edge="b~c"]').waitFor(); // the neighbours' own connection
  await page.getByRole("button", { name: "Pause" }).click(); // both show one moment
  const graph = await page.evaluate(() => {
    const list = (selector, of) => [...document.querySelectorAll(selector)].map(of).sort((a, b) => (a.id < b.id ? -1 : 1));
    const words = (id) => [...document.querySelectorAll(`[data-words="${id}"] tspan`)].map((t) => t.textContent);
    const state = (e) => /, (active|idle|stale|closed|failed)\b/.exec(e.getAttribute("aria-label"))[1];
    return {
      nodes: list("[data-node]", (n) => ({ id: n.dataset.node, state: state(n), namespaces: words(n.dataset.node)[1] })),
      edges: list("[data-edge]", (n) => ({ id: n.dataset.edge, state: state(n), namespaces: words(n.dataset.edge)[0], now: words(n.dataset.edge)[1] ?? "–" })),
    };
  });
  await page.getByRole("tab", { name: "Table" }).click();
  await page.locator("tr[data-collector]").first().waitFor();
  const table = await page.evaluate(() => {
    const list = (selector, of) => [...document.querySelectorAll(selector)].map((row) => of(row, [...row.cells])).sort((a, b) => (a.id < b.id ? -1 : 1));
    const tags = (cell) => [...cell.querySelectorAll(".tag")].map((t) => t.textContent).join(", ");
    const state = (cell) => cell.textContent.replace(/\W/g, "");
    return {
      nodes: list("tr[data-collector]", (row, c) => ({ id: row.dataset.collector, state: state(c[1]), namespaces: tags(c[3]) })),
      edges: list("tr[data-connection]", (row, c) => ({ id: row.dataset.connection, state: state(c[2]), namespaces: tags(c[3]), now: c[4].textContent })),
    };
  });
  assert.deepEqual(table, graph);
  assert.deepEqual([graph.nodes.map((n) => n.id), graph.edges.map((e) => e.id)], [["a", "b", "c"], ["a~b", "a~c", "b~c"]]);
  assert.match(graph.edges[0].now, /^[\d.]+\/s · [\d.]+% · [\d.]+ (µs|ms|s)$/);
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
  await page.evaluate(() => {
    globalThis.shown = new Promise((resolve) => {
      const see = () => document.querySelector("[data-node=b].stale") && resolve(Date.now());
      new MutationObserver(see).observe(document.body, { subtree: true, childList: true, attributes: true });
    });
  });
  const killed = Date.now();
  await m.b.kill();
  const after = (await page.evaluate(() => globalThis.shown)) - killed;
  assert.ok(after < 2000, `it was on the page after ${after} ms`);
  await page.locator('[data-edge="a~b"].stale').waitFor();
  const failed = await order(m);
  assert.equal(failed.body.code, "unavailable");
  m.b = await collector("b", { namespaces: "orders,inventory", example: "orders", listen: m.b.address });
  await page.locator("[data-node=b].active").waitFor({ timeout: 20_000 });
  await page.goto(m.a.console + "connections");
  const strip = page.locator("tr[data-connection]", { hasText: m.b.address }).getByRole("img");
  assert.match(await strip.getAttribute("aria-label"), /stale for/);
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
  while (await page.evaluate(() => document.activeElement.matches("input,textarea,select"))) await page.keyboard.press("Tab"); // keys are text in inputs
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
  for (const name of readdirSync(dist)) total += gzipSync(readFileSync(new URL(name, dist)), { level: 9 }).length;
  assert.ok(total <= 200 * 1024, `${total} bytes`);
}
