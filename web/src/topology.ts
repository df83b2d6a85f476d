// The mesh as nodes and edges: what the graph draws and the table lists, so that the two are the same by construction.
import { computed } from "@preact/signals";
import { ConnectionState } from "./gen/collector/dispatcher_pb.js";
import { collectors, none, recent, status, type Recent } from "./live.js";
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
    recent: recent(p.collectorId),
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
    namespaces: me.namespaces, recent: recent(), missing: false,
  }];
  const direct = new Set([me.collectorId]);
  const shares = sharesOf();
  for (const p of me.peers) {
    direct.add(p.collectorId);
    list.push({
      id: p.collectorId, self: false, direct: true, via: "", address: p.address, state: p.state,
      namespaces: union(p.sharedNamespaces, shares.get(p.collectorId)), lastSeen: p.lastActivity,
      recent: recent(p.collectorId),
      missing: collectors.value?.missing.includes(p.collectorId) ?? false,
    });
  }
  for (const c of collectors.value?.collectors ?? []) {
    if (direct.has(c.collectorId)) continue;
    list.push({
      id: c.collectorId, self: false, direct: false, via: c.viaCollectorId, address: c.address, state: c.state,
      namespaces: union(c.namespaces, shares.get(c.collectorId)), lastSeen: c.lastSeen,
      recent: none, missing: false,
    });
  }
  return list;
});

/** sharesOf is what every collector shares with others than the asked one. */
function sharesOf(): Map<string, Set<string>> {
  const all = new Map<string, Set<string>>();
  for (const e of collectors.value?.edges ?? []) {
    for (const id of [e.sourceCollectorId, e.targetCollectorId]) {
      const names = all.get(id) ?? new Set();
      for (const n of e.sharedNamespaces) names.add(n);
      all.set(id, names);
    }
  }
  return all;
}

const union = (a: string[], b: Iterable<string> = []) => [...new Set([...a, ...b])].sort();

export function edgeId(a: string, b: string): string {
  return a < b ? a + "~" + b : b + "~" + a;
}
