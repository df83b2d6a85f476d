import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { mesh, readonly, textOf } from "../api.js";
import { ago, clock, count, duration, percent, rate, brief } from "../format.js";
import type { Dispatch } from "../gen/collector/mesh/v1/observe_pb.js";
import { edgeLabel, Graph, layOut } from "../graph.js";
import { askAround, collectors, paused, pause, recent, services, status, ticks } from "../live.js";
import { Act, Command, Empty, Facts, State, Tabs, Tags, Verdict } from "../parts.js";
import { go, href, pick, place, setQuery } from "../route.js";
import { edges, nodes, type Edge, type Node } from "../topology.js";

const large = 60;

export function Mesh() {
  const query = place.value.query;
  const frozen = useSignal<{ nodes: Node[]; edges: Edge[] } | undefined>(undefined);
  if (!status.value) return <p class="dim" aria-busy="true">Asking the collector…</p>;
  if (paused.value && !frozen.value) frozen.value = { nodes: nodes.value, edges: edges.value };
  if (!paused.value && frozen.value) frozen.value = undefined;
  let shown = frozen.value ?? { nodes: nodes.value, edges: edges.value };
  const at = query.get("at") ?? "", edge = query.get("edge") ?? "", namespace = query.get("ns") ?? "";
  const many = shown.nodes.length > large;
  const view = query.get("view") ?? (many ? "Table" : "Graph");
  if (view === "Graph" && many) shown = around(shown, at || shown.nodes[0].id);
  const lit = (names: string[]) => !namespace || names.includes(namespace);
  const all = [...new Set(nodes.value.flatMap((n) => n.namespaces))].sort();
  return (
    <section class="mesh" aria-labelledby="mesh-title">
      <h1 id="mesh-title">Mesh</h1>
      <Summary />
      <div class="bar">
        <Tabs names={["Graph", "Table"]} at={view} onPick={(v) => setQuery({ view: v })} label="Show the mesh as" />
        <label>
          Namespace{" "}
          <select value={namespace} onChange={(e) => setQuery({ ns: e.currentTarget.value })}>
            <option value="">all</option>
            {all.map((n) => <option key={n}>{n}</option>)}
          </select>
        </label>
        {view === "Graph" ? (
          <>
            <label class="check">
              <input type="checkbox" checked={query.get("fit") !== "off"} onChange={(e) => setQuery({ fit: e.currentTarget.checked ? undefined : "off" })} /> Fit
            </label>
            <button type="button" onClick={() => layOut(shown.nodes, shown.edges, true)}>Re-layout</button>
          </>
        ) : null}
        <button type="button" aria-pressed={paused.value} onClick={() => pause(!paused.value)}>{paused.value ? "Resume" : "Pause"}</button>
      </div>
      <Missing />
      <div class={"split" + (at || edge ? " open" : "")}>
        <div class="wide">
          {view === "Graph" ? <Graph {...shown} at={at} edge={edge} lit={lit} fit={query.get("fit") !== "off"} /> : <Tables {...shown} lit={lit} />}
          {nodes.value.length === 1 ? <Alone /> : null}
        </div>
        {at ? <NodePanel key={at} id={at} /> : edge ? <EdgePanel key={edge} id={edge} /> : null}
      </div>
    </section>
  );
}

/** around is a collector and its neighbours: more would be unreadable. */
function around(all: { nodes: Node[]; edges: Edge[] }, id: string) {
  const near = all.edges.filter((e) => e.source === id || e.target === id).slice(0, large);
  const names = new Set([id, ...near.flatMap((e) => [e.source, e.target])]);
  return { nodes: all.nodes.filter((n) => names.has(n.id)), edges: near };
}

