import { useSignal } from "@preact/signals";
import { mesh, textOf } from "../api.js";
import { ago, brief, clock, duration, millis, percent, rate, span } from "../format.js";
import { connections, services, status, ticks } from "../live.js";
import { Act, Command, Copy, Empty, Facts, State, Tags } from "../parts.js";
import { href, place } from "../route.js";
import { nodes } from "../topology.js";

export function Collector() {
  const id = place.value.args[0] ?? status.value?.collectorId ?? "";
  const node = nodes.value.find((n) => n.id === id);
  if (!status.value) return <p class="dim" aria-busy="true">Asking the collector…</p>;
  if (!node) return <Empty title={`No collector is called ${id}.`}><p><a href={href("mesh")}>Show those that are known</a></p></Empty>;
  const own = connections.value.find((c) => c.sourceCollectorId === id || c.targetCollectorId === id);
  const s = status.value;
  return (
    <section aria-labelledby="collector-title">
      <h1 id="collector-title">Collector {id} <State of={node.state} /></h1>
      <div class="columns">
        <div>
          <h2>What it is</h2>
          <Facts of={node.self ? [
            ["address", node.address || "–"],
            ["version", s.version || "development build"],
            ["session", <span class="mono">{s.sessionId}</span>],
            ["up", span(Date.now() - millis(s.startedAt)) + ", since " + clock(s.startedAt)],
            ["namespaces", <Tags of={node.namespaces} />],
            ["store", s.store?.error ? <span class="error">{s.store.error}</span> : s.store?.path || "in memory"],
          ] : [
            ["address", <>{node.address || "–"} {node.address ? <a href={`${location.protocol}//${node.address}/console/`} rel="noreferrer">its console</a> : null}</>],
            ["known", node.direct ? "directly" : "via " + node.via],
            ["namespaces", <Tags of={node.namespaces} />],
            ["last call", ago(node.lastSeen)],
          ]} />
          <h2>Calls now</h2>
          <Facts of={[
            ["rate", rate(node.recent.perSecond)],
            ["errors", percent(node.recent.errors, node.recent.calls)],
            ["p50", duration(node.recent.p50)],
            ["p99", duration(node.recent.p99)],
          ]} />
          <p><a class="button" href={href("metrics", [], { name: node.self ? undefined : id, kind: node.self ? undefined : "peer" })}>Plots</a> <a class="button" href={href("traffic", [], { collector: id })}>Traffic</a></p>
        </div>
        <div>
          <h2>Connection</h2>
          {node.self ? <ConnectForm /> : own ? <Connection id={own.id} other={id} address={own.address} /> : <p class="dim">{s.collectorId} has no connection with it.</p>}
          {node.self ? <><h2>Who is believed</h2><ul class="plain">{[...s.links, ...s.callers].map((line) => <li key={line}>{line}</li>)}</ul><h2>Limits</h2><Facts of={Object.entries(s.limits).sort()} /></> : null}
        </div>
      </div>
      <h2>Serves</h2>
      <Serves id={id} />
      <p class="dim">As of {clock(ticks.value.at(-1)?.at)}.</p>
    </section>
  );
}

function Serves({ id }: { id: string }) {
  const list = (services.value ?? []).map((s) => ({ s, methods: s.methods.filter((m) => m.collectorIds.includes(id)) })).filter((x) => x.methods.length > 0);
  if (list.length === 0) return <p class="dim">No methods that can be called from here.</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Methods"><table>
      <thead><tr><th>Namespace</th><th>Method</th><th><span class="visually-hidden">Actions</span></th></tr></thead>
      <tbody>
        {list.flatMap(({ s, methods }) => methods.map((m) => (
          <tr key={s.namespace + m.procedure} data-row>
            <td><span class="tag">{s.namespace}</span></td>
            <td><a href={href("services", [s.namespace, s.name])}>{brief(m.procedure)}</a></td>
            <td><a href={href("call", [s.namespace, s.name, m.name], { to: id })}>Call</a></td>
          </tr>
        )))}
      </tbody>
    </table></div>
  );
}

function Connection({ id, other, address }: { id: string; other: string; address: string }) {
  const record = connections.value.find((c) => c.id === id);
  const sure = useSignal(false);
  const error = useSignal("");
  const act = async (what: () => Promise<unknown>) => {
    error.value = "";
    try {
      await what();
    } catch (e) {
      error.value = textOf(e);
    }
    sure.value = false;
  };
  const up = record?.state === 1 || record?.state === 2;
  return (
    <>
      <Facts of={[["id", <span class="mono">{id}</span>], ["state", <State of={record?.state ?? 0} />], ["since", clock(record?.stateChangedAt)], ["why", record?.closeReason || "–"]]} />
      <p class="row">
        {up ? (sure.value ? (
          <>
            <Act class="danger" onClick={() => act(() => mesh.disconnect({ connectionId: id, reason: "closed from the console" }))}>Yes, disconnect {other}</Act>
            <button type="button" onClick={() => (sure.value = false)}>Keep it</button>
          </>
        ) : <Act onClick={() => (sure.value = true)}>Disconnect…</Act>) : <Act onClick={() => act(() => mesh.connectTo({ address }))}>Connect again</Act>}
        <Copy text={up ? `collector disconnect ${id}` : `collector connect ${address}`} label="Copy as command" />
      </p>
      {error.value ? <p class="error" role="alert">{error.value}</p> : null}
    </>
  );
}

function ConnectForm() {
  const address = useSignal("");
  const said = useSignal("");
  const connect = async (event: Event) => {
    event.preventDefault();
    said.value = "Connecting…";
    try {
      const answer = await mesh.connectTo({ address: address.value });
      said.value = `Connected, sharing ${answer.connection?.sharedNamespaces.join(", ") || "no namespace"}.`;
    } catch (e) {
      said.value = textOf(e);
    }
  };
  return (
    <>
      <form class="row" onSubmit={connect}>
        <label>Connect to <input value={address.value} placeholder="host:port" onInput={(e) => (address.value = e.currentTarget.value)} /></label>
        <Act type="submit" disabled={!address.value}>Connect</Act>
      </form>
      <p role="status">{said.value}</p>
      <Command text={`collector connect ${address.value || "127.0.0.1:50052"}`} />
    </>
  );
}
