// What is known of the mesh, kept up to date by one Watch stream. Browsers allow six connections per server over
// HTTP/1.1, over all tabs, so a tab has one stream, and none while it is hidden.
import { batch, computed, effect, signal } from "@preact/signals";
import { learn, may, who } from "./access.js";
import { denied, mesh, textOf } from "./api.js";
import type { Connection } from "./gen/collector/dispatcher_pb.js";
import { ConnectionState } from "./gen/collector/dispatcher_pb.js";
import type { GetStatusResponse, ListCollectorsResponse, Service, Topology, WatchResponse } from "./gen/collector/mesh/v1/mesh_pb.js";
import { WatchTopic } from "./gen/collector/mesh/v1/mesh_pb.js";
import type { Dispatch, DispatchFilter, Series } from "./gen/collector/mesh/v1/observe_pb.js";
import { DispatchFilterSchema, SeriesKind } from "./gen/collector/mesh/v1/observe_pb.js";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { millis } from "./format.js";

export type Link = { state: "connecting" | "live" | "hidden" | "denied" } | { state: "lost"; retryAt: number; since: number; why: string };

export const link = signal<Link>({ state: "connecting" });
export const status = signal<GetStatusResponse | undefined>(undefined);
export const connections = signal<Connection[]>([]);
export const collectors = signal<ListCollectorsResponse | undefined>(undefined);
export const services = signal<Service[] | undefined>(undefined);
export const servicesError = signal("");
/** asOf is when the last event came. */
export const asOf = signal(0);
/** restarts are the moments at which the collector came back as another session. */
export const restarts = signal<number[]>([]);
export const notice = signal("");

/** Spell is a time that a connection spent in a state, as this browser saw it. */
export interface Spell {
  state: ConnectionState;
  from: number;
}
export const spells = signal<Record<string, Spell[]>>(readSpells());

/** ticks are the last metrics, one a second, newest last. */
export const maxTicks = 60;
export interface Tick {
  at: number;
  series: Series[];
}
export const ticks = signal<Tick[]>([]);

export const maxRows = 2000;
export const rows = signal<Dispatch[]>([]);
export const seen = signal(0);
export const dropped = signal(0);
export const paused = signal(false);
export const held = signal(0);
let waiting: Dispatch[] = [];

/** filter is what the server is asked to select; changing it starts the stream anew. */
export const filter = signal<MessageInitShape<typeof DispatchFilterSchema>>({});
/** wantsRows is true while a page shows single calls. */
export const wantsRows = signal(false);

let lastSeq = 0n;
let session = "";
let abort: AbortController | undefined;
let attempts = 0;
let retry: ReturnType<typeof setTimeout> | undefined;

/** start keeps a stream open for as long as the page is visible. */
export function start(): void {
  void learn();
  effect(() => {
    void who.value;
    void filter.value;
    void wantsRows.value;
    restart();
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : restart()));
}

function stop(): void {
  abort?.abort();
  abort = undefined;
  clearTimeout(retry);
  link.value = { state: "hidden" };
}

/** restart opens the stream anew, at once. */
export function restart(): void {
  abort?.abort();
  clearTimeout(retry);
  if (document.hidden) return stop();
  if (!may("observe")) return look();
  const mine = new AbortController();
  abort = mine;
  void run(mine.signal);
}

/** look is for those who may not observe: what can be called they may know. */
function look(): void {
  abort = undefined;
  link.value = { state: "denied" };
  batch(() => {
    status.value = undefined;
    connections.value = [];
    collectors.value = undefined;
    rows.value = [];
    ticks.value = [];
  });
  void askAround();
}

/** streams is how many tabs may keep a stream open at the same time. The others look in every two seconds. */
const streams = 3, lookFor = 500, lookEvery = 2000;

/** turn waits for nobody: it is true while this tab may keep its stream, which it then does until signal aborts. */
function turn(signal: AbortSignal): Promise<boolean> {
  if (!("locks" in navigator)) return Promise.resolve(true); // not a secure context: no way to know of other tabs
  const attempt = (n: number): Promise<boolean> => {
    if (n === streams) return Promise.resolve(false);
    return new Promise((resolve) => {
      void navigator.locks.request("collective.stream." + n, { ifAvailable: true }, (lock) => {
        if (!lock) return resolve(attempt(n + 1));
        resolve(true);
        return new Promise<void>((release) => (signal.aborted ? release() : signal.addEventListener("abort", () => release())));
      });
    });
  };
  return attempt(0);
}

