// Numbers, times and names for people. Nothing is ever NaN: what is unknown is an en dash.
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { ConnectionState } from "./gen/collector/dispatcher_pb.js";

export const none = "–";

export function count(n: bigint | number | undefined): string {
  const v = Number(n ?? 0);
  if (!Number.isFinite(v) || v === 0) return none;
  if (v < 1000) return String(v);
  if (v < 1e6) return (v / 1e3).toFixed(v < 1e4 ? 1 : 0) + "k";
  return (v / 1e6).toFixed(1) + "M";
}

export function percent(part: bigint | number, of: bigint | number): string {
  const all = Number(of);
  if (!all) return none;
  const p = (Number(part) / all) * 100;
  if (p === 0) return "0%";
  return (p < 10 ? p.toFixed(1) : p.toFixed(0)) + "%";
}

export function rate(perSecond: number): string {
  if (!perSecond || !Number.isFinite(perSecond)) return none;
  if (perSecond < 10) return perSecond.toFixed(1) + "/s";
  return count(Math.round(perSecond)) + "/s";
}

export function duration(nanos: bigint | number | undefined): string {
  const n = Number(nanos ?? 0);
  if (!n || !Number.isFinite(n)) return none;
  if (n < 1e6) return short(n / 1e3) + " µs";
  if (n < 1e9) return short(n / 1e6) + " ms";
  return short(n / 1e9) + " s";
}

function short(v: number): string {
  return v < 10 ? v.toFixed(1) : v.toFixed(0);
}

export function bytes(n: bigint | number | undefined): string {
  const v = Number(n ?? 0);
  if (!v) return none;
  if (v < 1024) return v + " B";
  if (v < 1 << 20) return (v / 1024).toFixed(1) + " kB";
  return (v / (1 << 20)).toFixed(1) + " MB";
}

export function millis(t: Timestamp | undefined): number {
  return t ? Number(t.seconds) * 1000 + t.nanos / 1e6 : 0;
}

export function clock(t: Timestamp | number | undefined, exact = false): string {
  const at = typeof t === "number" ? t : millis(t);
  if (!at) return none;
  const d = new Date(at);
  const text = [d.getHours(), d.getMinutes(), d.getSeconds()].map((n) => String(n).padStart(2, "0")).join(":");
  return exact ? text + "." + String(d.getMilliseconds()).padStart(3, "0") : text;
}

export function ago(t: Timestamp | undefined, now = Date.now()): string {
  const at = millis(t);
  if (!at) return none;
  return span(Math.max(0, now - at)) + " ago";
}

export function span(ms: number): string {
  const s = Math.floor(ms / 1000);
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 86400) return Math.floor(s / 3600) + " h " + Math.floor((s % 3600) / 60) + " min";
  return Math.floor(s / 86400) + " d";
}

/** stateName is the one word for a state, as in the command line and the store. */
export function stateName(s: ConnectionState): string {
  return s === ConnectionState.UNSPECIFIED ? "unknown" : ConnectionState[s].toLowerCase();
}

/** spoken is a procedure as people write it. */
export function spoken(procedure: string): string {
  return procedure.replace(/^\//, "");
}

/** brief leaves the package out. */
export function brief(procedure: string): string {
  const [service = "", method] = spoken(procedure).split("/");
  if (method === undefined) return service; // the collector's word for all it has no room to name: (other)
  return service.slice(service.lastIndexOf(".") + 1) + "/" + method;
}
