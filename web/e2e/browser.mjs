// One Chromium for all tests; each test gets a context of its own, as fresh as a new user.
import { chromium } from "playwright-core";
import { existsSync } from "node:fs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export function missing() {
  return existsSync(executablePath) ? "" : `no Chromium at ${executablePath}: apt-get install chromium, or set CHROMIUM`;
}

export const launch = () => chromium.launch({ executablePath, args });

/** open shows a page and fails the test for every error in it. */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme: "light", reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"], ...options });
  context.setDefaultTimeout(options.timeout ?? 10_000);
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (e) => errors.push(String(e)));
  page.on("console", (m) => {
    if (m.type() === "error" && !/Failed to load resource|net::ERR/.test(m.text())) errors.push(m.text());
  });
  await page.goto(url);
  return { page, context, errors };
}