async function run(signal: AbortSignal): Promise<void> {
  if (await turn(signal)) return watch(signal, signal);
  const look = new AbortController();
  signal.addEventListener("abort", () => look.abort());
  setTimeout(() => look.abort(), lookFor);
  await watch(signal, look.signal);
  if (!signal.aborted && link.peek().state !== "lost") retry = setTimeout(restart, lookEvery - lookFor);
}

/** watch reads the stream until one of the signals aborts; attempt is the one that may be lost. */
async function watch(attempt: AbortSignal, signal: AbortSignal): Promise<void> {
  const topics = [WatchTopic.TOPOLOGY, WatchTopic.METRICS];
  if (wantsRows.peek()) topics.push(WatchTopic.DISPATCHES);
  try {
    const stream = mesh.watch(
      { topics, filter: filter.peek(), sinceSeq: wantsRows.peek() ? lastSeq : 0n, sinceSessionId: session },
      { signal },
    );
    for await (const event of stream) {
      if (signal.aborted) return;
      attempts = 0;
      batch(() => take(event));
    }
    if (!signal.aborted) lose(attempt, "The collector ended the stream.");
  } catch (error) {
    if (!signal.aborted && denied(error)) await learn(); // which begins anew, with less, where something has changed
    if (!signal.aborted) lose(attempt, textOf(error));
  }
}

function lose(signal: AbortSignal, why: string): void {
  if (signal.aborted) return;
  const wait = Math.min(500 * 2 ** attempts++, 5000);
  const before = link.peek();
  const since = before.state === "lost" ? before.since : Date.now();
  link.value = { state: "lost", retryAt: Date.now() + wait, since, why };
  abort?.abort(); // another tab may have the stream meanwhile
  retry = setTimeout(restart, wait);
}

function take(event: WatchResponse): void {
  asOf.value = millis(event.time);
  if (link.peek().state !== "live") link.value = { state: "live" };
  const content = event.content;
  switch (content.case) {
    case "snapshot":
      greet(content.value);
      return topology(content.value);
    case "topology":
      return topology(content.value);
    case "connection":
      return changed(content.value.connection, asOf.value);
    case "dispatches":
      return calls(content.value.dispatches);
    case "metricsTick":
      ticks.value = [...ticks.value.slice(1 - maxTicks), { at: asOf.value, series: content.value.series }];
      return;
    case "dropped":
      dropped.value += Number(content.value.dispatches);
  }
}

/** greet notices another run of the collector: its numbers start again. */
function greet(now: Topology): void {
  const id = now.status?.sessionId ?? "";
  if (session && id !== session) {
    notice.value = "The collector restarted: calls and metrics start again, connections were recovered from its store.";
    restarts.value = [...restarts.value, Date.now()];
    ticks.value = [];
    lastSeq = 0n;
  }
  session = id;
  if (!wantsRows.peek()) lastSeq = now.seq;
}

function topology(now: Topology): void {
  status.value = now.status;
  connections.value = now.connections;
  for (const c of now.connections) if (!spells.value[c.id]) changed(c, millis(c.stateChangedAt));
  void askAround();
}

function changed(c: Connection | undefined, at: number): void {
  if (!c) return;
  const past = spells.value[c.id] ?? [];
  if (past.at(-1)?.state === c.state) return;
  spells.value = { ...spells.value, [c.id]: [...past, { state: c.state, from: at }].slice(-100) };
  try {
    sessionStorage.setItem("collective.spells", JSON.stringify(spells.value));
  } catch {
    // Without storage the strip starts anew with the page.
  }
}

function readSpells(): Record<string, Spell[]> {
  try {
    return JSON.parse(sessionStorage.getItem("collective.spells") ?? "{}");
  } catch {
    return {};
  }
}

let asking = false;
let again = false;

