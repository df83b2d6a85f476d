// The browser tests: `make e2e`, or one by `make e2e RUN=name`. One after the other, in one Chromium; the last line counts.
import { readdirSync } from "node:fs";
import { launch, missing } from "./browser.mjs";
import { stopAll, tidy } from "./mesh.mjs";

const only = process.argv[2] ?? "";
const lacking = missing();
if (lacking) {
  console.log(lacking);
  console.log("0 passed, 1 failed");
  process.exit(1);
}
const started = Date.now();
let passed = 0, failed = 0;
const browser = await launch();
try {
  for (const file of readdirSync(new URL("suites/", import.meta.url)).sort()) {
    const suite = await import(new URL("suites/" + file, import.meta.url));
    const tests = Object.entries(suite).filter(([name]) => name !== "before" && name.includes(only));
    if (tests.length === 0) continue;
    const given = suite.before ? await suite.before() : {};
    for (const [name, test] of tests) {
      const at = Date.now();
      try {
        await test({ browser, ...given });
        passed++;
        console.log(`ok    ${name}  ${Date.now() - at} ms`);
      } catch (error) {
        failed++;
        console.log(`FAIL  ${name}  ${Date.now() - at} ms\n${error.stack ?? error}`);
      } finally {
        await Promise.all(browser.contexts().map((c) => c.close()));
      }
    }
    await stopAll();
  }
} catch (error) {
  failed++;
  console.log(error);
} finally {
  await browser.close();
  await stopAll();
  tidy();
}
console.log(`# ${((Date.now() - started) / 1000).toFixed(0)} s`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
