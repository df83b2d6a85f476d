// The last calls of this browser. A read-only console keeps none.
import { signal } from "@preact/signals";
import { readonly } from "../api.js";

export interface Past {
  at: number;
  namespace: string;
  service: string;
  method: string;
  json: string;
  code: string;
  ms: number;
}

const key = "collective.calls";
export const past = signal<Past[]>(load());

function load(): Past[] {
  if (readonly) return [];
  try {
    return JSON.parse(localStorage.getItem(key) ?? "[]");
  } catch {
    return [];
  }
}

export function remember(call: Past): void {
  if (readonly) return;
  save([call, ...past.value].slice(0, 100));
}

export function forgetAll(): void {
  save([]);
}

function save(calls: Past[]): void {
  past.value = calls;
  try {
    localStorage.setItem(key, JSON.stringify(calls));
  } catch {
    // Too large for this browser: the list holds until the page is closed.
  }
}
