import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import uPlot from "uplot";
import { mesh, textOf } from "../api.js";
import { brief, clock, count, duration, millis, percent, rate } from "../format.js";
import type { GetMetricsResponse, Series } from "../gen/collector/mesh/v1/observe_pb.js";
import { SeriesKind } from "../gen/collector/mesh/v1/observe_pb.js";
import { asOf, paused } from "../live.js";
import { Empty, Problem, Tabs } from "../parts.js";
import { go, href, place, setQuery } from "../route.js";
import { color, scheme } from "../theme.js";

const windows: Record<string, number> = { "5 min": 300, "1 h": 3600 };
const kinds: Record<string, SeriesKind> = { method: SeriesKind.METHOD, peer: SeriesKind.PEER };

export function Metrics() {
  const q = place.value.query;
  const window = q.get("window") ?? "5 min";
  const data = useSignal<GetMetricsResponse | undefined>(undefined);
  const error = useSignal("");
  const tick = paused.value ? 0 : Math.floor(asOf.value / 2000);
  useEffect(() => {
    const abort = new AbortController();
    mesh.getMetrics({ windowSeconds: windows[window] ?? 300 }, { signal: abort.signal }).then(
      (r) => ((data.value = r), (error.value = "")),
      (e) => !abort.signal.aborted && (error.value = textOf(e)),
    );
    return () => abort.abort();
  }, [window, tick]);
  const all = data.value?.series ?? [];
  const chosen = all.find((s) => s.kind === (kinds[q.get("kind") ?? ""] ?? SeriesKind.COLLECTOR) && (q.get("kind") ? s.name === q.get("name") && s.namespace === (q.get("ns") ?? "") : true));
  return (
    <section aria-labelledby="metrics-title">
      <h1 id="metrics-title">Metrics {q.get("kind") ? <small>{q.get("kind")} {q.get("kind") === "method" ? brief(q.get("name") ?? "") : q.get("name")} · <a href={href("metrics", [], { window: q.get("window") ?? undefined })}>show all</a></small> : <small>all calls of this collector</small>}</h1>
      <div class="bar"><Tabs names={Object.keys(windows)} at={window} onPick={(w) => setQuery({ window: w })} label="How far back" /></div>
      {error.value ? <Problem title="No metrics" text={error.value} /> : null}
      {!data.value ? <p class="dim" aria-busy="true">Asking the collector…</p> : !chosen || all[0]?.total?.calls === 0n ? (
        <Empty title={chosen || !q.get("kind") ? "No dispatches yet." : "No calls of this in the time shown."}><p><a href={href("services")}>Call a method</a> and it shows up here.</p></Empty>
      ) : <Plots data={data.value} series={chosen} />}
      <Totals series={all} />
    </section>
  );
}

function Plots({ data, series }: { data: GetMetricsResponse; series: Series }) {
  const start = millis(data.start) / 1000, step = data.stepSeconds;
  const xs = series.points.map((_, i) => start + i * step);
  const pick = (f: (p: Series["points"][number]) => number | null) => series.points.map(f);
  const latency = (n: bigint) => (n === 0n ? null : Number(n) / 1e6);
  return (
    <div class="plots">
      <Plot title="Calls per second" xs={xs} lines={[["calls", "--accent", pick((p) => Number(p.calls) / step)]]} step={step} format={(v) => rate(v)} />
      <Plot title="Errors per second" xs={xs} lines={[["errors", "--bad", pick((p) => Number(p.errors) / step)]]} step={step} format={(v) => rate(v)} />
      <Plot title="Latency" xs={xs} step={step} format={(v) => duration(v * 1e6)} lines={[
        ["p50", "--accent", pick((p) => latency(p.p50Nanos))],
        ["p90", "--warn", pick((p) => latency(p.p90Nanos))],
        ["p99", "--bad", pick((p) => latency(p.p99Nanos))],
      ]} />
    </div>
  );
}

/** lonely are the points without a neighbour: no line shows them. */
function lonely(u: uPlot, series: number): number[] {
  const values = u.data[series];
  const there = (i: number) => values[i] !== null && values[i] !== undefined;
  return [...values.keys()].filter((i) => there(i) && !there(i - 1) && !there(i + 1));
}

type Line = [name: string, color: string, values: (number | null)[]];

