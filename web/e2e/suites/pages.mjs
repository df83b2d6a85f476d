import assert from "node:assert/strict";
import { setInterval as every } from "node:timers/promises";
import { open } from "../browser.mjs";
import { look, shots, sound } from "../look.mjs";
import { call, shop } from "../mesh.mjs";

export async function before() {
  return { m: await shop() };
}

/** traffic is what the pages show; that of a suite's start would have left the metrics of a slow machine. */
async function traffic(m) {
  for (let i = 0; i < 30; i++) {
    await call(m.a.url, "orders", "shop.v1.OrderService/CreateOrder", { sku: i % 5 ? "tea" : "", qty: 1 });
    await call(m.a.url, "users", "shop.v1.UserService/GetUser", { id: "u-1" });
  }
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

function eachIn(kind) {
  return async ({ browser, m }) => {
    await traffic(m);
    const { page, errors } = await open(browser, m.a.console, looks[kind]);
    const wrong = [];
    for (const [name, [path, there]] of Object.entries(pages)) {
      await page.goto(m.a.console + path);
      await page.locator(there).first().waitFor();
      await look(page, `${name}-${kind}`).catch((e) => wrong.push(e.message));
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(errors, []);
  };
}

export const everyPageInLight = eachIn("light");
export const everyPageInDark = eachIn("dark");
export const everyPageAt375Pixels = eachIn("narrow");

/** theReadmesPictures shows the mesh at work. PICTURES says where to keep them. */
export async function theReadmesPictures({ browser, m }) {
  const stop = new AbortController();
  const bot = (async () => {
    let n = 0;
    for await (const _ of every(20, undefined, { signal: stop.signal })) {
      await call(m.a.url, "orders", "shop.v1.OrderService/CreateOrder", { sku: n++ % 7 ? "tea" : "", qty: 1 });
      await call(m.a.url, "users", "shop.v1.UserService/GetUser", { id: "u-1" });
      await call(m.c.url, "users", "shop.v1.UserService/GetUser", { id: "u-1" });
    }
  })().catch((e) => {
    if (e.name !== "AbortError") throw e;
  });
  try {
    for (const scheme of ["light", "dark"]) {
      const { page } = await open(browser, m.a.console + "?at=b", { colorScheme: scheme, viewport: { width: 1180, height: 780 }, deviceScaleFactor: 1.5 });
      await page.locator(".edge.failing").waitFor();
      await page.locator('[data-edge="b~c"]').waitFor();
      await page.locator("aside.panel .verdict.bad").first().waitFor();
      await page.screenshot({ path: `${process.env.PICTURES ?? shots}/readme-mesh-${scheme}.png`, fullPage: true });
      await sound(page, scheme);
    }
  } finally {
    stop.abort();
    await bot;
  }
}
