// What every picture of a page is checked for.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const shots = new URL("../../.tmp/pictures/", import.meta.url).pathname;
mkdirSync(shots, { recursive: true });

/** look takes a picture and judges what is on it. */
export async function look(page, name) {
  await page.screenshot({ path: `${shots}${name}.png`, fullPage: true });
  await sound(page, name);
  await accessible(page, name);
}

/** sound is a page without nonsense, that fits its width, on which no words cover others. */
export async function sound(page, name) {
  const text = await page.evaluate(() => document.body.innerText);
  assert.doesNotMatch(text, /NaN|undefined|\[object|Invalid Date/, name);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${name} is ${over} px too wide`);
  assert.deepEqual(await page.evaluate(overlaps), [], `${name}: words over words`);
  assert.deepEqual(await page.evaluate(crossings), [], `${name}: lines through words`);
}

export async function accessible(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map((v) => `${name}: ${v.id}: ${v.help}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(" | ")}`), []);
}

/** overlaps runs in the page: pairs of texts that are drawn over each other. */
function overlaps() {
  scrollTo(0, 0);
  const top = document.querySelector("header.top");
  const clipped = (node, box) => {
    for (let at = node; at && at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.visibility === "hidden" || style.clipPath !== "none") return undefined;
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      const frame = at.getBoundingClientRect();
      box = { left: Math.max(box.left, frame.left), right: Math.min(box.right, frame.right), top: Math.max(box.top, frame.top), bottom: Math.min(box.bottom, frame.bottom) };
    }
    return box.right - box.left > 2 && box.bottom - box.top > 2 ? box : undefined;
  };
  const found = [];
  const dialog = document.querySelector("dialog[open]");
  const walker = document.createTreeWalker(dialog ?? document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.textContent.trim() || parent.closest("option, thead, noscript, script") || parent.closest(".skip")) continue; // a table's head stays above its rows
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const r of range.getClientRects()) {
      // The line box is taller than the letters.
      const box = clipped(parent, { left: r.left, right: r.right, top: r.top + r.height / 5, bottom: r.bottom - r.height / 5 });
      if (box && (top.contains(parent) || box.top >= top.getBoundingClientRect().bottom)) found.push({ ...box, text: node.textContent.trim().slice(0, 40) });
    }
  }
  const pairs = [];
  for (let i = 0; i < found.length; i++) {
    for (let j = i + 1; j < found.length; j++) {
      const a = found[i], b = found[j];
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left), high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 2 && high > 2) pairs.push(`“${a.text}” and “${b.text}”`);
    }
  }
  return pairs.slice(0, 10);
}

/** crossings runs in the page: lines of the graph that run through the words of something else, collectors too. */
function crossings() {
  const wrong = [];
  // placed is the box of an element in the picture: its own, moved by the group it is in.
  const placed = (element) => {
    const box = element.getBBox(), { e, f } = element.getCTM();
    return { x: box.x + e, y: box.y + f, width: box.width, height: box.height };
  };
  const words = [...document.querySelectorAll("[data-words]")].map((g) => ({ of: g.dataset.words, box: placed(g.querySelector("rect")) }));
  const inside = (x, y, b) => x > b.x + 1 && x < b.x + b.width - 1 && y > b.y + 1 && y < b.y + b.height - 1;
  for (const edge of document.querySelectorAll("[data-edge]")) {
    const line = edge.querySelector(".stroke"), length = line.getTotalLength();
    for (const w of words.filter((w) => w.of !== edge.dataset.edge)) {
      for (let at = 0; at <= length; at += 2) {
        const p = line.getPointAtLength(at);
        if (inside(p.x, p.y, w.box)) {
          wrong.push(`${edge.dataset.edge} through the words of ${w.of}`);
          break;
        }
      }
    }
  }
  for (const node of document.querySelectorAll("[data-node] .body")) {
    const c = placed(node);
    for (const w of words) if (w.box.x < c.x + c.width && c.x < w.box.x + w.box.width && w.box.y < c.y + c.height && c.y < w.box.y + w.box.height) wrong.push(`${node.parentElement.dataset.node} over the words of ${w.of}`);
  }
  return wrong.slice(0, 10);
}
