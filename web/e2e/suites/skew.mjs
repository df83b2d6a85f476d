import assert from "node:assert/strict";
import { open } from "../browser.mjs";
import { look } from "../look.mjs";
import { eventually, start } from "../mesh.mjs";

export async function before() {
  return { k: await start("rig", ["--skew"]) };
}

export async function anotherSchemaIsShownWithTheField({ browser, k }) {
  await eventually(k.url, "ListServices", ({ services = [] }) => {
    const skews = services.flatMap((s) => s.methods.flatMap((m) => m.skews ?? []));
    return skews.length === 2 && !skews.some((s) => s.pending);
  });
  const { page, errors } = await open(browser, k.console + "services");
  await page.locator("[data-skew=newer]", { hasText: "compatible schema on newer" }).waitFor();
  await page.locator("[data-skew=stranger]", { hasText: "incompatible schema on stranger" }).waitFor();
  assert.equal(await page.locator("[data-skew]").count(), 2, "a method is marked that all have alike");
  await look(page, "skew-services");
  await page.getByRole("link", { name: "rig.WideService" }).click();
  await page.locator("article [data-skew=stranger]", { hasText: "rig.TakeRequest.field_001" }).waitFor();
  await page.locator("article [data-skew=newer]", { hasText: "rig.TakeRequest.more" }).waitFor();
  await look(page, "skew-service");
  assert.deepEqual(errors, []);
}
