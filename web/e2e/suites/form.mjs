import assert from "node:assert/strict";
import { longestTask, open } from "../browser.mjs";
import { enter } from "../enter.mjs";
import { look } from "../look.mjs";
import { request, source } from "../random.mjs";
import { start } from "../mesh.mjs";

const cook = "call/kitchen/collector.testing.v1.KitchenService/Cook";

export async function before() {
  return { k: await start("rig", []) };
}

const field = (page, name) => page.locator(`[data-field="${name}"]`).first();

async function sent(page) {
  await page.getByRole("button", { name: "Send" }).click();
  const answer = JSON.parse(await page.getByTestId("answer").innerText());
  return JSON.parse(answer.json);
}

async function set(page, name) {
  await page.getByRole("checkbox", { name: "set " + name, exact: true }).check();
}

export async function everyKindOfField({ browser, k }) {
  const { page, errors } = await open(browser, k.console + cook);
  const fill = async (name, text) => field(page, name).locator("input[type=text],textarea").first().fill(text);
  await fill("text", "Grüße “quoted” ‮rtl <script>alert(1)</script>");
  await field(page, "blob").locator("select").selectOption("hex");
  await fill("blob", "00 ff 10");
  await field(page, "flag").locator("input").check();
  const numbers = {
    int32: "-2147483648", int64: "-9223372036854775808", uint32: "4294967295", uint64: "18446744073709551615", sint32: "-1", sint64: "9223372036854775807",
    fixed32: "7", fixed64: "9007199254740993", sfixed32: "-7", sfixed64: "-9007199254740993", float: "1.5", double: "-Infinity",
  };
  for (const [name, value] of Object.entries(numbers)) await fill(name, value);
  await field(page, "heat").locator("select").selectOption("2");
  await set(page, "maybe_text");
  await set(page, "maybe_number");
  await fill("maybe_number", "0");
  await set(page, "pot");
  const pot = field(page, "pot");
  await pot.locator('[data-field="name"] input').first().fill("outer");
  await pot.getByRole("checkbox", { name: "set inner" }).check();
  await pot.locator('[data-field="inner"] [data-field="litres"] input').first().fill("9007199254740993");
  for (const name of ["names", "names", "numbers", "pots"]) await page.getByRole("button", { name: "Add to " + name, exact: true }).click();
  await field(page, "names").locator("input[type=text]").nth(0).fill("second");
  await field(page, "names").locator("input[type=text]").nth(1).fill("first");
  await page.getByRole("button", { name: "move names 2 up" }).click();
  await field(page, "numbers").locator("input[type=text]").first().fill("-9007199254740993");
  await field(page, "pots").locator('[data-field="name"] input').first().fill("listed");
  for (const [name, key] of [["counts", "a"], ["shelf", "-9007199254740993"], ["heats", "true"]]) {
    await page.getByLabel("new key of " + name).fill(key);
    await page.getByRole("button", { name: "Add to " + name, exact: true }).click();
  }
  await page.locator('[data-field="counts a"] input').first().fill("3");
  await page.locator('[data-field="heats true"] select').selectOption("1");
  await page.getByRole("radio", { name: "amount" }).check();
  await field(page, "amount").locator("input[type=text]").fill("5");
  for (const [name, text] of [["at", "2026-01-31T12:00:00.123456789Z"], ["lasts", "1m30.5s"], ["mask", "pot.name,maybe_text"], ["object", '{"a":[1,null,"x"]}'], ["value", "[true]"], ["list", '[1,"two"]']]) {
    await set(page, name);
    await fill(name, text);
  }
  await set(page, "any");
  await field(page, "any").locator("input[type=search]").fill("collector.testing.v1.Pot");
  await field(page, "any").locator('[data-field="litres"] input').first().fill("9007199254740993");
  await set(page, "wrapped_number");
  await field(page, "wrapped_number").locator('[data-field="value"] input').fill("-9223372036854775808");
  await set(page, "wrapped_text");
  await set(page, "wrapped_flag");
  await set(page, "nothing");
  await page.getByRole("button", { name: "Add to levels", exact: true }).click();
  await field(page, "levels").locator("select").first().selectOption("?");
  await field(page, "levels").getByLabel("levels 1 number").fill("77");

  assert.deepEqual(await sent(page), {
    text: "Grüße “quoted” ‮rtl <script>alert(1)</script>", blob: "AP8Q", flag: true,
    int32: -2147483648, int64: "-9223372036854775808", uint32: 4294967295, uint64: "18446744073709551615", sint32: -1, sint64: "9223372036854775807",
    fixed32: 7, fixed64: "9007199254740993", sfixed32: -7, sfixed64: "-9007199254740993", float: 1.5, double: "-Infinity",
    heat: "HEAT_HIGH", maybeText: "", maybeNumber: "0", pot: { name: "outer", inner: { litres: "9007199254740993" } },
    names: ["first", "second"], numbers: ["-9007199254740993"], pots: [{ name: "listed" }],
    counts: { a: 3 }, shelf: { "-9007199254740993": {} }, heats: { true: "HEAT_LOW" }, amount: "5",
    at: "2026-01-31T12:00:00.123456789Z", lasts: "90.500s", mask: "pot.name,maybeText", object: { a: [1, null, "x"] }, value: [true], list: [1, "two"],
    any: { "@type": "type.googleapis.com/collector.testing.v1.Pot", litres: "9007199254740993" },
    wrappedNumber: "-9223372036854775808", wrappedText: "", wrappedFlag: false, nothing: {}, levels: [77],
  });
  assert.deepEqual(errors, []);
}

