// The mesh as a picture: SVG, so that every node is an element that can be focused, named and found by tests. Positions
// stay where they are: nothing moves unless somebody moves it, and the same mesh gives the same picture.
import { forceCenter, forceCollide, forceLink, forceManyBody, forceSimulation, type SimulationNodeDatum } from "d3-force";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { signal } from "@preact/signals";
import { duration, percent, rate, stateName } from "./format.js";
import { arrange, radius, readable, widthOf, wordsHeight, type Box, type Point } from "./labels.js";
import { pick } from "./route.js";
import { up, type Edge, type Node } from "./topology.js";

const store = "collective.positions";
export const positions = signal<Record<string, Point>>(stored());

function stored(): Record<string, Point> {
  try {
    return JSON.parse(localStorage.getItem(store) ?? "{}");
  } catch {
    return {};
  }
}

function keep(next: Record<string, Point>): void {
  positions.value = next;
  try {
    localStorage.setItem(store, JSON.stringify(next));
  } catch {
    // The next visit lays out anew.
  }
}

type Body = SimulationNodeDatum & { id: string };

/** layOut finds places for nodes that have none and leaves the others alone. */
export function layOut(nodes: Node[], edges: Edge[], anew = false): void {
  const old = anew ? {} : positions.peek();
  if (nodes.every((n) => old[n.id])) return;
  const bodies = nodes.map((n, i): Body => {
    const at = old[n.id];
    const angle = (i / nodes.length) * 2 * Math.PI;
    return at ? { id: n.id, x: at.x, y: at.y, fx: at.x, fy: at.y } : { id: n.id, x: 120 * Math.cos(angle), y: 90 * Math.sin(angle) };
  });
  const known = new Set(nodes.map((n) => n.id));
  const links = edges.filter((e) => known.has(e.source) && known.has(e.target)).map((e) => ({ source: e.source, target: e.target }));
  forceSimulation(bodies)
    .force("charge", forceManyBody().strength(-900))
    .force("link", forceLink<Body, { source: string; target: string }>(links).id((b) => b.id).distance(210))
    .force("collide", forceCollide(70))
    .force("center", Object.keys(old).length ? null : forceCenter(0, 0))
    .stop()
    .tick(300);
  const found = bodies.map((b) => ({ id: b.id, x: b.x ?? 0, y: b.y ?? 0 }));
  const fresh = !nodes.some((n) => old[n.id]);
  const upright = fresh && extent(found.map((p) => p.y)) > extent(found.map((p) => p.x)); // screens are wide
  keep({ ...old, ...Object.fromEntries(found.map((p) => [p.id, upright ? { x: p.y, y: p.x } : { x: p.x, y: p.y }])) });
}

const extent = (list: number[]) => Math.max(...list) - Math.min(...list);

/** tall is the height of the picture: many collectors need room. */
const tall = (nodes: number) => Math.min(1100, 460 + 13 * Math.max(0, nodes - 12));

interface Frame {
  width: number;
  height: number;
  sx: number;
  sy: number;
  dx: number;
  dy: number;
}

/** frame maps positions to the picture so that everything is in it. */
function frame(nodes: Node[], at: Record<string, Point>, width: number): Frame {
  const points = nodes.map((n) => at[n.id]).filter(Boolean), height = tall(nodes.length);
  if (points.length === 0) return { width, height, sx: 1, sy: 1, dx: width / 2, dy: height / 2 };
  const xs = points.map((p) => p.x), ys = points.map((p) => p.y);
  const left = Math.min(...xs), right = Math.max(...xs), top = Math.min(...ys), bottom = Math.max(...ys);
  const side = Math.min(110, width / 4);
  const sx = Math.min(2.2, (width - 2 * side) / Math.max(1, right - left)), sy = Math.min(1.6, (height - 150) / Math.max(1, bottom - top));
  return { width, height, sx, sy, dx: width / 2 - (sx * (left + right)) / 2, dy: height / 2 - (sy * (top + bottom)) / 2 };
}

