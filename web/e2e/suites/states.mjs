import assert from "node:assert/strict";
import { open } from "../browser.mjs";
import { look } from "../look.mjs";
import { call, collector, shop, token } from "../mesh.mjs";

export async function before() {
  return { m: await shop() };
}

export async function oneAloneIsToldHowToConnect({ browser }) {
  const other = await collector("other", { namespaces: "orders" });
  const lonely = await collector("lonely", { namespaces: "orders" });
  const { page } = await open(browser, lonely.console);
  await page.getByText("lonely is alone.").waitFor();
  await page.locator("[data-node=lonely]").waitFor();
  await look(page, "state-alone");
  await page.goto(lonely.console + "services");
  await page.getByText("No services yet.").waitFor();
  await look(page, "state-no-services");
  await page.goto(lonely.console + "traffic");
  await page.getByText("No dispatches yet.").waitFor();
  await look(page, "state-no-traffic");
  await page.goto(lonely.console + "metrics");
  await page.getByText("No dispatches yet.").waitFor();
  await look(page, "state-no-metrics");
  await page.goto(lonely.console);
  await page.getByLabel("or enter an address").fill("127.0.0.1:1");
  await page.getByRole("button", { name: "Connect" }).click();
  await page.locator("#connect-error:not(:empty)").waitFor();
  await page.getByLabel("or enter an address").fill(other.address);
  await page.getByRole("button", { name: "Connect" }).click();
  await page.locator("[data-node=other].active").waitFor();
  await Promise.all([lonely.stop(), other.stop()]);
}

export async function aFilterThatHidesAllSaysSo({ browser, m }) {
  await call(m.a.url, "orders", "shop.v1.OrderService/CreateOrder", { sku: "tea", qty: 1 });
  const { page } = await open(browser, m.a.console + "traffic?code=data_loss");
  await page.getByText(/0 of \d+ match/).waitFor();
  await look(page, "state-filtered");
  await page.getByRole("button", { name: "Clear filters" }).last().click();
  await page.locator(".rows .verdict.ok").first().waitFor();
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
  await look(page, "state-failed-call");
}

export async function aSilentNeighbourIsMissedByName({ browser, m }) {
  const { page } = await open(browser, m.a.console);
  await page.getByText("Live").waitFor();
  const missed = page.getByText("c did not answer in 1 s");
  try {
    m.c.freeze();
    await page.getByRole("link", { name: "Traffic" }).click(); // another page asks anew
    await page.getByRole("link", { name: "Mesh", exact: true }).click();
    await missed.waitFor();
    await look(page, "state-partial");
  } finally {
    m.c.thaw();
  }
  await page.locator("[data-node=c].active").waitFor();
  const again = page.getByRole("button", { name: "Ask again" });
  if (await again.isVisible()) await again.click({ timeout: 2000 }).catch(() => undefined); // the page may have asked by itself meanwhile
  await missed.waitFor({ state: "detached" });
}

export async function aRestartOfTheCollectorIsSurvived({ browser, m }) {
  const { page } = await open(browser, m.c.console);
  await page.getByText("Live").waitFor();
  await page.locator("[data-node=a]").waitFor();
  await m.c.kill();
  await page.getByRole("button", { name: /Reconnecting/ }).waitFor();
  await page.getByText(/What you see is as of \d\d:\d\d:\d\d/).waitFor();
  assert.ok((await page.locator("[data-node]").count()) >= 3, "the screen went blank");
  await look(page, "state-lost");
  m.c = await collector("c", { namespaces: "inventory,users", example: "inventory", listen: m.c.address });
  await page.getByRole("heading", { name: "Log in to look at the mesh" }).waitFor(); // sessions end with the collector
  await look(page, "state-restarted");
  await page.goto(`${m.c.console}?token=${await token(m.c.url)}`);
  await page.getByText("Live").waitFor();
  await page.locator("[data-node=a]").waitFor();
}

export async function anOldPageIsOfferedTheNewConsole({ browser }) {
  // Sessions end with the collector, so this is the page of somebody who needs none.
  const start = (listen) => collector("open", { namespaces: "inventory", example: "inventory", listen, policy: "permit (principal, action, resource);" });
  let c = await start();
  const { page } = await open(browser, "about:blank");
  // The page of a build before: all of it is the same but the name of the build.
  await page.route(c.console, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: (await answer.text()).replace(/data-build="main-\w+/, 'data-build="main-BEFORE') });
  }, { times: 1 });
  await page.goto(c.console);
  await page.getByText("Live").waitFor();
  await c.kill();
  await page.getByRole("button", { name: /Reconnecting/ }).waitFor();
  c = await start(c.address);
  await page.getByText("The collector has a newer console.").waitFor();
  await look(page, "state-outdated");
  await page.getByRole("button", { name: "Load it" }).click();
  await page.getByText("Live").waitFor();
  await page.getByText("The collector has a newer console.").waitFor({ state: "detached" });
}
