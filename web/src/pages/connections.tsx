import { useSignal } from "@preact/signals";
import { mesh, textOf } from "../api.js";
import { ago, bytes, clock, count, span, stateName } from "../format.js";
import { ConnectionState, type Connection } from "../gen/collector/dispatcher_pb.js";
import { connections, restarts, spells, status } from "../live.js";
import { Act, Copy, Empty, State, Tags } from "../parts.js";
import { href, place, setQuery } from "../route.js";

const states = [ConnectionState.ACTIVE, ConnectionState.IDLE, ConnectionState.STALE, ConnectionState.CLOSED, ConnectionState.FAILED];

export function Connections() {
  const wanted = place.value.query.get("state")?.split(",") ?? [];
  const error = useSignal("");
  const all = connections.value;
  const shown = all.filter((c) => wanted.length === 0 || wanted.includes(stateName(c.state)));
  const toggle = (name: string) => setQuery({ state: (wanted.includes(name) ? wanted.filter((w) => w !== name) : [...wanted, name]).join(",") });
  const again = async (c: Connection) => {
    error.value = "";
    try {
      await mesh.connectTo({ address: c.address });
    } catch (e) {
      error.value = textOf(e);
    }
  };
  return (
    <section aria-labelledby="connections-title">
      <h1 id="connections-title">Connections</h1>
      <div class="bar" role="group" aria-label="States">
        {states.map((s) => {
          const n = all.filter((c) => c.state === s).length;
          return (
            <button key={s} type="button" class="chip" aria-pressed={wanted.includes(stateName(s))} onClick={() => toggle(stateName(s))}>
              <State of={s} /> {n}
            </button>
          );
        })}
      </div>
      {error.value ? <p class="error" role="alert">{error.value}</p> : null}
      {all.length === 0 && status.value ? (
        <Empty title="No connections yet."><p>{status.value.collectorId} remembers every connection it ever had, also across restarts. <a href={href("mesh")}>Connect it</a>.</p></Empty>
      ) : shown.length === 0 && all.length > 0 ? (
        <Empty title={`0 of ${all.length} match.`}><button type="button" onClick={() => setQuery({ state: undefined })}>Clear filters</button></Empty>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="All connections">
          <table>
            <thead>
              <tr><th>Peer</th><th>State</th><th>Since</th><th>History, 15 min</th><th>Path</th><th>Shared</th><th class="n">Calls</th><th class="n">Sent</th><th class="n">Received</th><th>Last call</th><th>Why</th><th><span class="visually-hidden">Actions</span></th></tr>
            </thead>
            <tbody>{shown.map((c) => <Row key={c.id} c={c} onAgain={() => again(c)} />)}</tbody>
          </table>
        </div>
      )}
      <p class="dim">The strip shows what this browser saw since it came; grey is before. A notch marks a restart of the collector.</p>
    </section>
  );
}

function Row({ c, onAgain }: { c: Connection; onAgain: () => void }) {
  const me = status.value?.collectorId;
  const peer = c.sourceCollectorId === me ? c.targetCollectorId : c.sourceCollectorId;
  const down = c.state !== ConnectionState.ACTIVE && c.state !== ConnectionState.IDLE;
  return (
    <tr data-row data-connection={c.id}>
      <td><a href={href("collectors", [peer])}>{peer}</a><br /><small>{c.address}</small></td>
      <td><State of={c.state} /></td>
      <td>{clock(c.stateChangedAt)}</td>
      <td><Strip id={c.id} /></td>
      <td>{c.isInitiator ? "dialled" : "inbound"}</td>
      <td><Tags of={c.sharedNamespaces} /></td>
      <td class="n">{count(c.requestCount)}</td>
      <td class="n">{bytes(c.bytesSent)}</td>
      <td class="n">{bytes(c.bytesReceived)}</td>
      <td>{ago(c.lastActivity)}</td>
      <td class="why">{c.closeReason || "–"}</td>
      <td class="tight">{down ? <Act class="small" onClick={onAgain}>Reconnect</Act> : <Copy text={`collector disconnect ${c.id}`} label="Copy disconnect" />}</td>
    </tr>
  );
}

const minutes = 15;

/** Strip is the states of a connection over time. */
function Strip({ id }: { id: string }) {
  const now = Date.now(), start = now - minutes * 60_000;
  const list = spells.value[id] ?? [];
  const x = (at: number) => Math.max(0, Math.min(100, ((at - start) / (now - start)) * 100));
  const parts = list.map((s, i) => ({ ...s, to: list[i + 1]?.from ?? now })).filter((s) => s.to > start);
  const words = parts.map((p) => `${stateName(p.state)} for ${span(p.to - Math.max(start, p.from))}`).join(", ");
  return (
    <svg class="strip" viewBox="0 0 100 12" preserveAspectRatio="none" role="img" aria-label={words || "nothing seen"}>
      <rect class="unknown" x="0" y="2" width="100" height="8" />
      {parts.map((p) => <rect key={p.from} class={"fill " + stateName(p.state)} x={x(p.from)} y="2" width={Math.max(0.6, x(p.to) - x(p.from))} height="8" />)}
      {restarts.value.map((at) => <rect key={at} class="mark" x={x(at)} y="0" width="0.7" height="12" />)}
    </svg>
  );
}

