// Pages are paths under the base, and every filter is in the URL, so that a link shows what its sender saw.
import { signal } from "@preact/signals";
import { base } from "./api.js";

export interface Place {
  page: string;
  args: string[];
  query: URLSearchParams;
  fragment: string;
}

function read(): Place {
  const path = location.pathname.startsWith(base) ? location.pathname.slice(base.length) : "";
  const [page, ...args] = path.split("/").map(decodeURIComponent);
  return { page: page || "mesh", args: args.filter((a) => a !== ""), query: new URLSearchParams(location.search), fragment: location.hash.slice(1) };
}

export const place = signal<Place>(read());

addEventListener("popstate", () => (place.value = read()));

/** href is the address of a page. */
export function href(page: string, args: string[] = [], query: Record<string, string | undefined> = {}): string {
  const path = [page === "mesh" && args.length === 0 ? "" : page, ...args.map(encodeURIComponent)].join("/");
  const given = Object.entries(query).filter(([, v]) => v !== undefined && v !== "") as [string, string][];
  return base + path + (given.length > 0 ? "?" + new URLSearchParams(given) : "");
}

/** pick is this page with something else picked: how it is looked at stays. */
export function pick(what: { at: string } | { edge: string }): string {
  const { at, edge, ...look } = Object.fromEntries(place.value.query);
  return href(place.value.page, place.value.args, { ...look, ...what });
}

export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  place.value = read();
}

/** setQuery changes filters in place, so that Back leaves the page. */
export function setQuery(changes: Record<string, string | undefined>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  go(location.pathname + (text ? "?" + text : "") + location.hash, true);
}

/** follow makes links within the console change the page without loading it. */
export function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = (event.target as Element).closest?.("a");
  const to = link?.getAttribute("href");
  if (!link || !to || !to.startsWith(base) || link.hasAttribute("download")) return;
  event.preventDefault();
  go(to);
  if (!link.closest("svg")) scrollTo(0, 0);
}
