// Shortcuts, the palette and the help that names them. Single letters do nothing in fields and can be switched off.
import { computed, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { go, href } from "./route.js";
import { collectors, pause, paused, services } from "./live.js";
import { brief, spoken } from "./format.js";

export const pages: [page: string, title: string, key: string][] = [
  ["mesh", "Mesh", "m"],
  ["connections", "Connections", "c"],
  ["services", "Services", "s"],
  ["call", "Call", "l"],
  ["traffic", "Traffic", "t"],
  ["metrics", "Metrics", "p"],
  ["health", "Health", "h"],
];

/** quiet are pages that the header has no tab for. */
export const quiet: [page: string, title: string][] = [["who", "Who you are"]];

export const helpOpen = signal(false);
export const paletteOpen = signal(false);
export const shortcuts = signal(readShortcuts());
let leader = 0;

function readShortcuts(): boolean {
  try {
    return localStorage.getItem("collective.shortcuts") !== "off";
  } catch {
    return true;
  }
}

export function setShortcuts(on: boolean): void {
  shortcuts.value = on;
  try {
    localStorage.setItem("collective.shortcuts", on ? "on" : "off");
  } catch {
    // It holds until the page is closed.
  }
}

function typing(event: KeyboardEvent): boolean {
  const at = event.target as HTMLElement;
  return at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName);
}

export function onKey(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    paletteOpen.value = true;
    return;
  }
  if (typing(event) || !shortcuts.value || event.ctrlKey || event.metaKey || event.altKey) return;
  if (Date.now() - leader < 1500) {
    leader = 0;
    const page = pages.find(([, , key]) => key === event.key);
    if (page) return act(event, () => go(href(page[0])));
  }
  switch (event.key) {
    case "g":
      leader = Date.now();
      return;
    case "?":
      return act(event, () => (helpOpen.value = true));
    case "/":
      return act(event, search);
    case "p":
      return act(event, () => pause(!paused.value));
    case "j":
      return act(event, () => step(1));
    case "k":
      return act(event, () => step(-1));
  }
}

function act(event: KeyboardEvent, what: () => void): void {
  event.preventDefault();
  what();
}

function search(): void {
  const field = document.querySelector<HTMLInputElement>("main input[type=search]");
  if (field) field.focus();
  else paletteOpen.value = true;
}

/** step moves the focus over the rows of the page. */
function step(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
  if (rows.length === 0) return;
  const at = rows.findIndex((r) => r === document.activeElement || r.contains(document.activeElement));
  const next = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  (next.matches("a,button,[tabindex]") ? next : next.querySelector<HTMLElement>("a,button"))?.focus();
}

interface Entry {
  title: string;
  hint: string;
  to: string;
}

const query = signal("");
const chosen = signal(0);

const entries = computed<Entry[]>(() => {
  const list: Entry[] = pages.map(([page, title]) => ({ title, hint: "page", to: href(page) }));
  for (const c of collectors.value?.collectors ?? []) list.push({ title: c.collectorId, hint: "collector", to: href("collectors", [c.collectorId]) });
  for (const s of services.value ?? []) {
    for (const m of s.methods) list.push({ title: brief(m.procedure), hint: s.namespace + " · " + spoken(m.procedure), to: href("call", [s.namespace, s.name, m.name]) });
  }
  return list.filter((e) => fits(query.value, e.title + " " + e.hint)).slice(0, 12);
});

/** fits reports whether the letters of a query are in a text, in order. */
export function fits(query: string, text: string): boolean {
  const low = text.toLowerCase();
  let at = -1;
  for (const letter of query.toLowerCase().replace(/\s+/g, "")) {
    at = low.indexOf(letter, at + 1);
    if (at < 0) return false;
  }
  return true;
}

function useDialog(open: boolean) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open && !ref.current?.open) ref.current?.showModal();
    if (!open && ref.current?.open) ref.current.close();
  }, [open]);
  return ref;
}

export function Palette() {
  const ref = useDialog(paletteOpen.value);
  const pick = (entry: Entry | undefined) => {
    if (!entry) return;
    paletteOpen.value = false;
    go(entry.to);
  };
  const key = (event: KeyboardEvent) => {
    const last = entries.value.length - 1;
    if (event.key === "ArrowDown") act(event, () => (chosen.value = Math.min(last, chosen.value + 1)));
    if (event.key === "ArrowUp") act(event, () => (chosen.value = Math.max(0, chosen.value - 1)));
    if (event.key === "Enter") act(event, () => pick(entries.value[chosen.value]));
  };
  return (
    <dialog ref={ref} class="palette" aria-label="Go to" onClose={() => ((paletteOpen.value = false), (query.value = ""))}>
      {paletteOpen.value ? (
        <>
          <input
            type="search"
            role="combobox"
            list={undefined}
            aria-expanded="true"
            aria-controls="palette-list"
            aria-activedescendant={"palette-" + chosen.value}
            aria-label="Page, method or collector"
            placeholder="Page, method or collector"
            value={query.value}
            onInput={(e) => ((query.value = e.currentTarget.value), (chosen.value = 0))}
            onKeyDown={key}
            autoFocus
          />
          <ul id="palette-list" role="listbox" aria-label="Matches">
            {entries.value.map((e, i) => (
              <li key={e.to} id={"palette-" + i} role="option" aria-selected={i === chosen.value} onClick={() => pick(e)}>
                <span>{e.title}</span> <small>{e.hint}</small>
              </li>
            ))}
          </ul>
          {entries.value.length === 0 ? <p class="dim">Nothing is called like that.</p> : null}
        </>
      ) : null}
    </dialog>
  );
}

export function Help() {
  const ref = useDialog(helpOpen.value);
  const list: [string, string][] = [
    ["?", "this help"],
    ["/", "search on this page"],
    ["Ctrl K", "go to a page, method or collector"],
    ...pages.map(([, title, key]): [string, string] => ["g " + key, title]),
    ["j  k", "next, previous row"],
    ["Enter", "open"],
    ["Esc", "close, cancel a call"],
    ["Ctrl Enter", "send the call"],
    ["p", "pause, resume"],
  ];
  return (
    <dialog ref={ref} class="help" aria-labelledby="help-title" onClose={() => (helpOpen.value = false)}>
      <h2 id="help-title">Keys</h2>
      <dl>
        {list.map(([key, what]) => (
          <div key={key}>
            <dt>
              {key.split(" ").filter(Boolean).map((k) => (
                <kbd key={k}>{k}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <label>
        <input type="checkbox" checked={shortcuts.value} onChange={(e) => setShortcuts(e.currentTarget.checked)} /> single keys are shortcuts
      </label>
      <form method="dialog">
        <button>Close</button>
      </form>
    </dialog>
  );
}