export function Graph(props: { nodes: Node[]; edges: Edge[]; at: string; edge: string; lit: (namespaces: string[]) => boolean; fit: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(800);
  const kept = useRef<Frame>(undefined);
  useLayoutEffect(() => {
    const measure = () => setWidth(Math.max(280, box.current?.clientWidth ?? 800));
    measure();
    const observer = new ResizeObserver(() => requestAnimationFrame(measure)); // a frame of its own: what made room was drawn in this one
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const names = props.nodes.map((n) => n.id).join();
  useEffect(() => layOut(props.nodes, props.edges), [names]);
  const fresh = frame(props.nodes, positions.value, width);
  if (props.fit || !kept.current || kept.current.width !== width) kept.current = fresh;
  const f = kept.current;
  const place = (id: string): Point | undefined => {
    const p = positions.value[id];
    return p && { x: f.dx + f.sx * p.x, y: f.dy + f.sy * p.y };
  };
  const busiest = Math.max(1, ...props.edges.map((e) => e.recent?.perSecond ?? 0));
  const drawn = props.edges.flatMap((edge) => {
    const a = place(edge.source), b = place(edge.target);
    return a && b ? [{ edge, a, b }] : [];
  });
  const told = width < 500 ? [] : drawn.filter(({ edge }) => drawn.length <= readable || props.edge === edge.id || kindOf(edge) !== "fine");
  const words = told.map(({ edge, a, b }) => ({ id: edge.id, a, b, w: roomFor(edge) }));
  const stops = props.nodes.flatMap((n) => {
    const at = place(n.id);
    return at ? [{ id: n.id, at, w: Math.max(...caption(n).map(widthOf)) + 8 }] : [];
  });
  const places = useMemo(() => arrange(drawn.map(({ edge, a, b }) => ({ id: edge.id, a, b })), words, stops), [JSON.stringify([words, stops])]);
  return (
    <div class="graph" ref={box}>
      <svg role="group" aria-label="Collectors and their connections" width={width} height={f.height} viewBox={`0 0 ${width} ${f.height}`}>
        {drawn.map(({ edge, a, b }) => <Line key={edge.id} edge={edge} a={a} b={b} dim={!props.lit(edge.namespaces)} chosen={props.edge === edge.id} busiest={busiest} />)}
        {props.nodes.map((n) => {
          const p = place(n.id);
          return p ? <Dot key={n.id} node={n} at={p} dim={!props.lit(n.namespaces)} chosen={props.at === n.id} edges={props.edges} place={place} sx={f.sx} sy={f.sy} /> : null;
        })}
        {told.map(({ edge }) => <Words key={edge.id} of={edge.id} at={places.wires.get(edge.id)} lines={[shared(edge), edgeLabel(edge)]} kind={kindOf(edge)} dim={!props.lit(edge.namespaces)} />)}
        {props.nodes.map((n) => <Words key={n.id} of={n.id} at={places.stops.get(n.id)} lines={caption(n)} kind="caption" dim={!props.lit(n.namespaces)} />)}
      </svg>
    </div>
  );
}

function kindOf(edge: Edge): string {
  if (!up(edge.state)) return stateName(edge.state);
  return (edge.recent?.errors ?? 0) > 0 ? "failing" : "fine";
}

const shared = (edge: Edge) => shorten(edge.namespaces.join(", "));
const caption = (n: Node) => [n.self ? "this collector" : stateName(n.state), shorten(n.namespaces.join(", "))];
const shorten = (text: string) => (text.length > 28 ? text.slice(0, 27) + "…" : text);

/** roomFor keeps room for the widest label, so that labels stay where they are while their numbers change. */
const roomFor = (edge: Edge) => Math.max(widthOf(shared(edge)), up(edge.state) && edge.recent ? widthOf("999/s · 99% · 99.9 ms") : widthOf(edgeLabel(edge))) + 8;

/** moved puts a group in its place: text that moves with a group is not set anew. */
const moved = (at: Point) => `translate(${at.x} ${at.y})`;

/** Words stand on the ground of the picture: no line runs through them. */
function Words({ of, at, lines, kind, dim }: { of: string; at?: Box; lines: string[]; kind: string; dim: boolean }) {
  const said = lines.filter((l) => l !== "");
  if (!at || said.length === 0) return null;
  const w = Math.max(...said.map(widthOf)) + 8, h = (wordsHeight / 2) * said.length;
  const top = at.y - (kind === "caption" ? wordsHeight / 2 : h / 2);
  return (
    <g class={`words ${kind}${dim ? " dim" : ""}`} data-words={of} aria-hidden="true" transform={moved({ x: at.x, y: top })}>
      <rect x={-w / 2} y={0} width={w} height={h} />
      <text text-anchor="middle">
        {said.map((line, i) => <tspan key={i} x={0} y={12.5 + (i * wordsHeight) / 2} class={line === lines[kind === "caption" ? 1 : 0] ? "ns" : "what"}>{line}</tspan>)}
      </text>
    </g>
  );
}

function Line({ edge, a, b, dim, chosen, busiest }: { edge: Edge; a: Point; b: Point; dim: boolean; chosen: boolean; busiest: number }) {
  const r = edge.recent;
  return (
    <a href={pick({ edge: edge.id })} role="link" class={`edge ${kindOf(edge)}${dim ? " dim" : ""}${chosen ? " chosen" : ""}`} data-edge={edge.id}
      aria-label={`connection ${edge.source} to ${edge.target}, ${stateName(edge.state)}, ${edge.namespaces.join(" and ") || "no shared namespace"}`}>
      <line class="hit" x1={a.x} y1={a.y} x2={b.x} y2={b.y} />
      <line class="stroke" x1={a.x} y1={a.y} x2={b.x} y2={b.y} stroke-width={1.5 + 4 * Math.sqrt((r?.perSecond ?? 0) / busiest)} />
      {r && r.perSecond > 0 ? <line class="flow" x1={a.x} y1={a.y} x2={b.x} y2={b.y} /> : null}
    </a>
  );
}

/** edgeLabel is rate, errors and p99, or the state when no calls can go. */
export function edgeLabel(edge: Edge): string {
  if (!up(edge.state)) return stateName(edge.state);
  if (!edge.recent || edge.recent.calls === 0) return edge.recent ? "no calls" : "";
  return `${rate(edge.recent.perSecond)} · ${percent(edge.recent.errors, edge.recent.calls)} · ${duration(edge.recent.p99)}`;
}

interface DotProps {
  node: Node;
  at: Point;
  dim: boolean;
  chosen: boolean;
  edges: Edge[];
  place: (id: string) => Point | undefined;
  sx: number;
  sy: number;
}

function Dot({ node, at, dim, chosen, edges, place, sx, sy }: DotProps) {
  const r = node.recent;
  const share = r.calls ? r.errors / r.calls : 0;
  const around = 2 * Math.PI * (radius + 4);
  const dragged = useRef(false);
  const grab = (event: PointerEvent) => {
    const from = { x: event.clientX, y: event.clientY }, start = positions.peek()[node.id];
    const target = event.currentTarget as Element;
    dragged.current = false;
    const move = (e: PointerEvent) => {
      const dx = e.clientX - from.x, dy = e.clientY - from.y;
      if (Math.hypot(dx, dy) < 4 && !dragged.current) return;
      dragged.current = true;
      keep({ ...positions.peek(), [node.id]: { x: start.x + dx / sx, y: start.y + dy / sy } });
    };
    const drop = () => {
      target.removeEventListener("pointermove", move as EventListener);
      removeEventListener("pointerup", drop);
    };
    target.addEventListener("pointermove", move as EventListener);
    addEventListener("pointerup", drop);
  };
  const walk = (event: KeyboardEvent) => {
    const direction: Record<string, Point> = { ArrowRight: { x: 1, y: 0 }, ArrowLeft: { x: -1, y: 0 }, ArrowUp: { x: 0, y: -1 }, ArrowDown: { x: 0, y: 1 } };
    const way = direction[event.key];
    if (!way) return;
    event.preventDefault();
    const next = edges
      .filter((e) => e.source === node.id || e.target === node.id)
      .map((e) => (e.source === node.id ? e.target : e.source))
      .map((id) => ({ id, p: place(id) }))
      .filter((n): n is { id: string; p: Point } => !!n.p)
      .map((n) => ({ id: n.id, along: ((n.p.x - at.x) * way.x + (n.p.y - at.y) * way.y) / Math.hypot(n.p.x - at.x, n.p.y - at.y) }))
      .sort((a, b) => b.along - a.along)[0];
    if (next && next.along > 0) document.querySelector<HTMLElement>(`[data-node="${CSS.escape(next.id)}"]`)?.focus();
  };
  return (
    <g transform={moved(at)}>
    <a href={pick({ at: node.id })} role="link" class={`node ${stateName(node.state)}${node.self ? " self" : ""}${dim ? " dim" : ""}${chosen ? " chosen" : ""}${node.direct ? "" : " indirect"}`}
      data-node={node.id} aria-label={nodeLabel(node)} draggable={false}
      onPointerDown={grab} onClick={(e) => dragged.current && e.preventDefault()} onKeyDown={walk}>
      <circle class="halo" r={radius + 8} />
      <circle class="body" r={radius} />
      {r.calls > 0 ? <circle class="health" r={radius + 4} /> : null}
      {share > 0 ? <circle class="sick" r={radius + 4} stroke-dasharray={`${share * around} ${around}`} transform="rotate(-90)" /> : null}
    </a>
    <text class={"id" + (dim ? " dim" : "")} aria-hidden="true" y={5} text-anchor="middle">{node.id.length > 8 ? node.id.slice(0, 7) + "…" : node.id}</text>
    </g>
  );
}

/** nodeLabel is a collector in words. */
export function nodeLabel(n: Node): string {
  const calls = n.recent.calls ? `${n.recent.calls} calls in the last 10 seconds, ${percent(n.recent.errors, n.recent.calls).replace("%", " percent")} errors` : "no calls now";
  return `collector ${n.id}, ${n.self ? "this one, " : ""}${stateName(n.state)}, ${calls}`;
}
