import { useEffect, useRef, useState } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { brief, bytes, clock, count, duration, millis, spoken } from "../format.js";
import type { Dispatch } from "../gen/collector/mesh/v1/observe_pb.js";
import { begin, dropped, filter, held, maxRows, nodesKnown, pause, paused, rows, seen, status, wantsRows } from "../live.js";
import { Command, Empty, Facts, Verdict } from "../parts.js";
import { go, href, place, setQuery } from "../route.js";

const rowHeight = 30;
const codes = ["ok", "canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists", "permission_denied", "resource_exhausted", "failed_precondition", "aborted", "out_of_range", "unimplemented", "internal", "unavailable", "data_loss", "unauthenticated"];
const filters = ["procedure", "ns", "collector", "code", "errors", "slow", "from", "to"];

export function Traffic() {
  const q = place.value.query;
  const get = (name: string) => q.get(name) ?? "";
  const moment = get("from") && get("to");
  const key = filters.map(get).join("|");
  useEffect(() => {
    void begin(
      {
        namespace: get("ns"), procedure: get("procedure"), collectorId: get("collector"), errorsOnly: get("errors") === "1",
        codes: get("code") ? [get("code")] : [], minDurationNanos: BigInt(Math.round(Number(get("slow") || 0) * 1e6)),
      },
      get("from") ? Number(get("from")) : undefined,
      get("to") ? Number(get("to")) : undefined,
    );
  }, [key]);
  useEffect(() => () => void ((wantsRows.value = false), (filter.value = {})), []);
  const list = rows.value;
  const filtered = filters.some((f) => get(f));
  const chosen = list.find((d) => String(d.seq) === get("seq"));
  const clear = () => go(href("traffic"));
  return (
    <section aria-labelledby="traffic-title">
      <h1 id="traffic-title">Traffic {moment ? <small>{clock(Number(get("from")))} to {clock(Number(get("to")))}</small> : null}</h1>
      <form class="bar" role="search" onSubmit={(e) => e.preventDefault()}>
        <Later name="procedure" label="Method" search />
        <label>Collector <select value={get("collector")} onChange={(e) => setQuery({ collector: e.currentTarget.value })}>
          <option value="">any</option>{nodesKnown.value.map((id) => <option key={id}>{id}</option>)}</select></label>
        <label>Namespace <select value={get("ns")} onChange={(e) => setQuery({ ns: e.currentTarget.value })}>
          <option value="">any</option>{(status.value?.namespaces ?? []).map((n) => <option key={n}>{n}</option>)}</select></label>
        <label>Code <select value={get("code")} onChange={(e) => setQuery({ code: e.currentTarget.value })}>
          <option value="">any</option>{codes.map((c) => <option key={c}>{c}</option>)}</select></label>
        <Later name="slow" label="Slower than, ms" narrow />
        <label class="check"><input type="checkbox" checked={get("errors") === "1"} onChange={(e) => setQuery({ errors: e.currentTarget.checked ? "1" : undefined })} /> Errors only</label>
        <button type="button" aria-pressed={paused.value} onClick={() => pause(!paused.value)}>{paused.value ? `Resume (${held.value} held)` : "Pause"}</button>
        {filtered ? <button type="button" onClick={clear}>Clear filters</button> : null}
      </form>
      <p class="dim" data-testid="counts">
        {list.length === 0 ? "" : `${count(list.length)} shown${list.length >= maxRows ? ", the last " + maxRows : ""}`}
        {dropped.value > 0 ? <span class="warn"> · {count(dropped.value)} dropped: more came than could be shown</span> : null}
      </p>
      <div class={"split" + (chosen ? " open" : "")}>
        <div class="wide">
          {list.length > 0 ? <Rows list={list} chosen={chosen} /> : filtered ? (
            <Empty title={`0 of ${seen.value} match.`}><button type="button" onClick={clear}>Clear filters</button></Empty>
          ) : (
            <Empty title="No dispatches yet."><p><a href={href("services")}>Call a method</a> or run:</p><Command text="collector demo" /></Empty>
          )}
        </div>
        {chosen ? <Detail d={chosen} /> : null}
      </div>
    </section>
  );
}