function Summary() {
  const r = recent();
  const peers = status.value?.peers ?? [];
  const live = peers.filter((p) => p.state === 1 || p.state === 2).length;
  const items: [string, string, string?][] = [
    ["calls", rate(r.perSecond)],
    ["errors", percent(r.errors, r.calls), r.errors > 0 ? "bad" : ""],
    ["p50", duration(r.p50)],
    ["p99", duration(r.p99)],
    ["peers", peers.length ? `${live}/${peers.length}` : "–", live < peers.length ? "warn" : ""],
  ];
  return (
    <dl class="summary" aria-label="The last ten seconds at this collector">
      {items.map(([name, value, kind]) => (
        <div key={name} class={kind}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Missing() {
  const missing = collectors.value?.missing ?? [];
  if (missing.length === 0) return null;
  return <p class="notice amber" role="status">{missing.join(", ")} did not answer in 1 s: what only {missing.length > 1 ? "they know" : "it knows"} is missing here. <button type="button" class="small" onClick={() => void askAround()}>Ask again</button></p>;
}

function Alone() {
  const address = useSignal("");
  const state = useSignal<{ busy: boolean; error: string }>({ busy: false, error: "" });
  const connect = async (event: Event) => {
    event.preventDefault();
    state.value = { busy: true, error: "" };
    try {
      await mesh.connectTo({ address: address.value });
      state.value = { busy: false, error: "" };
    } catch (error) {
      state.value = { busy: false, error: textOf(error) };
    }
  };
  return (
    <Empty title={`${status.value?.collectorId} is alone.`}>
      <p>Connect it to another collector:</p>
      <Command text="collector connect 127.0.0.1:50052" />
      <form onSubmit={connect} class="row">
        <label>or enter an address <input value={address.value} placeholder="host:port" onInput={(e) => (address.value = e.currentTarget.value)} aria-describedby="connect-error" disabled={readonly} /></label>
        <Act type="submit" disabled={state.value.busy || !address.value}>{state.value.busy ? "Connecting…" : "Connect"}</Act>
      </form>
      <p id="connect-error" class="error" role="alert">{state.value.error}</p>
    </Empty>
  );
}

/** Tables say all that the graph shows. */
function Tables({ nodes, edges, lit }: { nodes: Node[]; edges: Edge[]; lit: (n: string[]) => boolean }) {
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Collectors">
        <table>
          <caption>Collectors</caption>
          <thead>
            <tr><th>Collector</th><th>State</th><th>Address</th><th>Namespaces</th><th class="n">Calls</th><th class="n">Errors</th><th class="n">p50</th><th class="n">p99</th><th>Seen</th></tr>
          </thead>
          <tbody>
            {nodes.map((n) => (
              <tr key={n.id} data-row data-collector={n.id} class={lit(n.namespaces) ? "" : "dim"}>
                <td><a href={pick({ at: n.id })}>{n.id}</a>{n.self ? <small> this</small> : n.direct ? "" : <small> via {n.via}</small>}</td>
                <td><State of={n.state} /></td>
                <td>{n.address || "–"}</td>
                <td><Tags of={n.namespaces} /></td>
                <td class="n">{rate(n.recent.perSecond)}</td>
                <td class="n">{percent(n.recent.errors, n.recent.calls)}</td>
                <td class="n">{duration(n.recent.p50)}</td>
                <td class="n">{duration(n.recent.p99)}</td>
                <td>{n.self ? "now" : ago(n.lastSeen)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Connections">
        <table>
          <caption>Connections</caption>
          <thead><tr><th>From</th><th>To</th><th>State</th><th>Shared</th><th>Now</th><th class="n">Calls ever</th><th class="n">Errors ever</th></tr></thead>
          <tbody>
            {edges.map((e) => (
              <tr key={e.id} data-row data-connection={e.id} class={lit(e.namespaces) ? "" : "dim"}>
                <td><a href={pick({ edge: e.id })}>{e.source}</a></td>
                <td>{e.target}</td>
                <td><State of={e.state} /></td>
                <td><Tags of={e.namespaces} /></td>
                <td>{edgeLabel(e) || "–"}</td>
                <td class="n">{count(e.calls)}</td>
                <td class="n">{count(e.errors)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {edges.length === 0 ? <p class="dim">No connections.</p> : null}
      </div>
    </>
  );
}

function Close() {
  const close = () => setQuery({ at: undefined, edge: undefined });
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => e.key === "Escape" && !document.querySelector("dialog[open]") && close();
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return <button type="button" class="icon close" aria-label="Close" onClick={close}>✕</button>;
}

function NodePanel({ id }: { id: string }) {
  const node = nodes.value.find((n) => n.id === id);
  if (!node) return <aside class="panel" aria-label="Collector"><Close /><p>There is no collector {id} here any more.</p></aside>;
  const methods = (services.value ?? []).flatMap((s) => s.methods.filter((m) => m.collectorIds.includes(id)).map((m) => ({ s, m })));
  return (
    <aside class="panel" aria-label={"Collector " + id}>
      <Close />
      <h2><a href={href("collectors", [id])}>{id}</a> <State of={node.state} /></h2>
      <Facts of={[
        ["address", node.address || "–"],
        [node.self ? "namespaces" : "shared", <Tags of={node.namespaces} />],
        ["calls now", node.recent.calls ? `${rate(node.recent.perSecond)} · ${percent(node.recent.errors, node.recent.calls)} errors · p99 ${duration(node.recent.p99)}` : "none"],
        ["known", node.self ? "this collector" : node.direct ? "directly" : "via " + node.via],
      ]} />
      <h3>Recent calls</h3>
      <Recently collector={id} />
      <h3>Serves</h3>
      {methods.length === 0 ? <p class="dim">No methods that can be called from here.</p> : (
        <ul class="plain">
          {methods.slice(0, 12).map(({ s, m }) => (
            <li key={s.namespace + m.procedure}><a href={href("call", [s.namespace, s.name, m.name], { to: id })}>{brief(m.procedure)}</a> <small>{s.namespace}</small></li>
          ))}
        </ul>
      )}
      <p><a class="button" href={href("traffic", [], { collector: id })}>Tap its traffic</a></p>
    </aside>
  );
}

function EdgePanel({ id }: { id: string }) {
  const edge = edges.value.find((e) => e.id === id);
  if (!edge) return <aside class="panel" aria-label="Connection"><Close /><p>There is no connection {id.replace("~", " – ")} any more.</p></aside>;
  const me = status.value?.collectorId;
  const other = edge.source === me ? edge.target : edge.source;
  return (
    <aside class="panel" aria-label={`Connection ${edge.source} to ${edge.target}`}>
      <Close />
      <h2>{edge.source} → {edge.target} <State of={edge.state} /></h2>
      <Facts of={[
        ["shared", <Tags of={edge.namespaces} />],
        ["now", edgeLabel(edge) || "unknown here"],
        ["calls ever", count(edge.calls)],
        ["errors ever", count(edge.errors)],
        ["dialled by", edge.source],
      ]} />
      {edge.recent ? <><h3>Recent calls</h3><Recently collector={other} /><p><a class="button" href={href("traffic", [], { collector: other })}>Tap this edge</a></p></>
        : <p class="dim">{me} does not see the calls between these two. Open the console of {edge.source} or {edge.target}.</p>}
    </aside>
  );
}

/** Recently lists the last calls with a collector, failures first to be seen. */
function Recently({ collector }: { collector: string }) {
  const list = useSignal<Dispatch[]>([]);
  const tick = Math.floor((ticks.value.at(-1)?.at ?? 0) / 2000);
  useEffect(() => {
    const abort = new AbortController();
    mesh.listDispatches({ filter: { collectorId: collector }, limit: 6 }, { signal: abort.signal }).then(
      (r) => (list.value = r.dispatches),
      () => undefined,
    );
    return () => abort.abort();
  }, [collector, tick]);
  if (list.value.length === 0) return <p class="dim">None yet.</p>;
  return (
    <ul class="recent">
      {list.value.map((d) => (
        <li key={String(d.seq)}>
          <button type="button" class="link" onClick={() => go(href("traffic", [], { collector, seq: String(d.seq) }))}>{brief(d.procedure)}</button>
          <Verdict code={d.code} reason={d.reason} />
          <small>{clock(d.startedAt)} · {duration(d.durationNanos)}</small>
        </li>
      ))}
    </ul>
  );
}

