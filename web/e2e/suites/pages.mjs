import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { open } from "../browser.mjs";
import { call, shop } from "../mesh.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const shots = new URL("../../../.tmp/pictures/", import.meta.url).pathname;
mkdirSync(shots, { recursive: true });

export async function before() {
  const m = await shop();
  for (let i = 0; i < 30; i++) {
    await call(m.a.url, "orders", "shop.v1.OrderService/CreateOrder", { sku: i % 5 ? "tea" : "", qty: 1 });
    await call(m.a.url, "users", "shop.v1.UserService/GetUser", { id: "u-1" });
  }
  return { m };
}

/** pages are all there are, and what tells that each is there with its data. */
const pages = {
  mesh: ["", '[data-edge="b~c"]'],
  panel: ["?at=b", "aside.panel ul.recent li"],
  edge: ["?edge=a~b", "aside.panel ul.recent li"],
  table: ["?view=Table", "tr[data-connection]"],
  collector: ["collectors/b", "tbody tr"],
  self: ["collectors/a", "tbody tr"],
  connections: ["connections", "tr[data-connection]"],
  services: ["services", ".service"],
  schema: ["services/orders/shop.v1.OrderService?type=shop.v1.Order", "pre.source"],
  pick: ["call", "ul.picks li"],
  call: ["call/orders/shop.v1.OrderService/CreateOrder", ".candidates .chosen"],
  json: ["call/orders/shop.v1.OrderService/CreateOrder?tab=JSON", "textarea.json"],
  cli: ["call/orders/shop.v1.OrderService/CreateOrder?tab=CLI", ".command pre"],
  traffic: ["traffic", "tr[data-seq]"],
  metrics: ["metrics", ".plots canvas"],
  health: ["health", ".checks li.ok"],
};

const looks = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  narrow: { colorScheme: "light", viewport: { width: 375, height: 740 } },
};

async function sound(page, name) {
  const text = await page.evaluate(() => document.body.innerText);
  assert.doesNotMatch(text, /NaN|undefined|\[object|Invalid Date/, name);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${name} is ${over} px too wide`);
}

async function judge(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map((v) => `${name}: ${v.id}: ${v.help}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(" | ")}`), []);
}

function lookAt(look) {
  return async ({ browser, m }) => {
    const { page, errors } = await open(browser, m.a.console, looks[look]);
    const wrong = [];
    for (const [name, [path, there]] of Object.entries(pages)) {
      await page.goto(m.a.console + path);
      await page.locator(there).first().waitFor();
      await page.screenshot({ path: `${shots}${name}-${look}.png`, fullPage: true });
      await sound(page, name).catch((e) => wrong.push(e.message));
      if (look !== "narrow") await judge(page, name).catch((e) => wrong.push(e.message));
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(errors, []);
  };
}

export const everyPageInLight = lookAt("light");
export const everyPageInDark = lookAt("dark");
export const everyPageAt375Pixels = lookAt("narrow");

/** theReadmesPictures shows the mesh at work. PICTURES says where to keep them. */
export async function theReadmesPictures({ browser, m }) {
  const stop = new AbortController();
  const bot = (async () => {
    for (let n = 0; !stop.signal.aborted; n++) {
      await call(m.a.url, "orders", "shop.v1.OrderService/CreateOrder", { sku: n % 7 ? "tea" : "", qty: 1 });
      await call(m.a.url, "users", "shop.v1.UserService/GetUser", { id: "u-1" });
      await call(m.c.url, "users", "shop.v1.UserService/GetUser", { id: "u-1" });
    }
  })();
  try {
    for (const scheme of ["light", "dark"]) {
      const { page } = await open(browser, m.a.console + "?at=b", { colorScheme: scheme, viewport: { width: 1180, height: 780 }, deviceScaleFactor: 1.5 });
      await page.locator(".edge.failing").waitFor();
      await page.locator('[data-edge="b~c"]').waitFor();
      await page.locator("aside.panel .verdict.bad").first().waitFor();
      await page.screenshot({ path: `${process.env.PICTURES ?? shots}/readme-mesh-${scheme}.png` });
      await sound(page, scheme);
    }
  } finally {
    stop.abort();
    await bot;
  }
}