/** askAround asks for what the stream does not tell: the neighbours' neighbours and the methods. */
export async function askAround(): Promise<void> {
  again = asking;
  if (asking) return;
  asking = true;
  const [around, methods] = await Promise.allSettled([may("observe") ? mesh.listCollectors({}) : Promise.reject(), mesh.listServices({})]);
  batch(() => {
    if (around.status === "fulfilled") collectors.value = around.value;
    if (methods.status === "fulfilled") services.value = methods.value.services;
    servicesError.value = methods.status === "rejected" ? textOf(methods.reason) : "";
  });
  asking = false;
  if (again) void askAround();
}

function calls(fresh: Dispatch[]): void {
  lastSeq = fresh.at(-1)?.seq ?? lastSeq;
  seen.value += fresh.length;
  if (paused.value) {
    waiting = waiting.concat(fresh).slice(-maxRows);
    held.value = waiting.length;
    return;
  }
  rows.value = rows.value.concat(fresh).slice(-maxRows);
}

export function pause(on: boolean): void {
  batch(() => {
    paused.value = on;
    if (on) return;
    rows.value = rows.value.concat(waiting).slice(-maxRows);
    waiting = [];
    held.value = 0;
  });
}

/** begin shows other calls: it forgets the rows and fills them with what the collector remembers. */
export async function begin(next: MessageInitShape<typeof DispatchFilterSchema>, from?: number, to?: number): Promise<void> {
  waiting = [];
  const request = { filter: next, limit: 500, from: stamp(from), to: stamp(to) };
  let past: Dispatch[] = [];
  let scanned = 0n, last = 0n;
  try {
    const answer = await mesh.listDispatches(request);
    past = answer.dispatches.reverse();
    scanned = answer.scanned;
    last = answer.lastSeq;
  } catch {
    // The badge says that the collector is lost.
  }
  batch(() => {
    rows.value = past;
    seen.value = Number(scanned);
    dropped.value = 0;
    held.value = 0;
    lastSeq = last;
    wantsRows.value = to === undefined;
    filter.value = create(DispatchFilterSchema, next as DispatchFilter);
  });
}

function stamp(ms: number | undefined) {
  return ms === undefined ? undefined : { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 };
}

/** Recent is a series over the last ticks. */
export interface Recent {
  perSecond: number;
  calls: number;
  errors: number;
  p50: number;
  p99: number;
}

export const none: Recent = { perSecond: 0, calls: 0, errors: 0, p50: 0, p99: 0 };
const keyOf = (kind: SeriesKind, name: string) => kind + name;

/** sums are the last ten seconds of every series of a collector and its peers, added up once for all who show them. */
const sums = computed(() => {
  const last = ticks.value.slice(-10), all = new Map<string, Recent>();
  for (const { series } of last) {
    for (const s of series) {
      if (s.kind !== SeriesKind.COLLECTOR && s.kind !== SeriesKind.PEER) continue;
      const key = keyOf(s.kind, s.kind === SeriesKind.PEER ? s.name : "");
      const sum = all.get(key) ?? { ...none };
      const calls = Number(s.total?.calls ?? 0);
      sum.p50 += calls * Number(s.total?.p50Nanos ?? 0); // weighted until all are counted
      sum.calls += calls;
      sum.errors += Number(s.total?.errors ?? 0);
      sum.p99 = Math.max(sum.p99, Number(s.total?.p99Nanos ?? 0));
      all.set(key, sum);
    }
  }
  for (const sum of all.values()) {
    sum.p50 = sum.calls ? sum.p50 / sum.calls : 0;
    sum.perSecond = sum.calls / last.length;
  }
  return all;
});

/** recent is the last ten seconds of this collector, or of one of its peers. */
export function recent(peer?: string): Recent {
  return sums.value.get(peer === undefined ? keyOf(SeriesKind.COLLECTOR, "") : keyOf(SeriesKind.PEER, peer)) ?? none;
}

/** nodesKnown are the ids of all collectors that are known. */
export const nodesKnown = computed(() => {
  const ids = new Set([status.value?.collectorId ?? "", ...(status.value?.peers ?? []).map((p) => p.collectorId), ...(collectors.value?.collectors ?? []).map((c) => c.collectorId)]);
  ids.delete("");
  return [...ids].sort();
});