export async function longIntegersSurviveJson({ browser, k }) {
  const { page } = await open(browser, k.console + cook + "?tab=JSON");
  const box = page.getByLabel("Request as JSON");
  await box.fill('{"int64": -9223372036854775808, "uint64": 18446744073709551615, "text": "1552132132231231239", "numbers": [1552132132231231239, -9223372036854775502], "double": 12345678901234567890123}');
  const got = await sent(page);
  assert.equal(got.int64, "-9223372036854775808");
  assert.equal(got.uint64, "18446744073709551615");
  assert.equal(got.text, "1552132132231231239");
  assert.deepEqual(got.numbers, ["1552132132231231239", "-9223372036854775502"]);
  await box.fill('{\n  "int32": tru\n}');
  assert.match(await page.locator("#json-error").innerText(), /line 2|line 3/);
  assert.equal(await page.getByRole("button", { name: "Send" }).isDisabled(), true);
}

export async function wrongInputIsToldAtTheField({ browser, k }) {
  const { page } = await open(browser, k.console + cook);
  const input = field(page, "int32").locator("input");
  await input.fill("3000000000");
  assert.match(await field(page, "int32").getByRole("alert").innerText(), /out of range/);
  assert.equal(await input.getAttribute("aria-invalid"), "true");
  assert.equal(await page.getByRole("button", { name: "Send" }).isDisabled(), true);
  await input.fill("3");
  assert.equal((await sent(page)).int32, 3);
}

export async function recursiveTypesHaveABottom({ browser, k }) {
  const { page } = await open(browser, k.console + cook);
  await set(page, "pot");
  for (let depth = 0; depth < 20; depth++) await page.getByRole("checkbox", { name: "set inner" }).last().check();
  let pot = (await sent(page)).pot, depth = 0;
  for (; pot.inner; pot = pot.inner) depth++;
  assert.equal(depth, 20);
}

export async function anyHoldsAny({ browser, k }) {
  const { page, errors } = await open(browser, k.console + cook);
  await set(page, "any");
  const types = ["google.protobuf.Any", "google.protobuf.Any", "collector.testing.v1.Pot"];
  for (const [i, type] of types.entries()) await page.locator('[data-field="any"] input[type=search]').nth(i).fill(type);
  await page.locator('[data-field="any"] [data-field="litres"] input').fill("9007199254740993");
  await look(page, "any-in-any");
  const any = (value) => ({ "@type": "type.googleapis.com/google.protobuf.Any", value });
  assert.deepEqual((await sent(page)).any, any(any({ "@type": "type.googleapis.com/collector.testing.v1.Pot", litres: "9007199254740993" })));
  assert.deepEqual(errors, []);
}

