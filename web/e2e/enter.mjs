// Enters a request into the form of a page, widget by widget, as a plan says. It runs in the page, so that hundreds of
// entries take seconds; the events are those of a user's typing and clicking.

/** enter fills an empty form, sends it and answers what the collector said.
 * @param plan a list of {field, …}: text | on | number | bytes+form | fields | items | entries | oneof+pick | type+fields or type+whole */
export async function enter(plan) {
  const settle = () => new Promise((done) => setTimeout(done)); // drawn after microtasks
  const fail = (what) => {
    throw new Error(what);
  };
  const one = (within, selector) => within.querySelector(selector) ?? fail(`no ${selector} in ${within.dataset.field ?? "the form"}`);
  const until = async (find, what) => {
    for (const end = Date.now() + 20_000; Date.now() < end; await settle()) {
      const found = find();
      if (found) return found;
    }
    return fail("never saw " + what);
  };
  const type = async (input, text, event = "input") => {
    const proto = input instanceof HTMLTextAreaElement ? HTMLTextAreaElement : input instanceof HTMLSelectElement ? HTMLSelectElement : HTMLInputElement;
    Object.getOwnPropertyDescriptor(proto.prototype, "value").set.call(input, text); // as a user: no framework hears of it before the event
    input.dispatchEvent(new Event(event, { bubbles: true }));
    await settle();
  };
  const click = async (element) => {
    element.click();
    await settle();
  };
  // The parts of a field that belong to no field within it.
  const own = (element, selector) => [...element.querySelectorAll(selector)].find((e) => e.closest("[data-field]") === element);
  const child = (within, name) => [...within.querySelectorAll(`[data-field="${CSS.escape(name)}"]`)].find((e) => (e.parentElement.closest("[data-field]") ?? form) === within) ?? fail(`no field ${name}`);
  await until(() => document.querySelector("[data-field]"), "a form");
  const form = document.querySelector(".call > div");

  const fill = async (within, node) => {
    const find = () => child(within, node.field);
    const set = own(find(), "input[aria-label^='set ']");
    if (set && !set.checked) await click(set);
    const at = find();
    if (node.oneof) {
      const radio = [...at.querySelectorAll("input[type=radio]")].find((r) => r.parentElement.textContent.trim() === node.oneof);
      await click(radio ?? fail("no choice " + node.oneof));
      if (node.pick) await fill(find(), node.pick);
    } else if (node.items) {
      for (const _ of node.items) await click(own(find(), ":scope > button"));
      for (const [i, item] of node.items.entries()) await fill(find(), { ...item, field: `${node.field} ${i + 1}` });
    } else if (node.entries) {
      for (const [key, item] of node.entries) {
        await type(own(find(), "input[aria-label^='new key of']"), key);
        await click(own(find(), ".row > button"));
        await fill(find(), { ...item, field: `${node.field} ${key}` });
      }
    } else if (node.type) {
      await type(own(at, "input[type=search]"), node.type);
      if (node.whole) await fill(find(), node.whole);
      for (const inner of node.fields ?? []) await fill(find(), inner);
    } else if (node.fields) {
      for (const inner of node.fields) await fill(find(), inner);
    } else if (node.on !== undefined) {
      const box = own(at, "input[type=checkbox]:not([aria-label^='set '])");
      if (box.checked !== node.on) await click(box);
    } else if (node.number !== undefined) {
      const select = own(at, "select"), known = [...select.options].some((o) => o.value === String(node.number));
      await type(select, known ? String(node.number) : "?", "change");
      if (!known) await type(own(find(), "input[type=text]"), String(node.number));
    } else if (node.bytes !== undefined) {
      await type(own(at, "select"), node.form, "change");
      await type(own(find(), "input[type=text]"), node.bytes);
    } else if (node.text !== undefined) {
      await type(own(at, "input[type=text], textarea"), node.text);
    }
  };

  for (const node of plan) await fill(form, node);
  const button = await until(() => [...document.querySelectorAll("button.primary")].find((b) => b.textContent === "Send"), "Send");
  if (button.disabled) fail("it cannot be sent: " + [...document.querySelectorAll("[role=alert]")].map((e) => e.textContent).filter(Boolean).join("; "));
  await click(button);
  const answer = await until(() => document.querySelector("[data-testid=answer]") ?? document.querySelector(".result .problem"), "an answer");
  return answer.innerText;
}