/** Later is a text filter that waits until typing pauses: each change starts the stream anew. */
function Later({ name, label, search, narrow }: { name: string; label: string; search?: boolean; narrow?: boolean }) {
  const given = place.value.query.get(name) ?? "";
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [text, setText] = useState(given);
  useEffect(() => setText(given), [given]);
  const change = (value: string) => {
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setQuery({ [name]: value }), 250);
  };
  return <label>{label} <input type={search ? "search" : undefined} list={undefined} class={narrow ? "narrow" : ""} value={text} onInput={(e) => change(e.currentTarget.value)} /></label>;
}

/** Rows draws only what is on the screen. The newest call is on top; who has scrolled away is left where they are. */
function Rows({ list, chosen }: { list: Dispatch[]; chosen?: Dispatch }) {
  const box = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(600);
  useEffect(() => {
    height.value = box.current?.clientHeight ?? 600;
  }, []);
  const first = Math.max(0, Math.floor(top.value / rowHeight) - 5);
  const shown = Math.ceil(height.value / rowHeight) + 10;
  const last = Math.min(list.length, first + shown);
  const visible: Dispatch[] = [];
  for (let i = first; i < last; i++) visible.push(list[list.length - 1 - i]);
  return (
    <div class="scroll rows" ref={box} tabIndex={0} role="region" aria-label="Calls" onScroll={(e) => (top.value = e.currentTarget.scrollTop)}>
      <table aria-rowcount={list.length}>
        <thead><tr><th>Time</th><th>From → to</th><th>Method</th><th>Verdict</th><th class="n">Took</th><th class="n">In</th><th class="n">Out</th></tr></thead>
        <tbody>
          {first > 0 ? <tr class="gap" aria-hidden="true"><td colSpan={7} style={{ height: first * rowHeight }} /></tr> : null}
          {visible.map((d) => (
            <tr key={String(d.seq)} data-row data-seq={String(d.seq)} class={d === chosen ? "chosen" : ""}>
              <td class="mono">{clock(d.startedAt, true)}</td>
              <td>{d.sourceCollectorId}{d.executorCollectorId !== d.sourceCollectorId ? <> → {d.executorCollectorId}</> : null}</td>
              <td><button type="button" class="link" title={spoken(d.procedure)} onClick={() => setQuery({ seq: String(d.seq) })}>{brief(d.procedure)}</button></td>
              <td><Verdict code={d.code} reason={d.reason} /></td>
              <td class="n">{duration(d.durationNanos)}</td>
              <td class="n">{bytes(d.requestBytes)}</td>
              <td class="n">{bytes(d.responseBytes)}</td>
            </tr>
          ))}
          {last < list.length ? <tr class="gap" aria-hidden="true"><td colSpan={7} style={{ height: (list.length - last) * rowHeight }} /></tr> : null}
        </tbody>
      </table>
    </div>
  );
}

function Detail({ d }: { d: Dispatch }) {
  const [service = "", method = ""] = spoken(d.procedure).split("/");
  const at = millis(d.startedAt);
  return (
    <aside class="panel" aria-label="Call">
      <button type="button" class="icon close" aria-label="Close" onClick={() => setQuery({ seq: undefined })}>✕</button>
      <h2>{brief(d.procedure)}</h2>
      <p><Verdict code={d.code} reason={d.reason} /></p>
      {d.message ? <p class="error">{d.message}</p> : null}
      <Facts of={[
        ["started", clock(d.startedAt, true)],
        ["took", duration(d.durationNanos)],
        ["namespace", d.namespace || "–"],
        ["route", <Route d={d} />],
        ["came in by", d.entrance],
        ["caller", d.principal ? <span key="caller" class="mono">{d.principal}</span> : "–"],
        ["request", bytes(d.requestBytes)],
        ["response", bytes(d.responseBytes)],
        ["number", String(d.seq)],
      ]} />
      <p class="row">
        {method ? <a class="button" href={href("call", [d.namespace, service, method])}>Call it</a> : null}
        <a class="button" href={href("metrics", [], { kind: "method", name: d.procedure, ns: d.namespace })}>Its metrics</a>
        <a class="button" href={href("traffic", [], { from: String(Math.floor(at - 1000)), to: String(Math.ceil(at + 1000)) })}>This second</a>
      </p>
    </aside>
  );
}

/** Route shows the way of a call; the hop that failed is the last one if the mesh failed it. */
function Route({ d }: { d: Dispatch }) {
  const failedHop = d.code !== "ok" && d.reason !== "";
  return <>{d.route.map((id, i) => <span key={i} class={failedHop && i === d.route.length - 1 ? "hop bad" : "hop"}>{i > 0 ? " → " : ""}{id}</span>)}</>;
}