/** Whatever is entered arrives: form → message → bytes → Go's protojson. SEED repeats a failure. */
export async function randomRequestsArriveAsTheyWereEntered({ browser, k }) {
  const { page, errors } = await open(browser, "about:blank");
  const first = Number(process.env.SEED ?? Date.now() % 1e9), last = process.env.SEED ? first : first + 11;
  for (let seed = first; seed <= last; seed++) {
    const { plan, want } = request(source(seed));
    await page.goto(k.console + cook);
    const answer = await page.evaluate(enter, plan).catch((e) => assert.fail(`SEED=${seed}: ${e.message}\n${JSON.stringify(plan)}`));
    assert.ok(answer.startsWith("{"), `SEED=${seed}: ${answer}`);
    assert.deepEqual(JSON.parse(JSON.parse(answer).json), want, `SEED=${seed}`);
  }
  assert.deepEqual(errors, []);
}

export async function fiveHundredFieldsAreThereAtOnce({ browser, k }) {
  const { page } = await open(browser, k.console + "call/kitchen/rig.WideService/Take?tab=JSON");
  await page.getByLabel("Request as JSON").waitFor();
  const task = await longestTask(browser, page, async () => {
    await page.getByRole("tab", { name: "Form" }).click();
    await page.locator('[data-field="field_500"] input[type=text]').waitFor();
  });
  console.log(`#     the longest task ran ${task.ran.toFixed(0)} ms of ${task.took.toFixed(0)} ms by the clock`);
  assert.ok(task.ran < 100, `it ran ${task.ran} ms`);
  assert.equal(await page.locator("[data-field]").count(), 500);
  await field(page, "field_002").locator("input").fill("9223372036854775807"); // typing is as quick
  assert.deepEqual(await sent(page), { field002: "9223372036854775807" });
}

export async function aLinkRestoresTheRequest({ browser, k }) {
  const { page } = await open(browser, k.console + cook);
  await field(page, "text").locator("input").fill("from a link");
  await page.waitForFunction(() => location.hash.startsWith("#req="));
  const link = page.url();
  const second = await open(browser, link);
  assert.equal(await field(second.page, "text").locator("input").inputValue(), "from a link");
}

export async function extensionsAndAnyComeBackWhole({ browser, k }) {
  const note = {
    name: "n", any: { "@type": "type.googleapis.com/case.ext.v1.Slip", text: "y" },
    "[case.ext.v1.remark]": "x", "[case.ext.v1.Outer.inner]": { flag: true },
  };
  const link = "#req=" + Buffer.from(JSON.stringify(note)).toString("base64url");
  for (const query of ["?protocol=connect", "?via=dispatch", ""]) {
    const { page } = await open(browser, k.console + "call/kitchen/case.ext.v1.Notes/Echo" + query + link);
    await page.getByRole("button", { name: "Send" }).click();
    assert.deepEqual(JSON.parse(await page.getByTestId("answer").innerText()), note, query);
  }
}

export async function aServerStreamIsLivePausedAndCanceled({ browser, k }) {
  const { page } = await open(browser, k.console + "call/kitchen/collector.testing.v1.KitchenService/Simmer");
  await field(page, "pause_millis").locator("input").fill("20");
  await page.getByRole("button", { name: "Send" }).click();
  const received = async () => parseInt(await page.getByTestId("received").innerText(), 10);
  const messages = page.getByRole("list", { name: "Messages" }).locator("li");
  await messages.nth(3).waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  const top = await messages.first().innerText();
  const then = await received();
  await page.waitForFunction((n) => parseInt(document.querySelector("[data-testid=received]").textContent, 10) > n + 5, then);
  assert.equal(await messages.first().innerText(), top, "a paused stream moved");
  await page.getByRole("button", { name: /Resume \(\d+ held\)/ }).click();
  await page.waitForFunction((t) => document.querySelector(".messages li").textContent !== t, top);
  await page.keyboard.press("Escape");
  await page.locator(".verdict", { hasText: "canceled" }).first().waitFor();
}

export async function whatBrowsersCannotStreamHasItsCommand({ browser, k }) {
  const { page } = await open(browser, k.console + "call/kitchen/collector.testing.v1.KitchenService/Fill");
  await page.getByText("Browsers cannot send a stream of requests").waitFor();
  assert.equal(await page.getByRole("button", { name: "Send" }).count(), 0);
  await page.getByText("collector call collector.testing.v1.KitchenService/Fill").first().waitFor();
}
