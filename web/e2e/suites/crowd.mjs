import assert from "node:assert/strict";
import { longestTask, open } from "../browser.mjs";
import { look } from "../look.mjs";
import { mesh, start } from "../mesh.mjs";

const peers = 60, atLeast = 2000;

export async function before() {
  return { k: await start("rig", ["--peers", String(peers), "--rate", "2200"]) };
}

/** pages are shown while the calls go on: what there is to see, and what somebody does meanwhile. */
const pages = {
  table: ["", "tr[data-collector=p60]", (page) => page.getByLabel("Namespace").selectOption("kitchen")],
  graph: ["?view=Graph", "[data-node=p60]", async (page) => {
    await page.locator("[data-node=p07]").click();
    await page.locator("[data-node=p07].chosen").waitFor(); // as a graph still, now of p07 and its neighbours
  }],
  traffic: ["traffic", "tr[data-seq]", (page) => page.getByLabel("Errors only").check()],
  metrics: ["metrics", ".plots canvas", (page) => page.getByRole("tab", { name: "1 h" }).click()],
  connections: ["connections", "tr[data-connection]", (page) => page.getByRole("button", { name: /stale/ }).click()],
};

/** callsPerSecond is what the collector itself counted in the full seconds between two moments. */
async function callsPerSecond(k, from, to) {
  const { start, stepSeconds, series } = await mesh(k.url, "GetMetrics", { windowSeconds: 60 });
  const { points } = series.find((s) => s.kind === "SERIES_KIND_COLLECTOR");
  const full = points.filter((_, i) => {
    const at = Date.parse(start) + i * stepSeconds * 1000;
    return at >= from && at + stepSeconds * 1000 <= to;
  });
  return full.reduce((sum, p) => sum + Number(p.calls ?? 0), 0) / (full.length * stepSeconds);
}

/** ticks passes when the page has shown so many more seconds of the mesh. */
const ticks = (page, n) => page.evaluate((n) => new Promise((done) => {
  const began = performance.now();
  const frame = () => (performance.now() - began > n * 1000 ? done() : requestAnimationFrame(frame));
  frame();
}), n);

export async function sixtyCollectorsAndTwoThousandCallsASecond({ browser, k }) {
  const { page, errors } = await open(browser, k.console);
  const wrong = [];
  for (const [name, [path, there, act]] of Object.entries(pages)) {
    await page.goto(k.console + path);
    await page.locator(there).first().waitFor();
    const from = Date.now();
    const task = await longestTask(browser, page, async () => {
      await ticks(page, 2);
      await act(page);
      await ticks(page, 2);
    });
    const rate = await callsPerSecond(k, from, Date.now());
    console.log(`#     ${name}: ${rate.toFixed(0)} calls/s, longest task ran ${task.ran.toFixed(0)} ms of ${task.took.toFixed(0)} ms by the clock, ${task.tasks} tasks`);
    if (!(rate >= atLeast)) wrong.push(`${name}: this machine made ${rate.toFixed(0)} calls/s, which proves nothing`);
    if (task.ran >= 100) wrong.push(`${name}: a task ran ${task.ran.toFixed(0)} ms`);
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual(errors, []);
}

export async function aCrowdIsDrawnWithoutOverlap({ browser, k }) {
  const { page } = await open(browser, k.console);
  await page.locator("tr[data-collector]").nth(peers).waitFor();
  await page.getByRole("tab", { name: "Graph" }).click();
  await page.locator("[data-edge]").nth(peers - 1).waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  assert.equal(await page.locator("[data-node]").count(), peers + 1);
  await look(page, "crowd-graph");
}
