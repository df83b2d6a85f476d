// One Chromium for all tests; each test gets a context of its own, as fresh as a new user.
import { chromium } from "playwright-core";
import { existsSync } from "node:fs";
import { token } from "./mesh.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** elsewhere is a name that an attacker's name server could make point to this machine. */
export const elsewhere = "elsewhere.test";
const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", `--host-resolver-rules=MAP ${elsewhere} 127.0.0.1`];

export function missing() {
  return existsSync(executablePath) ? "" : `no Chromium at ${executablePath}: apt-get install chromium, or set CHROMIUM`;
}

export const launch = () => chromium.launch({ executablePath, args });

/** open shows a page and fails the test for every error in it. A page of a console is opened by a link that logs in, made by the
 * collector at the page's origin, or at options.login; "" for one that is not logged in. */
export async function open(browser, url, { login, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme: "light", reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"], ...options });
  context.setDefaultTimeout(options.timeout ?? 30_000);
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (e) => errors.push(String(e)));
  page.on("console", (m) => {
    if (m.type() === "error" && !/Failed to load resource|net::ERR/.test(m.text())) errors.push(m.text());
  });
  const console = /^.*\/console\//.exec(url)?.[0];
  if (login === "" || !console) {
    await page.goto(url);
  } else {
    const at = new URL(url.includes("#") ? console : url); // what logs in has a fragment of its own
    at.searchParams.set("token", await token(login ?? at.origin));
    await page.goto(at.href);
    if (url.includes("#")) await page.goto(url);
  }
  return { page, context, errors };
}

/** Tasks of a page's main thread: the longest by the time it ran, and by the clock. A machine that is busy with something
 * else stretches only the second one; a page that does too much at once has both. */
export async function longestTask(browser, page, act) {
  await browser.startTracing(page, { categories: ["disabled-by-default-devtools.timeline", "__metadata"] });
  await act();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const main = new Set(traceEvents.filter((e) => e.name === "thread_name" && e.args.name === "CrRendererMain").map((e) => e.pid + ":" + e.tid));
  const tasks = traceEvents.filter((e) => e.name === "RunTask" && main.has(e.pid + ":" + e.tid) && e.tdur !== undefined);
  if (tasks.length === 0) throw new Error("the trace has no tasks");
  const longest = (key) => Math.max(...tasks.map((e) => e[key])) / 1000;
  return { ran: longest("tdur"), took: longest("dur"), tasks: tasks.length };
}