/** Plot is drawn once and then fed. A click opens the traffic of that moment. */
function Plot({ title, xs, lines, step, format }: { title: string; xs: number[]; lines: Line[]; step: number; format: (v: number) => string }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data: uPlot.AlignedData = [xs, ...lines.map(([, , values]) => values)];
  useEffect(() => {
    const node = box.current!;
    const axis = { stroke: color("--dim"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line") }, font: "12px system-ui" };
    const drawn = new uPlot({
      width: Math.max(260, node.clientWidth), height: 190,
      cursor: { sync: { key: "metrics" }, drag: { x: true, y: false } },
      legend: { live: true },
      scales: { x: { time: true }, y: { range: (_u, _min, max) => [0, Number.isFinite(max) && max > 0 ? max * 1.1 : 1] } },
      axes: [{ ...axis, values: (_u, ticks) => ticks.map((t) => clock(t * 1000)), space: 80 }, { ...axis, size: 64, values: (_u, ticks) => ticks.map((t) => (t === 0 ? "0" : format(t))) }],
      series: [{ label: "time", value: (_u, v) => (v == null ? "–" : clock(v * 1000)) }, ...lines.map(([label, variable]) => ({
        label, stroke: color(variable), width: 1.8, spanGaps: false, fill: lines.length === 1 ? color(variable).replace("rgb(", "rgba(").replace(")", ", 0.12)") : undefined,
        value: (_u: uPlot, v: number | null) => (v == null ? "–" : format(v)), points: { show: true, size: 4, fill: color(variable), filter: lonely },
      }))],
    }, data, node);
    plot.current = drawn;
    let pressed = 0;
    drawn.over.addEventListener("mousedown", (e) => (pressed = e.clientX));
    drawn.over.addEventListener("click", (e) => {
      const at = drawn.posToVal(drawn.cursor.left ?? 0, "x");
      if (Math.abs(e.clientX - pressed) < 4) go(href("traffic", [], { from: String(Math.floor((at - step) * 1000)), to: String(Math.ceil((at + step) * 1000)) }));
    });
    const observer = new ResizeObserver(() => drawn.setSize({ width: Math.max(260, node.clientWidth), height: 190 }));
    observer.observe(node);
    return () => (observer.disconnect(), drawn.destroy());
  }, [scheme.value, lines.length]);
  useEffect(() => plot.current?.setData(data), [xs[0], xs.length, lines]);
  const newest = lines.map(([name, , values]) => `${name} ${format(values.findLast((v) => v !== null && v > 0) ?? 0)}`).join(", ");
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <div ref={box} role="img" aria-label={`${title}: last ${newest}`} />
    </figure>
  );
}

/** Totals says in a table what the plots show, for every method and peer. */
function Totals({ series }: { series: Series[] }) {
  if (series.length === 0) return null;
  const sorted = [...series].filter((s) => (s.total?.calls ?? 0n) > 0n);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Totals">
      <table>
        <caption>The whole time shown</caption>
        <thead><tr><th>What</th><th>Namespace</th><th class="n">Calls</th><th class="n">Errors</th><th class="n">p50</th><th class="n">p90</th><th class="n">p99</th><th><span class="visually-hidden">Actions</span></th></tr></thead>
        <tbody>
          {sorted.map((s) => {
            const kind = s.kind === SeriesKind.METHOD ? "method" : s.kind === SeriesKind.PEER ? "peer" : "";
            return (
              <tr key={s.kind + s.namespace + s.name} data-row>
                <td>{kind ? <a href={href("metrics", [], { kind, name: s.name, ns: s.namespace, window: place.value.query.get("window") ?? undefined })}>{kind === "method" ? brief(s.name) : "peer " + s.name}</a> : <b>all calls</b>}</td>
                <td>{s.namespace ? <span class="tag">{s.namespace}</span> : "–"}</td>
                <td class="n">{count(s.total?.calls)}</td>
                <td class="n">{percent(s.total?.errors ?? 0, s.total?.calls ?? 0)}</td>
                <td class="n">{duration(s.total?.p50Nanos)}</td>
                <td class="n">{duration(s.total?.p90Nanos)}</td>
                <td class="n">{duration(s.total?.p99Nanos)}</td>
                <td>{kind && !s.name.startsWith("(") ? <a href={href("traffic", [], kind === "method" ? { procedure: s.name, ns: s.namespace } : { collector: s.name })}>Traffic</a> : null}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
