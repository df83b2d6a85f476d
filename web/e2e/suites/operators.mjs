// Who may see and do what in a browser: links that log in, sessions, and what is left without one.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { open } from "../browser.mjs";
import { look } from "../look.mjs";
import { call, collector, operate, run, shop, token } from "../mesh.mjs";

export async function before() {
  const m = await shop();
  for (let i = 0; i < 5; i++) await call(m.a.url, "orders", "shop.v1.OrderService/CreateOrder", { sku: "tea", qty: 1 });
  return { m };
}

const rights = (page) => page.$$eval("[data-right]", (rows) => rows.filter((r) => r.dataset.allowed === "true").map((r) => r.dataset.right).join(" "));

export async function withoutASessionNothingOfTheMeshIsShown({ browser, m }) {
  const { page, errors } = await open(browser, m.a.console, { login: "" });
  for (const path of ["", "traffic", "connections", "metrics", "health", "collectors/b"]) {
    await page.goto(m.a.console + path);
    await page.getByText("Log in to look at the mesh").waitFor();
    assert.equal(await page.locator("[data-node], tr[data-seq], tr[data-connection]").count(), 0, path);
  }
  await page.getByText("collector console -s " + m.a.url).waitFor();
  await look(page, "operators-anonymous");
  const status = await page.evaluate(async () => (await fetch("/collector.mesh.v1.MeshService/GetStatus", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" })).status);
  assert.ok(status === 403 || status === 401, "status " + status);
  await page.goto(m.a.console + "call/users/shop.v1.UserService/GetUser");
  await page.locator('[data-field="id"] input').fill("u-1");
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator(".result .verdict.ok").waitFor(); // calling is for everybody on this machine
  await page.goto(m.a.console + "who");
  await page.getByText("You are not logged in").waitFor();
  assert.equal(await rights(page), "call describe");
  await look(page, "operators-who-anonymous");
  assert.deepEqual(errors, []);
}

export async function thePrintedLinkLogsOneBrowserIn({ browser, m }) {
  const link = (await run("console", "--print", "-s", m.a.url)).trim();
  assert.match(link, /\/console\/\?token=[\w-]{43}$/);
  const { page, context, errors } = await open(browser, link, { login: "" });
  await page.getByText("Live").waitFor();
  await page.locator("[data-node=b]").waitFor();
  assert.equal(page.url(), m.a.console, "the address tells a secret");
  const cookies = await context.cookies();
  assert.deepEqual(cookies.map(({ httpOnly, sameSite, secure, path, expires }) => ({ httpOnly, sameSite, secure, path, expires })), [{ httpOnly: true, sameSite: "Strict", secure: false, path: "/", expires: -1 }]);
  assert.match(cookies[0].name, new RegExp("^collector-a-" + new URL(m.a.url).port + "$"));
  assert.equal(await page.evaluate(() => document.cookie), "");
  await page.goto(m.a.console + "who");
  await page.getByText(/^uid:/).first().waitFor();
  assert.match(await rights(page), /observe.*operate/);
  await look(page, "operators-who");
  const another = await context.newPage(); // another tab of this browser is logged in
  await another.goto(m.a.console + "traffic");
  await another.locator("tr[data-seq]").first().waitFor();
  const second = await open(browser, "about:blank"); // another browser is not, by the same link
  assert.equal((await second.page.goto(link)).status(), 403);
  assert.match(await second.page.innerText("body"), /used before/);
  await second.page.goto(m.a.console);
  await second.page.getByText("Log in to look at the mesh").waitFor();
  assert.deepEqual(errors, []);
}

export async function loggingOutEndsTheSession({ browser, m }) {
  const { page, context } = await open(browser, m.a.console + "who");
  await page.getByText(/^uid:/).first().waitFor();
  const [cookie] = await context.cookies();
  const key = await page.evaluate(() => localStorage.getItem(Object.keys(localStorage).find((k) => k.startsWith("collective.session"))));
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByText("You are not logged in").waitFor();
  assert.deepEqual(await context.cookies(), []);
  await page.goto(m.a.console);
  await page.getByText("Log in to look at the mesh").waitFor();
  const again = await fetch(m.a.url + "/collector.mesh.v1.OperatorService/WhoAmI", { method: "POST", headers: { "Content-Type": "application/json", Cookie: `${cookie.name}=${cookie.value}`, "Collective-Session": key }, body: "{}" });
  assert.equal((await again.json()).kind, "Anonymous", "a session that was ended works");
}

export async function theCookieAloneIsWorthNothing({ browser, m }) {
  const { page, context } = await open(browser, m.a.console);
  await page.getByText("Live").waitFor();
  let sent = "";
  const other = createServer((req, res) => ((sent = req.headers.cookie ?? ""), res.end("hello"))); // another server of this machine
  await new Promise((listening) => other.listen(0, "127.0.0.1", listening));
  const away = await context.newPage();
  await away.goto(`http://127.0.0.1:${other.address().port}/`);
  other.close();
  const [cookie] = await context.cookies();
  assert.ok(sent.includes(cookie.value), "the browser keeps the cookie from other ports: the key is not needed any more");
  const answer = await fetch(m.a.url + "/collector.mesh.v1.OperatorService/WhoAmI", { method: "POST", headers: { "Content-Type": "application/json", Cookie: sent }, body: "{}" });
  assert.equal((await answer.json()).kind, "Anonymous");
}

export async function whoOnlyLooksCannotChangeAnything({ browser, m }) {
  const { page, errors } = await open(browser, m.a.console + "?token=" + (await token(m.a.url, "observe")), { login: "" });
  await page.locator("[data-node=b]").waitFor();
  await page.goto(m.a.console + "collectors/b");
  assert.equal(await page.getByRole("button", { name: "Disconnect…" }).isDisabled(), true);
  await page.goto(m.a.console + "who");
  await page.getByText(/^observe:uid:/).first().waitFor();
  assert.equal(await rights(page), "call describe observe");
  await look(page, "operators-who-observe");
  assert.deepEqual(errors, []);
}

export async function theAuditLogTellsOfIt({ browser, m }) {
  const secret = await token(m.c.url), { page } = await open(browser, `${m.c.console}who?token=${secret}`, { login: "" });
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByText("You are not logged in").waitFor();
  assert.equal((await page.goto(`${m.c.console}?token=${secret}`)).status(), 403);
  const text = await run("audit", "-s", m.c.url, "-o", "tsv");
  for (const line of [/login\tdone/, /login\tdenied/, /logout\tdone/]) assert.match(text, line);
  assert.ok(!JSON.stringify(await operate(m.c.url, "collector.mesh.v1.OperatorService/ListAudit")).includes(secret));
}

export async function theRuleThatRefusedACallIsShown({ browser }) {
  const strict = await collector("strict", { namespaces: "orders", example: "orders", policy: `
    @id("operators-look-on") permit (principal in Group::"operators", action, resource);
    @id("stock-is-taken") forbid (principal, action == Action::"call", resource == Method::"shop.v1.OrderService/CreateOrder");` });
  const { page, errors } = await open(browser, strict.console + "call/orders/shop.v1.OrderService/CreateOrder");
  await page.locator('[data-field="sku"] input').fill("tea");
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator(".result .verdict small", { hasText: "policy_denied" }).waitFor();
  await page.getByTestId("rule").getByText("stock-is-taken").waitFor();
  await page.getByText("collector policy why shop.v1.OrderService/CreateOrder").waitFor();
  await look(page, "operators-rule-call");
  await page.goto(strict.console + "traffic?errors=1");
  await page.locator("tr[data-seq] button").first().click();
  const panel = page.getByRole("complementary", { name: "Call" });
  await panel.getByText("stock-is-taken").waitFor();
  await panel.locator(".mono", { hasText: /^User::"uid:/ }).waitFor();
  await look(page, "operators-rule-traffic");
  const stranger = await call(strict.url, "orders", "shop.v1.OrderService/CreateOrder", { sku: "tea" }); // who is not told
  assert.equal(stranger.body.code, "unauthenticated");
  assert.ok(!JSON.stringify(stranger.body).includes("stock-is-taken"), stranger.body.message);
  assert.deepEqual(errors, []);
  await strict.stop();
}
