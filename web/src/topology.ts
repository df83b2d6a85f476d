// The mesh as nodes and edges: what the graph draws and the table lists, so that the two are the same by construction.
import { computed } from "@preact/signals";
import { ConnectionState } from "./gen/collector/dispatcher_pb.js";
import { SeriesKind } from "./gen/collector/mesh/v1/observe_pb.js";
import { collectors, recent, status, ticks, type Recent } from "./live.js";
import type { Timestamp } from "@bufbuild/protobuf/wkt";

export interface Node {
  id: string;
  self: boolean;
  direct: boolean;
  via: string;
  address: string;
  state: ConnectionState;
  namespaces: string[];
  lastSeen?: Timestamp;
  recent: Recent;
  missing: boolean;
}

export interface Edge {
  id: string;
  source: string;
  target: string;
  state: ConnectionState;
  namespaces: string[];
  calls: bigint;
  errors: bigint;
  /** What the asked collector saw of it; undefined between two others. */
  recent?: Recent;
  connectionId?: string;
}

export const up = (state: ConnectionState) => state === ConnectionState.ACTIVE || state === ConnectionState.IDLE;

export const edges = computed<Edge[]>(() => {
  const me = status.value?.collectorId ?? "";
  const own = (status.value?.peers ?? []).map((p): Edge => ({
    id: edgeId(me, p.collectorId),
    source: p.dialed ? me : p.collectorId,
    target: p.dialed ? p.collectorId : me,
    state: p.state,
    namespaces: p.sharedNamespaces,
    calls: p.calls,
    errors: p.errors,
    recent: recent(ticks.value, SeriesKind.PEER, p.collectorId),
    connectionId: p.connectionId,
  }));
  const others = (collectors.value?.edges ?? []).map((e): Edge => ({
    id: edgeId(e.sourceCollectorId, e.targetCollectorId),
    source: e.sourceCollectorId,
    target: e.targetCollectorId,
    state: e.state,
    namespaces: e.sharedNamespaces,
    calls: e.calls,
    errors: e.errors,
  }));
  const byId = new Map([...others, ...own].map((e) => [e.id, e]));
  return [...byId.values()].sort((a, b) => a.id.localeCompare(b.id));
});

export const nodes = computed<Node[]>(() => {
  const me = status.value;
  if (!me) return [];
  const list: Node[] = [{
    id: me.collectorId, self: true, direct: true, via: "", address: me.address, state: ConnectionState.ACTIVE,
    namespaces: me.namespaces, recent: recent(ticks.value, SeriesKind.COLLECTOR), missing: false,
  }];
  for (const p of me.peers) {
    list.push({
      id: p.collectorId, self: false, direct: true, via: "", address: p.address, state: p.state,
      namespaces: namespacesOf(p.collectorId, p.sharedNamespaces), lastSeen: p.lastActivity,
      recent: recent(ticks.value, SeriesKind.PEER, p.collectorId),
      missing: collectors.value?.missing.includes(p.collectorId) ?? false,
    });
  }
  for (const c of collectors.value?.collectors ?? []) {
    if (list.some((n) => n.id === c.collectorId)) continue;
    list.push({
      id: c.collectorId, self: false, direct: false, via: c.viaCollectorId, address: c.address, state: c.state,
      namespaces: namespacesOf(c.collectorId, c.namespaces), lastSeen: c.lastSeen,
      recent: { perSecond: 0, calls: 0, errors: 0, p50: 0, p99: 0 }, missing: false,
    });
  }
  return list;
});

/** namespacesOf adds what a collector shares with others to what it shares with the asked one. */
function namespacesOf(id: string, shared: string[]): string[] {
  const all = new Set(shared);
  for (const e of collectors.value?.edges ?? []) {
    if (e.sourceCollectorId === id || e.targetCollectorId === id) for (const n of e.sharedNamespaces) all.add(n);
  }
  return [...all].sort();
}

export function edgeId(a: string, b: string): string {
  return a < b ? a + "~" + b : b + "~" + a;
}
